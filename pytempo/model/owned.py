"""A batch that holds its own columns and nothing else: what was read from a message is otherwise kept whole by the least of its columns."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pyarrow as pa

from pytempo.model.arrays import Array, kept_once
from pytempo.model.attributes import Attributes
from pytempo.model.batch import MemoryBatch
from pytempo.model.levels import Level

WITH_SPANS = (Level.SPAN, Level.EVENT, Level.LINK)
"""Levels that come with each request; resources and scopes are few, and shared with what is remembered of them."""


def owned(batch: MemoryBatch) -> MemoryBatch:
    """The same batch; columns that lie in the memory of something else are copied, so that it can go."""
    columns = {key: _owned(column) if key[0] in WITH_SPANS else column for key, column in batch.columns.items()}
    tables = {level: _owned_table(table) if level in WITH_SPANS else table for level, table in batch.tables.items()}
    offsets = _owned(batch.event_offsets), _owned(batch.link_offsets)
    return replace(batch, event_offsets=offsets[0], link_offsets=offsets[1], columns=columns, tables=tables)


def _owned_table(table: Attributes) -> Attributes:
    if not len(table):
        return table
    return replace(table, **{field.name: _owned(getattr(table, field.name)) for field in fields(table)})


def _owned(column: Any) -> Any:
    if isinstance(column, np.ndarray):
        alone = kept_once(column)
        return column.copy() if alone is column and _lies_elsewhere(column) else alone
    return pa.concat_arrays([column, column.slice(0, 0)])  # of one array alone it would be no copy


def _lies_elsewhere(column: Array) -> bool:
    """Whether the memory below an array is no array's own."""
    below: Any = column
    while isinstance(below, np.ndarray):
        below = below.base
    return below is not None
