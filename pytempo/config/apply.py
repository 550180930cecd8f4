"""From settings to options: frozen dataclasses within each other, of which single fields are set by a path with dots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pytempo.config.settings import Settings
from pytempo.config.tempo.overrides import MOST_TRACES, MOST_TRACES_GLOBALLY
from pytempo.config.tempo.receivers import GRPC, HTTP
from pytempo.errors import BadConfig

T = TypeVar("T")

WAL, BLOCKS = "storage.trace.wal.path", "storage.trace.local.path"
MIB = 1024 * 1024


def replaced(options: T, values: Mapping[str, Any]) -> T:
    """The options with the fields at these paths (`store.flush.max_block_bytes`) set."""
    own: dict[str, Any] = {}
    below: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        name, _, rest = path.partition(".")
        if rest:
            below.setdefault(name, {})[rest] = value
        else:
            own[name] = value
    own |= {name: replaced(getattr(options, name), inner) for name, inner in below.items()}
    changed: T = replace(options, **own)  # type: ignore[type-var]
    return changed


def field_at(options: object, path: str) -> Any:
    """The field at a path."""
    for name in path.split("."):
        options = getattr(options, name)
    return options


def configured(options: T, settings: Settings) -> T:
    """`ServeOptions` as the settings want them. Raises BadConfig for settings that do not go together."""
    values = {**settings.by_option(), **_receivers(settings), **_internal_server(settings), **_limits(settings)}
    return replaced(options, {"data": data_directory(settings), **values})


def _receivers(settings: Settings) -> dict[str, Any]:
    """Ports of the protocols that are listed; of none at all, OTLP over gRPC."""
    listed = {"otlp_grpc": GRPC in settings, "otlp_http": HTTP in settings}
    if not any(listed.values()):
        listed["otlp_grpc"] = True
    values: dict[str, Any] = {}
    for name, section in (("otlp_grpc", GRPC), ("otlp_http", HTTP)):
        endpoint = settings[f"{section}.endpoint"]
        values |= {f"{name}_host": endpoint.host, f"{name}_port": endpoint.port if listed[name] else None}
    return {**values, "store.max_request_bytes": _largest_request(settings)}


def _largest_request(settings: Settings) -> int:
    mebibytes, size = f"{GRPC}.max_recv_msg_size_mib", f"{HTTP}.max_request_body_size"
    given: list[int] = [settings[path] * unit for path, unit in ((mebibytes, MIB), (size, 1)) if path in settings.given and settings[path]]
    return max(given, default=16 * MIB)


def _internal_server(settings: Settings) -> dict[str, Any]:
    enabled = settings["internal_server.enable"]
    return {"internal_port": settings["internal_server.http_listen_port"] if enabled else None}


def _limits(settings: Settings) -> dict[str, Any]:
    """One process has all traces that there are: of the limit on its own and that on all, the lower one counts."""
    traces = min(filter(None, (settings[MOST_TRACES], settings[MOST_TRACES_GLOBALLY])), default=0)
    file = settings["overrides.per_tenant_override_config"]
    return {"store.limits.max_traces": traces, "overrides": Path(file) if file else None}


def data_directory(settings: Settings) -> Path:
    """The folder above that of the log. Raises BadConfig where the blocks are not to lie in it."""
    wal, blocks = folders(settings)
    if wal.parent != blocks.parent or wal == blocks:
        raise BadConfig(
            f"{settings.place(BLOCKS)}: {BLOCKS} {blocks} and {WAL} {wal} must be two folders of one directory, such as /var/tempo/blocks "
            "and /var/tempo/wal: that directory also holds the lock. Mount another disk there, if blocks are to lie on one"
        )
    return wal.parent


def folders(settings: Settings) -> tuple[Path, Path]:
    """Where the log and the blocks lie."""
    wal = Path(settings[WAL]).absolute()
    given = BLOCKS in settings.given and settings[BLOCKS]
    return wal, Path(settings[BLOCKS]).absolute() if given else wal.parent / "blocks"
