"""The configuration that holds, as YAML in Tempo's form: read from the options that a server runs with, not from what was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from pytempo.config.apply import BLOCKS, MIB, WAL, field_at, folders
from pytempo.config.keys import Fate, Key
from pytempo.config.kinds import Endpoint
from pytempo.config.settings import Settings
from pytempo.config.tempo import KEYS
from pytempo.config.tempo.receivers import GRPC, HTTP
from pytempo.errors import BadConfig

MODES = ("", "defaults", "diff")
"""Everything that holds; what holds where nothing is set; only what differs from that."""

_TLS = {
    "server.http_tls_config": "http_tls",
    "server.grpc_tls_config": "grpc_tls",
    f"{GRPC}.tls": "otlp_grpc_tls",
    f"{HTTP}.tls": "otlp_http_tls",
}
"""Which section is the TLS of which port."""

_OTLP = {GRPC: "otlp_grpc", HTTP: "otlp_http"}


def effective_yaml(options: object, settings: Settings, mode: str = "") -> str:
    """The configuration of `ServeOptions`. `settings` tells which keys were set and have no effect; they stand in comments.

    Raises BadConfig for a mode that there is not.
    """
    if mode not in MODES:
        raise BadConfig(f"mode {mode[:40]!r} is neither defaults nor diff")
    holding = _defaults() if mode == "defaults" else dict(_holding(options, settings))
    if mode == "diff":
        defaults = _defaults()
        holding = {path: value for path, value in holding.items() if value != defaults.get(path)}
    comments = [] if mode == "defaults" else list(_comments(settings))
    tree = yaml.safe_dump(_tree(holding), sort_keys=False, allow_unicode=True) if holding else ""
    return "".join(("---\n", *comments, tree))


def _used() -> Iterator[Key]:
    return (key for key in KEYS if key.fate is Fate.USED and not key.same_as)


def _defaults() -> dict[str, Any]:
    return {key.path: key.kind.write(key.default) for key in _used()}


def _holding(options: object, settings: Settings) -> Iterator[tuple[str, Any]]:
    for key in _used():
        value = _value(key, options, settings)
        if value is not _ABSENT:
            yield key.path, key.kind.write(value)


_ABSENT = object()
"""Of a receiver that is not opened."""


def _value(key: Key, options: object, settings: Settings) -> Any:
    if any(key.path.startswith(f"{section}.") and field_at(options, f"{name}_port") is None for section, name in _OTLP.items()):
        return _ABSENT
    if key.option:
        found = field_at(options, key.option)
        return field_at(options, "host") if found is None and key.option.endswith("_host") else found
    if key.path in (f"{section}.endpoint" for section in _OTLP):
        return _endpoint(options, _OTLP[key.path.removesuffix(".endpoint")])
    section, _, name = key.path.rpartition(".")
    if section in _TLS:
        return _tls_value(field_at(options, _TLS[section]), name)
    if key.path in ("server.tls_min_version", "server.tls_cipher_suites"):
        tls = field_at(options, "http_tls") or field_at(options, "grpc_tls")
        return _tls_value(tls, name.removeprefix("tls_"))
    data = Path(field_at(options, "data"))
    if key.path in (WAL, BLOCKS):
        wal, blocks = folders(settings)
        asked = wal if key.path == WAL else blocks
        return str(asked if asked.parent == data else data / ("wal" if key.path == WAL else "blocks"))
    limit, internal = field_at(options, "store.max_request_bytes"), field_at(options, "internal_port")
    special = {
        f"{GRPC}.max_recv_msg_size_mib": -(-limit // MIB),
        f"{HTTP}.max_request_body_size": limit,
        "internal_server.enable": internal is not None,
        "overrides.per_tenant_override_config": str(field_at(options, "overrides") or ""),
        "internal_server.http_listen_port": key.default if internal is None else internal,
    }
    return special[key.path] if key.path in special else settings[key.path]


def _tls_value(tls: object | None, name: str) -> Any:
    """A setting of the TLS of a port, empty where that is plain."""
    if tls is None:
        return () if name == "cipher_suites" else ""
    found = field_at(tls, name)
    return found if name == "cipher_suites" else str(found or "")


def _endpoint(options: object, name: str) -> Endpoint:
    port, host = field_at(options, f"{name}_port"), field_at(options, f"{name}_host")
    return Endpoint(field_at(options, "host") if host is None else host, port)


def _tree(values: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in values.items():
        *sections, name = path.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
    return tree


def _comments(settings: Settings) -> Iterator[str]:
    lines = [*settings.warnings(), *settings.notes()]
    if lines:
        yield "# accepted, and without effect:\n"
    yield from (f"#   {line}\n" for line in lines)
