"""Exact quantiles: every value of a cell is kept until there are a million, then counted in buckets of under 1 % width.

Between the two nearest values a quantile is interpolated linearly, as Prometheus' `quantile_over_time` does.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytempo.errors import BadQuery
from pytempo.model.arrays import Array, Bools, Ints, ranges, run_heads
from pytempo.traceql.arithmetic import Numbers
from pytempo.traceql.series import Points

EXACT_VALUES = 1_000_000
"""Values of one cell that are kept as they are."""

MAX_VALUES = 32_000_000
"""Values that are kept altogether, at 8 bytes each, or 4 where they are whole, such as durations of up to four seconds."""

PENDING_VALUES = 4_000_000
"""Values that come in before cells are looked through for one that has too many."""

WAITING_VALUES = 500_000
"""Values that come in before they are put in order of their cells."""

TOGETHER = 250_000
"""Values of neighbouring cells that are looked through for their quantiles at a time, about."""

PARTITIONED = 50
"""Values of a cell, on average, from which on looking for its ranks, cell by cell, takes less than sorting everything."""

GROWTH = math.log(1.01)
"""A sketch's buckets are 1 % wide on a logarithmic scale and stand for their middle: the error stays under 0.5 %."""


Cells: TypeAlias = tuple[Ints, Ints, NDArray[np.float64] | NDArray[np.uint32]]
"""Cells [u], ascending, how many values each has, and those values, one cell's after the other's."""


@dataclass(slots=True)
class Sketch:
    """Values counted by sign and logarithm. `buckets` [k] are distinct, ascending in value."""

    buckets: NDArray[np.int64]
    counts: NDArray[np.int64]

    @staticmethod
    def of(values: NDArray[np.float64]) -> Sketch:
        """The sketch of these values."""
        buckets, counts = np.unique(_bucket_of(values), return_counts=True)
        return Sketch(buckets, counts)

    def join(self, other: Sketch) -> Sketch:
        """The sketch of the values of both."""
        buckets, place = np.unique(np.concatenate([self.buckets, other.buckets]), return_inverse=True)
        counts = np.bincount(place, np.concatenate([self.counts, other.counts])).astype(np.int64)
        return Sketch(buckets, counts)

    def quantile(self, quantile: float) -> float:
        """A value near the exact quantile."""
        ends = np.cumsum(self.counts)
        rank = quantile * (int(ends[-1]) - 1)
        below, above = (_value_of(int(self.buckets[np.searchsorted(ends, math.floor(at), side="right")])) for at in (rank, math.ceil(rank)))
        return _between(below, above, rank - math.floor(rank))


_ZERO = 1 << 20
"""The distance of a logarithm from the bucket of zero; beyond what any float has."""


def _bucket_of(values: NDArray[np.float64]) -> NDArray[np.int64]:
    size = np.abs(values)
    with np.errstate(divide="ignore"):
        logs = np.ceil(np.log(np.clip(size, 5e-324, 1.7e308)) / GROWTH).astype(np.int64) + _ZERO
    return np.where(size > 0, np.sign(values).astype(np.int64) * logs, 0)


def _value_of(bucket: int) -> float:
    if bucket == 0:
        return 0.0
    return math.copysign(math.exp(min((abs(bucket) - _ZERO - 0.5) * GROWTH, 709.0)), bucket)


class Quantiles:
    """The values of every cell, for the quantiles of `quantiles`; no point where there are no values."""

    def __init__(self, intervals: int, quantiles: Iterable[float]) -> None:
        self._intervals, self._quantiles = intervals, tuple(quantiles)
        self._waiting: list[tuple[NDArray[np.int32], Array]] = []
        """Cells [k] and the value of each."""
        self._pieces: list[_Piece] = []
        self._counts = np.zeros(0, np.int64)
        """Values of each cell that are kept as they are."""
        self._unordered = self._pending = 0
        self._sketches: dict[int, Sketch] = {}

    def add(self, cells: Ints, series: int, values: Numbers | None) -> None:
        """Raises BadQuery where more values would have to be kept than fit."""
        assert values is not None
        self._waiting.append((cells.astype(np.int32), _narrow(values)))
        self._counts = _sum(self._counts, np.bincount(cells))
        self._unordered += len(cells)
        self._pending += len(cells)
        if self._unordered >= WAITING_VALUES:
            self._order()
        if self._pending >= PENDING_VALUES:
            self._compact()
        if self._counts.sum() > MAX_VALUES:
            raise BadQuery(
                f"exact quantiles of this query need more than {MAX_VALUES} values in memory; filter more, or ask for a shorter range"
            )

    def _order(self) -> None:
        if self._unordered:
            self._pieces.append(_Piece.of(*(np.concatenate(columns) for columns in zip(*self._waiting, strict=True))))
        self._waiting, self._unordered = [], 0

    def _compact(self) -> None:
        """Turn cells with too many values into sketches."""
        self._order()
        self._pending = 0
        full = self._counts > EXACT_VALUES
        full[list(self._sketches)] = True
        for cell in np.flatnonzero(full & (self._counts > 0)).tolist():
            sketch = Sketch.of(np.concatenate([piece.between(cell, cell + 1)[2] for piece in self._pieces]).astype(np.float64))
            self._sketches[cell] = self._sketches[cell].join(sketch) if cell in self._sketches else sketch
        if (full & (self._counts > 0)).any():
            self._pieces = [piece.without(full) for piece in self._pieces]
            self._counts[full] = 0

    def points(self, series: int) -> list[Points]:
        self._compact()
        out = [np.full(series * self._intervals, np.nan) for _ in self._quantiles]
        for first, last in _neighbours(self._counts):
            counts = self._counts[first:last]
            there = np.flatnonzero(counts)
            values = ranked_by_cell([piece.between(first, last) for piece in self._pieces], counts, self._quantiles)
            begin = np.cumsum(counts[there]) - counts[there]
            for points, quantile in zip(out, self._quantiles, strict=True):
                points[first + there] = exact_quantiles(values, begin, counts[there], quantile)
        for points, quantile in zip(out, self._quantiles, strict=True):
            for cell, sketch in self._sketches.items():
                points[cell] = sketch.quantile(quantile)
        return [points.reshape(series, self._intervals) for points in out]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Values in order of their cells."""

    cells: Ints
    """Distinct, ascending."""
    offsets: NDArray[np.int64]
    """Those of cells[i] are values[offsets[i]] to values[offsets[i + 1]]."""
    values: Array

    @staticmethod
    def of(cells: NDArray[np.int32], values: Array) -> _Piece:
        """Cells [k] and the value of each."""
        order = np.argsort(cells.astype(np.uint16) if cells.max() < 2**16 else cells, kind="stable")  # two bytes are sorted by counting
        cells, values = cells[order], values[order]
        heads = np.flatnonzero(run_heads(cells))
        return _Piece(cells[heads], np.append(heads, len(cells)), values)

    def between(self, first: int, last: int) -> Cells:
        """The cells from one to before another, by their distance from the first."""
        low, high = np.searchsorted(self.cells, [first, last]).tolist()
        offsets = self.offsets[low : high + 1]
        return self.cells[low:high] - first, np.diff(offsets), self.values[offsets[0] : offsets[-1]]

    def without(self, cells: Bools) -> _Piece:
        """The others than these (mask)."""
        kept, counts = ~cells[self.cells], np.diff(self.offsets)
        return _Piece(self.cells[kept], np.append(0, np.cumsum(counts[kept])), self.values[np.repeat(kept, counts)])


def _narrow(values: Numbers) -> NDArray[np.float64] | NDArray[np.uint32]:
    """The values in four bytes where they are whole and not below zero, and those are enough."""
    if values.integer.all() and len(values.ints) and values.ints.min() >= 0 and values.ints.max() < 2**32:
        return values.ints.astype(np.uint32)
    return values.floats


def _neighbours(counts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Cells from one to before another that have about so many values as are looked through together, until the last."""
    share = (np.cumsum(counts) - counts) // TOGETHER
    yield from itertools.pairwise([*np.flatnonzero(np.diff(share, prepend=-1)).tolist(), len(counts)])


def _sum(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts by cell, added up; either may know fewer cells."""
    few, many = sorted((one, other), key=len)
    many[: len(few)] += few
    return many


def ranked_by_cell(pieces: Sequence[Cells], counts: NDArray[np.int64], quantiles: Sequence[float]) -> NDArray[np.float64]:
    """The values of all pieces in order of cell, of which cell c has counts[c].

    In a cell the values that the quantiles ask for stand at their ranks.
    """
    values, several = _by_cell(pieces, counts), counts[counts > 0]
    if len(values) <= PARTITIONED * len(several):
        return values[np.lexsort((values, np.repeat(np.arange(len(several)), several)))]
    for begin, end in itertools.pairwise([0, *np.cumsum(several).tolist()]):
        last = end - begin - 1
        values[begin:end].partition(sorted({rank for each in quantiles for rank in (math.floor(each * last), math.ceil(each * last))}))
    return values


def _by_cell(pieces: Sequence[Cells], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The values of all pieces in order of cell."""
    out = np.empty(counts.sum())
    free = np.cumsum(counts) - counts
    for cells, lengths, values in pieces:
        out[ranges(free[cells], lengths)] = values
        free[cells] += lengths
    return out


def exact_quantiles(values: NDArray[np.float64], first: Ints, counts: Ints, quantile: float) -> NDArray[np.float64]:
    """The quantile of every run of values with those at their ranks: run i has counts[i] of them from first[i] on."""
    rank = quantile * (counts - 1)
    low = np.floor(rank).astype(np.int64)
    below, above = values[first + low], values[first + np.minimum(low + 1, counts - 1)]
    part = rank - low
    with np.errstate(invalid="ignore"):
        between = below + (above - below) * part
    out: NDArray[np.float64] = np.where((part == 0) | (below == above), below, between)
    return out


def _between(below: float, above: float, part: float) -> float:
    return below if part == 0 or below == above else below + (above - below) * part
