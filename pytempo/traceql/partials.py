"""Aggregates of values cell by cell (a cell is a series in an interval), grown batch by batch, the same in whatever order batches come.

Whole numbers and durations are summed exactly; only fractions are subject to rounding.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pytempo.model.arrays import Ints
from pytempo.traceql.arithmetic import Numbers
from pytempo.traceql.series import Points

HALF = 32
"""Bits of each half of a whole number: the sum of two thousand million halves still fits into 64 bits."""


class Partial(Protocol):
    """An aggregate on its way."""

    def add(self, cells: Ints, series: int, values: Numbers | None) -> None:
        """Values [k] into their cells (series number times intervals plus interval); there are `series` series by now."""

    def points(self, series: int) -> list[Points]:
        """What has come together so far: points [series, intervals], one matrix for each number that the aggregate yields."""


class Grid:
    """One number a cell, with room for more and more series."""

    def __init__(self, intervals: int, fill: int | float) -> None:
        self._fill, self.intervals = fill, intervals
        self.cells: NDArray[Any] = np.empty(0, np.int64 if isinstance(fill, int) else np.float64)

    def make_room(self, series: int) -> None:
        """Space for this many series; it doubles, so that growing costs little."""
        if series * self.intervals > len(self.cells):
            grown = np.full(max(series, 2 * len(self.cells) // self.intervals) * self.intervals, self._fill, self.cells.dtype)
            grown[: len(self.cells)] = self.cells
            self.cells = grown

    def matrix(self, series: int) -> NDArray[Any]:
        """The cells of these series as [series, intervals]."""
        self.make_room(series)
        return self.cells[: series * self.intervals].reshape(series, self.intervals)


class Count:
    """How many values a cell has, per `unit` (seconds for a rate, 1 for a count); 0 where there are none."""

    def __init__(self, intervals: int, unit: float = 1.0) -> None:
        self._counts, self._unit = Grid(intervals, 0), unit

    def add(self, cells: Ints, series: int, values: Numbers | None) -> None:
        self._counts.make_room(series)
        np.add.at(self._counts.cells, cells, 1)

    def points(self, series: int) -> list[Points]:
        return [self._counts.matrix(series) / self._unit]


class Sum:
    """The sum of a cell, or with `mean` its average; no point where there are no values."""

    def __init__(self, intervals: int, *, mean: bool = False) -> None:
        self._mean = mean
        self._counts, self._low, self._high = (Grid(intervals, 0) for _ in range(3))
        self._fractions = Grid(intervals, 0.0)

    def add(self, cells: Ints, series: int, values: Numbers | None) -> None:
        assert values is not None
        for grid in (self._counts, self._low, self._high, self._fractions):
            grid.make_room(series)
        np.add.at(self._counts.cells, cells, 1)
        whole = values.integer
        ints = np.where(whole, values.ints, 0)
        np.add.at(self._low.cells, cells, ints & ((1 << HALF) - 1))
        np.add.at(self._high.cells, cells, ints >> HALF)
        if not whole.all():
            np.add.at(self._fractions.cells, cells[~whole], values.floats[~whole])

    def points(self, series: int) -> list[Points]:
        counts, low, high, fractions = (grid.matrix(series) for grid in (self._counts, self._low, self._high, self._fractions))
        sums = high * 2.0**HALF + low + fractions
        with np.errstate(invalid="ignore", divide="ignore"):
            sums = sums / counts if self._mean else sums
        return [np.where(counts > 0, sums, np.nan)]


class Extreme:
    """The smallest or largest value of a cell; no point where there are no values."""

    def __init__(self, intervals: int, *, least: bool) -> None:
        self._pick = np.minimum if least else np.maximum
        self._there = Grid(intervals, 0)
        self._best = Grid(intervals, np.inf if least else -np.inf)

    def add(self, cells: Ints, series: int, values: Numbers | None) -> None:
        assert values is not None
        self._there.make_room(series)
        self._best.make_room(series)
        self._there.cells[cells] = 1
        self._pick.at(self._best.cells, cells, values.floats)

    def points(self, series: int) -> list[Points]:
        return [np.where(self._there.matrix(series) > 0, self._best.matrix(series), np.nan)]
