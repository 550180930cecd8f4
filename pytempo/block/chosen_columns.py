"""Which attributes of a block get a column of their own, where nobody says: the texts that most spans, or resources, have.

A text in a column of its own is read without all others, takes less room, and can be looked for by a filter of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pytempo.block.dedicated import VPARQUET4_COLUMNS, DedicatedColumn, Scope, assign
from pytempo.block.vparquet4.columns import attribute_columns
from pytempo.model.attributes import Attributes, Kind
from pytempo.model.batch import Batch
from pytempo.model.levels import Level

RARE = 20
"""What at least one in so many rows has is worth a column."""

SCOPES: tuple[tuple[Scope, Level], ...] = (("resource", Level.RESOURCE), ("span", Level.SPAN))


def chosen(batch: Batch) -> tuple[DedicatedColumn, ...]:
    """The columns for the attributes of a batch, those of resources first, by name: equal data asks for equal columns."""
    return tuple(DedicatedColumn(name, scope) for scope, level in SCOPES for name in _frequent(batch.attributes(level), scope, level))


def _frequent(table: Attributes, scope: Scope, level: Level) -> list[str]:
    texts = (table.kinds == Kind.STRING) & ~table.is_array
    counts = np.bincount(table.keys[texts], minlength=len(table.key_names))
    fixed = {column.key for column in attribute_columns(level)}
    found = [
        (-count, name)
        for name, count in zip(table.key_names.to_pylist(), counts.tolist(), strict=True)
        if name and count * RARE >= max(len(table.offsets) - 1, 1) and name not in fixed
    ]
    return sorted(name for _, name in sorted(found)[: VPARQUET4_COLUMNS[scope, "string"]])


def joined(lists: Iterable[tuple[tuple[DedicatedColumn, ...], int]]) -> tuple[DedicatedColumn, ...]:
    """The columns for blocks that become one: those that most of their spans have. Each block is given by its columns and its spans."""
    spans: dict[DedicatedColumn, int] = {}
    for columns, count in lists:
        for column in columns:
            spans[column] = spans.get(column, 0) + count
    ranked = sorted(spans, key=lambda column: (-spans[column], column.scope, column.name))
    there = assign(ranked, VPARQUET4_COLUMNS)
    return tuple(sorted((column for column in ranked if (column.scope, column.name) in there), key=lambda each: (each.scope, each.name)))
