"""Dedicated attribute columns: the list in a block's meta.json, and which column of the file holds which attribute."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

Scope = Literal["resource", "span", "event"]
ValueType = Literal["string", "int"]

_SCOPES = ("resource", "span", "event")
_PREFIXES: Mapping[ValueType, str] = {"string": "String", "int": "Int"}

DEDICATED_KEY = "pytempo.dedicatedColumns"
"""Under which our own files repeat the list in their footer, for when meta.json is lost."""

VPARQUET4_COLUMNS: Mapping[tuple[Scope, ValueType], int] = {("resource", "string"): 10, ("span", "string"): 10}
"""Columns of a vParquet4 (and vParquet3) file by scope and type: always all there, scalar strings only."""

VPARQUET5_COLUMNS: Mapping[tuple[Scope, ValueType], int] = {
    ("resource", "string"): 20,
    ("resource", "int"): 5,
    ("span", "string"): 20,
    ("span", "int"): 5,
    ("event", "string"): 20,
    ("event", "int"): 5,
}
"""The most columns of a vParquet5 file by scope and type: only those of listed attributes are in the file."""


@dataclass(frozen=True, slots=True)
class DedicatedColumn:
    """One attribute that has a column of its own."""

    name: str
    """The attribute's key."""

    scope: Scope = "span"
    type: ValueType = "string"

    options: tuple[str, ...] = ()
    """`array` (values may be lists) and `blob` (long values, stored without a dictionary); others are kept as they are."""

    def to_json(self) -> dict[str, object]:
        """The entry of meta.json: `s`, `n`, `t`, `o`, each left out where it is the default."""
        entry: dict[str, object] = {} if self.scope == "span" else {"s": self.scope}
        entry["n"] = self.name
        if self.type != "string":
            entry["t"] = self.type
        if self.options:
            entry["o"] = list(self.options)
        return entry

    @classmethod
    def from_json(cls, entry: object) -> DedicatedColumn:
        """Read an entry of meta.json; raises ValueError for one whose column could not be told, since columns go by position."""
        if not isinstance(entry, dict) or not isinstance(entry.get("n"), str):
            raise ValueError(f"{entry!r} is no dedicated column with a name under 'n'")
        scope, type, options = entry.get("s", "span"), entry.get("t", "string"), entry.get("o") or []
        if scope not in _SCOPES or type not in _PREFIXES:
            raise ValueError(f"{entry!r} has an unknown scope ('s') or type ('t')")
        if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
            raise ValueError(f"{entry!r} has options ('o') that are no list of names")
        return cls(entry["n"], cast(Scope, scope), cast(ValueType, type), tuple(options))


def to_text(columns: Iterable[DedicatedColumn]) -> str:
    """The list as JSON, as meta.json has it."""
    return json.dumps([column.to_json() for column in columns], ensure_ascii=False)


def from_text(text: str | bytes) -> tuple[DedicatedColumn, ...]:
    """What `to_text` wrote. Raises ValueError for anything else."""
    entries = json.loads(text)
    if not isinstance(entries, list):
        raise ValueError(f"{entries!r} is no list of dedicated columns")
    return tuple(map(DedicatedColumn.from_json, entries))


def assign(columns: Iterable[DedicatedColumn], available: Mapping[tuple[Scope, ValueType], int]) -> dict[tuple[Scope, str], str]:
    """(scope, attribute) -> column name such as `String03`, the next free one of its scope and type in list order.

    `available` is how many columns the format has; attributes beyond that have none and stay among the others.
    """
    taken: dict[tuple[Scope, ValueType], int] = {}
    names: dict[tuple[Scope, str], str] = {}
    for column in columns:
        kind = (column.scope, column.type)
        number = taken.get(kind, 0) + 1
        if number <= available.get(kind, 0):
            taken[kind] = number
            names[column.scope, column.name] = f"{_PREFIXES[column.type]}{number:02d}"
    return names
