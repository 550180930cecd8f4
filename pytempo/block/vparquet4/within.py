"""Columns of a single row group, cut out of those that are kept of the stretch in which it lies: nothing is read for them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytempo.block.column_cache import BlockColumns
from pytempo.block.narrow import widen_at, widen_part
from pytempo.block.vparquet4.stretch import Stretch
from pytempo.model.arrays import Ints
from pytempo.model.levels import Level

Bounds = tuple[int, int]
"""The first row, and the one behind the last."""

_ABOVE = {Level.RESOURCE: Level.TRACE, Level.SCOPE: Level.RESOURCE, Level.SPAN: Level.SCOPE}
"""The level whose rows own those of a level."""


@dataclass(frozen=True, slots=True)
class Within:
    """Where a row group lies in a stretch."""

    number: int
    """That of the stretch."""

    bounds: Mapping[Level, Bounds]
    """The rows of the stretch that are the row group's, down to the spans."""

    @classmethod
    def of(cls, stretch: Stretch, group: int, offsets: Callable[[Level], NDArray[np.int32]]) -> Within:
        """A row group in a stretch, by the offsets of the stretch."""
        file_rows = stretch.file.first_rows
        bounds = {Level.TRACE: (int(file_rows[group]) - stretch.first_row, int(file_rows[group + 1]) - stretch.first_row)}
        for level, above in _ABOVE.items():
            first, last = offsets(level)[list(bounds[above])].tolist()
            bounds[level] = (first, last)
        return cls(stretch.number, bounds)

    def cut(self, what: Hashable, kept: BlockColumns) -> Any:
        """The row group's part of what is kept of the stretch under this name; None where nothing is, or it is not cut here."""
        column = kept.get(self.number, what)
        if column is None:
            return None
        match what:
            case (Level() as level, str()) if level in self.bounds:
                return widen_part(column, *self.bounds[level])
            case ("offsets", Level() as level) if level in _ABOVE:
                first, last = self.bounds[_ABOVE[level]]
                offsets = widen_part(column, first, last + 1)
                return offsets - offsets[0]
        return None

    def at(self, what: Hashable, rows: Ints, kept: BlockColumns) -> Any:
        """Some rows of the row group's part of a column that is kept of the stretch; None where it is not, or it is not cut here."""
        match what:
            case (Level() as level, str()) if level in self.bounds:
                column = kept.get(self.number, what)
                return None if column is None else widen_at(column, rows + self.bounds[level][0])
        return None
