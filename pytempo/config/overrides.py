"""Tempo's overrides: the limits of tenants, in the scoped form and in the flat one of before, from a section or from a file of their own.

Every key that Tempo knows is used, or accepted and without effect; any other is refused with file, line and the nearest one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from pytempo.config.limit_keys import KEYS
from pytempo.config.nearest import nearest_key
from pytempo.config.yaml_tree import Item, read_yaml
from pytempo.errors import BadConfig, BadRequest
from pytempo.limits import LimitOptions
from pytempo.model.tenant import check_tenant

EVERYBODY = "*"
"""The tenant whose entry holds for all that have none."""


SCOPES = {key.scoped.split(".")[0] for key in KEYS if "." in key.scoped}

_FLAT_PREFIX = "metrics_generator_"
"""Keys of the flat form that begin so have no effect, whichever they are."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """The limits of tenants as a file gives them, and the SHA-256 of the file."""

    tenants: Mapping[str, LimitOptions]
    digest: str = ""


def read_limits(entry: Item) -> LimitOptions:
    """The limits of one tenant, or the defaults of all, in either form. Raises BadConfig with the place of what is wrong."""
    keys = entry.value if isinstance(entry.value, dict) else None
    if keys is None:
        if entry.value is None:
            return LimitOptions()
        raise BadConfig(f"{entry.place}: limits are a mapping, such as `ingestion: {{max_traces_per_user: 1000}}`")
    scoped, flat = {**dict(_scoped(keys))}, {name: item for name, item in keys.items() if name not in SCOPES}
    both = {key.scoped for key in KEYS if "." not in key.scoped}  # keys that are the same in both forms
    if scoped and (old := [name for name in flat if name not in both]):
        raise BadConfig(f"{flat[old[0]].place}: {old[0]} is of the flat form, and {min(scoped)} of the scoped one; use one of them")
    limits = LimitOptions()
    for path, item in (scoped | flat).items():
        limits = _with(limits, path, item, in_scopes=path in scoped)
    return limits


def _scoped(keys: Mapping[str, Item]) -> Iterator[tuple[str, Item]]:
    for scope in SCOPES & keys.keys():
        section = keys[scope]
        if section.value is not None and not isinstance(section.value, dict):
            raise BadConfig(f"{section.place}: {scope} is a mapping of limits")
        yield from ((f"{scope}.{name}", item) for name, item in (section.value or {}).items())


def _with(limits: LimitOptions, path: str, item: Item, in_scopes: bool) -> LimitOptions:
    known = {key.scoped if in_scopes else key.flat: key for key in KEYS}
    if path not in known:
        if not in_scopes and path.startswith(_FLAT_PREFIX):
            return limits
        meant = nearest_key(path, {key.scoped for key in KEYS} | {key.flat for key in KEYS})
        raise BadConfig(f"{item.place}: there is no limit {path}" + (f"; did you mean {meant}?" if meant else ""))
    key = known[path]
    try:
        value = key.kind.read(item.plain())
    except ValueError as error:
        raise BadConfig(f"{item.place}: {path}: {error}") from error
    if not key.field:
        return limits
    if key.field == "max_traces":  # one process: its own traces are all there are, so the lower of the two counts
        value = min(filter(None, (limits.max_traces, value)), default=0)
    return replace(limits, **{key.field: value})


def read_overrides(text: str, source: str) -> Overrides:
    """The overrides of a file: `overrides:` with a mapping of tenants, of which `*` is everybody else.

    Raises BadConfig with the place of what is wrong.
    """
    root = read_yaml(text, source)
    keys = root.value if isinstance(root.value, dict) else None
    if keys is None or keys.keys() - {"overrides"}:
        wrong = next((item.place for name, item in (keys or {}).items() if name != "overrides"), root.place)
        raise BadConfig(f"{wrong}: a file of overrides has one key, `overrides`, with a mapping of tenants to their limits")
    entries = keys["overrides"].value if "overrides" in keys else None
    if entries is not None and not isinstance(entries, dict):
        raise BadConfig(f"{keys['overrides'].place}: overrides is a mapping of tenants to their limits")
    tenants = {_tenant(name, item): read_limits(item) for name, item in (entries or {}).items()}
    return Overrides(tenants, hashlib.sha256(text.encode()).hexdigest())


def _tenant(name: str, item: Item) -> str:
    try:
        return name if name == EVERYBODY else check_tenant(name)
    except BadRequest as error:
        raise BadConfig(f"{item.place}: {error}") from error


def overrides_file(path: Path, expand: Callable[[str, str], str] = lambda text, source: text) -> Callable[[], Overrides]:
    """Reads the file anew each time; `expand` replaces variables in its text. Raises BadConfig where it cannot be read."""

    def read() -> Overrides:
        try:
            text = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise BadConfig(f"the overrides file {path} cannot be read: {reason}") from error
        return read_overrides(expand(text, str(path)), str(path))

    return read


def show_limits(limits: LimitOptions, *, every: bool = False) -> dict[str, Any]:
    """Limits in the scoped form: those that are set, or every one; None is none."""
    out: dict[str, Any] = {}
    shown = {field.name: field.default for field in fields(LimitOptions)}
    for key in KEYS:
        if key.field not in shown:
            continue
        value, default = getattr(limits, key.field), shown.pop(key.field)
        if every or value != default:
            scope, name = key.scoped.split(".")
            out.setdefault(scope, {})[name] = value if value is None else key.kind.write(value)
    return out
