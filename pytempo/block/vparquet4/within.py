"""Columns of a single row group, cut out of those that are kept of the stretch in which it lies: nothing is read for them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytempo.block.column_cache import BlockColumns
from pytempo.block.narrow import widen, widen_at, widen_part
from pytempo.block.vparquet4.stretch import Stretch
from pytempo.model.arrays import Ints
from pytempo.model.levels import Level

Bounds = tuple[int, int]
"""The first row, and the one behind the last."""

_ABOVE = {Level.RESOURCE: Level.TRACE, Level.SCOPE: Level.RESOURCE, Level.SPAN: Level.SCOPE}
"""The level whose rows own those of a level."""

_LEVELS = (Level.TRACE, *_ABOVE)

BOUNDS = "bounds of row groups"
"""The name under which it is kept of a stretch where its row groups begin and end at each level."""


@dataclass(frozen=True, slots=True)
class Within:
    """Where a row group lies in a stretch."""

    number: int
    """That of the stretch."""

    bounds: Mapping[Level, Bounds]
    """The rows of the stretch that are the row group's, down to the spans."""

    @classmethod
    def of(cls, single: Stretch, offsets: Callable[[Level], NDArray[np.int32] | None], kept: BlockColumns | None) -> Within | None:
        """Where a row group lies, by the offsets of the stretch that it is a part of; None where that, or one of these, is not known."""
        stretch = single.within
        if stretch is None:
            return None
        bounds = None if kept is None else kept.get(stretch.number, BOUNDS)
        if bounds is None:
            bounds = _bounds(stretch, offsets)
            if bounds is None:
                return None
            if kept is not None:
                kept.put(stretch.number, BOUNDS, bounds, bounds.nbytes)
        place = single.groups.start - stretch.groups.start
        pairs = bounds[:, place : place + 2].tolist()
        return cls(stretch.number, {level: (first, last) for level, (first, last) in zip(_LEVELS, pairs, strict=True)})

    @classmethod
    def kept(cls, single: Stretch, kept: BlockColumns) -> Within | None:
        """As `of`, by offsets that are kept."""
        stretch = single.within
        return None if stretch is None else cls.of(single, lambda level: widen(kept.get(stretch.number, ("offsets", level))), kept)

    def cuts(self, what: Hashable) -> bool:
        """Whether the row group's part of something can be cut out."""
        return self._rows_of(what) is not None

    def cut(self, what: Hashable, kept: BlockColumns) -> Any:
        """The row group's part of what is kept of the stretch under this name; None where nothing is, or it is not cut here."""
        rows = self._rows_of(what)
        column = None if rows is None else kept.get(self.number, what)
        if rows is None or column is None:
            return None
        part = widen_part(column, *rows)
        return part - part[0] if _are_offsets(what) else part

    def _rows_of(self, what: Hashable) -> Bounds | None:
        """The rows of the stretch's column that are cut out."""
        match what:
            case (Level() as level, str()):
                return self.bounds.get(level)
            case ("offsets", Level() as level) if level in _ABOVE:
                first, last = self.bounds[_ABOVE[level]]
                return first, last + 1
        return None

    def at(self, what: Hashable, rows: Ints, kept: BlockColumns) -> Any:
        """Some rows of the row group's part of a column that is kept of the stretch; None where it is not, or it is not cut here."""
        match what:
            case (Level() as level, str()) if level in self.bounds:
                column = kept.get(self.number, what)
                return None if column is None else widen_at(column, rows + self.bounds[level][0])
        return None


def _are_offsets(what: Hashable) -> bool:
    return isinstance(what, tuple) and what[0] == "offsets"


def _bounds(stretch: Stretch, offsets: Callable[[Level], NDArray[np.int32] | None]) -> NDArray[np.int64] | None:
    """Shape (levels, row groups + 1)."""
    groups = stretch.groups
    bounds = [stretch.file.first_rows[groups.start : groups.stop + 1] - stretch.first_row]
    for level in _ABOVE:
        found = offsets(level)
        if found is None:
            return None
        bounds.append(found[bounds[-1]].astype(np.int64))
    return np.array(bounds)
