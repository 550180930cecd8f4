"""Batches merged without being in memory twice: as soon as a column is joined, those that it was made of become views of it.

What the batches say stays the same, so that whoever reads one of them meanwhile, or keeps it, sees nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from pytempo.model.arrays import coded, concat_numbers, concat_text, offsets_of
from pytempo.model.attribute_tables import shifted_first
from pytempo.model.attributes import Attributes
from pytempo.model.batch import MemoryBatch
from pytempo.model.levels import Level
from pytempo.model.merge import merge, share_parents, without_copies
from pytempo.model.selection import Concat, materialise

MOVED = (Level.SPAN, Level.EVENT, Level.LINK)
"""Levels of which there is much; resources and scopes are few."""

FIELDS = ("strings", "others", "ints", "doubles", "bools", "kinds", "is_array", "counts")
"""Of a table of attributes, what of several tables is joined by putting one behind the other."""


def merge_moving(batches: Sequence[MemoryBatch]) -> MemoryBatch:
    """As `merge`; where no span comes twice the batches take next to no memory from then on beside what it returns."""
    together = _Moving(batches)
    if len(batches) == 1 or len(without_copies(together)) < together.count(Level.SPAN):
        return merge(batches)
    return share_parents(materialise(together))


class _Moving(Concat):
    """Batches one after the other, which become views of each column that is loaded."""

    def __init__(self, batches: Sequence[MemoryBatch]) -> None:
        super().__init__(batches)
        self._parts = batches

    def _load(self, level: Level, name: str) -> Any:
        whole = super()._load(level, name)
        if level in MOVED:
            for part, view in zip(self._parts, _views(whole, [part.count(level) for part in self._parts]), strict=True):
                part.columns[level, name] = view
        return whole

    def _load_attributes(self, level: Level) -> Attributes:
        if level not in MOVED or not any(len(part.tables[level]) for part in self._parts):
            return super()._load_attributes(level)
        offsets = offsets_of(np.concatenate([np.diff(part.tables[level].offsets) for part in self._parts]))
        made: dict[str, Any] = {"offsets": offsets, "first": shifted_first([part.tables[level] for part in self._parts])}
        made |= self._move_keys(level)
        for name in FIELDS:
            columns = [getattr(part.tables[level], name) for part in self._parts]
            made[name] = concat_numbers(columns) if isinstance(columns[0], np.ndarray) else concat_text(columns)
            for part, view in zip(self._parts, _views(made[name], [len(column) for column in columns]), strict=True):
                part.tables[level] = replace(part.tables[level], **{name: view})
        return Attributes(**made)

    def _move_keys(self, level: Level) -> dict[str, Any]:
        tables = [part.tables[level] for part in self._parts]
        codes, names = coded(concat_text([table.key_names for table in tables]))
        remap = np.split(codes, np.cumsum([len(table.key_names) for table in tables])[:-1])
        keys = np.concatenate([mapping[table.keys] for table, mapping in zip(tables, remap, strict=True)])
        for part, view in zip(self._parts, _views(keys, [len(table) for table in tables]), strict=True):
            part.tables[level] = replace(part.tables[level], keys=view, key_names=names)
        return {"keys": keys, "key_names": names}


def _views(column: Any, lengths: Sequence[int]) -> list[Any]:
    """The column in parts of these lengths; nothing is copied."""
    bounds = pairwise(offsets_of(np.array(lengths)).tolist())
    return [column[first:last] if isinstance(column, np.ndarray) else column.slice(first, last - first) for first, last in bounds]
