"""pytempo: a trace store in one Python process that speaks Grafana Tempo.

with pytempo.open("./data") as store:
    store.export(otlp_bytes)
    store.search('{ status = error }')
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytempo.errors import (
    BadConfig,
    BadInput,
    BadQuery,
    BadRequest,
    Damaged,
    DirectoryInUse,
    NoTenant,
    NotFound,
    Overloaded,
    PytempoError,
    QueryStopped,
    RateLimited,
    Refused,
    RequestTooLarge,
    TraceTooLarge,
    Unavailable,
)

if TYPE_CHECKING:
    from pytempo.exporter import StoreSpanExporter
    from pytempo.options import StoreOptions
    from pytempo.store import Store, open

__version__ = "0.1.0"

__all__ = [
    "BadConfig",
    "BadInput",
    "BadQuery",
    "BadRequest",
    "Damaged",
    "DirectoryInUse",
    "NoTenant",
    "NotFound",
    "Overloaded",
    "PytempoError",
    "QueryStopped",
    "RateLimited",
    "Refused",
    "RequestTooLarge",
    "Store",
    "StoreOptions",
    "StoreSpanExporter",
    "TraceTooLarge",
    "Unavailable",
    "open",
]


def __getattr__(name: str) -> Any:
    """The store is loaded when it is first asked for: a command that needs none starts in a tenth of the time."""
    if name in ("Store", "StoreOptions", "open"):
        from pytempo import store  # lazy: it loads pyarrow

        return getattr(store, name)
    if name == "StoreSpanExporter":
        try:
            from pytempo.exporter import StoreSpanExporter  # lazy: the SDK is an extra
        except ModuleNotFoundError as error:
            raise ImportError(f"StoreSpanExporter needs the OpenTelemetry SDK ({error}): pip install 'pytempo[sdk]'") from error
        return StoreSpanExporter
    raise AttributeError(f"module 'pytempo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
