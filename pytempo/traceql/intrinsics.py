"""The table of intrinsics: the fields that every span, trace, event, link or instrumentation scope has by nature.

Evaluation and the tags API share it: one row for each intrinsic, with every spelling that queries may use.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytempo.model.levels import Level
from pytempo.traceql.types import Type

__all__ = ["INTRINSICS", "LISTED_NAMES", "IntrinsicField", "find_intrinsic"]


@dataclass(frozen=True, slots=True)
class IntrinsicField:
    """One row of the table.

    `name` is the canonical spelling (the scoped one where there is one), `spellings` are all, canonical first.
    `listed` tells whether tag listings offer it.
    """

    name: str
    spellings: tuple[str, ...]
    level: Level
    type: Type
    listed: bool = True


def _row(spellings: str, level: Level, type_: Type, listed: bool = True) -> IntrinsicField:
    names = tuple(spellings.split())
    return IntrinsicField(names[0], names, level, type_, listed)


_ROWS = (
    _row("span:name name", Level.SPAN, Type.STRING),
    _row("span:duration duration", Level.SPAN, Type.DURATION),
    _row("span:status status", Level.SPAN, Type.STATUS),
    _row("span:statusMessage statusMessage", Level.SPAN, Type.STRING),
    _row("span:kind kind", Level.SPAN, Type.KIND),
    _row("span:id", Level.SPAN, Type.STRING),
    _row("span:parentID", Level.SPAN, Type.STRING),
    _row("span:childCount", Level.SPAN, Type.INT, listed=False),
    _row("nestedSetLeft", Level.SPAN, Type.INT, listed=False),
    _row("nestedSetRight", Level.SPAN, Type.INT, listed=False),
    _row("nestedSetParent", Level.SPAN, Type.INT, listed=False),
    # The parent itself has no value; it can only be there or not.
    _row("parent", Level.SPAN, Type.NIL, listed=False),
    _row("trace:id", Level.TRACE, Type.STRING),
    _row("trace:duration traceDuration", Level.TRACE, Type.DURATION),
    _row("trace:rootName rootName", Level.TRACE, Type.STRING),
    _row("trace:rootService rootServiceName", Level.TRACE, Type.STRING),
    _row("event:name", Level.EVENT, Type.STRING),
    _row("event:timeSinceStart", Level.EVENT, Type.DURATION),
    _row("link:traceID", Level.LINK, Type.STRING),
    _row("link:spanID", Level.LINK, Type.STRING),
    _row("instrumentation:name", Level.SCOPE, Type.STRING),
    _row("instrumentation:version", Level.SCOPE, Type.STRING),
)

INTRINSICS: dict[str, IntrinsicField] = {row.name: row for row in _ROWS}
"""Canonical name -> row."""

_BY_SPELLING = {spelling: row for row in _ROWS for spelling in row.spellings}

LISTED_NAMES: tuple[str, ...] = tuple(sorted(spelling for row in _ROWS if row.listed for spelling in row.spellings))
"""What the tags API lists for the scope `intrinsic`."""


def find_intrinsic(spelling: str) -> IntrinsicField | None:
    """The intrinsic that a query calls `spelling`, or None where there is no such."""
    return _BY_SPELLING.get(spelling)
