"""Exact quantiles: every value of a cell is kept until there are a million, then counted in buckets of under 1 % width.

Between the two nearest values a quantile is interpolated linearly, as Prometheus' `quantile_over_time` does.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytempo.errors import BadQuery
from pytempo.model.arrays import Ints, ranges, run_heads
from pytempo.traceql.arithmetic import Numbers
from pytempo.traceql.series import Points

EXACT_VALUES = 1_000_000
"""Values of one cell that are kept as they are."""

MAX_VALUES = 32_000_000
"""Values that are kept altogether, at 12 bytes each, and 8 more while they are put in order."""

PENDING_VALUES = 4_000_000
"""Values that come in before cells are looked through for one that has too many."""

PARTITIONED = 50
"""Values of a cell, on average, from which on looking for its ranks, cell by cell, takes less than sorting everything."""

GROWTH = math.log(1.01)
"""A sketch's buckets are 1 % wide on a logarithmic scale and stand for their middle: the error stays under 0.5 %."""


Piece: TypeAlias = tuple[NDArray[np.int32], NDArray[np.float64]]
"""Cells [k] and the value of each."""


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
        self._pieces: list[Piece] = []
        self._counts = np.zeros(0, np.int64)
        """Values of each cell that are kept as they are."""
        self._pending = 0
        self._sketches: dict[int, Sketch] = {}

    def add(self, cells: Ints, series: int, values: Numbers | None) -> None:
        """Raises BadQuery where more values would have to be kept than fit."""
        assert values is not None
        self._pieces.append((cells.astype(np.int32), values.floats))
        self._counts = _sum(self._counts, np.bincount(cells))
        self._pending += len(cells)
        if self._pending >= PENDING_VALUES:
            self._compact()
        if self._counts.sum() > MAX_VALUES:
            raise BadQuery(
                f"exact quantiles of this query need more than {MAX_VALUES} values in memory; filter more, or ask for a shorter range"
            )

    def _compact(self) -> None:
        """Turn cells with too many values into sketches."""
        self._pending = 0
        full = self._counts > EXACT_VALUES
        full[list(self._sketches)] = True
        if not (full & (self._counts > 0)).any():
            return
        taken = [(cells[full[cells]], values[full[cells]]) for cells, values in self._pieces]
        self._pieces = [(cells[~full[cells]], values[~full[cells]]) for cells, values in self._pieces]
        cells, values = (np.concatenate(columns) for columns in zip(*taken, strict=True))
        for cell in np.unique(cells).tolist():
            sketch = Sketch.of(values[cells == cell])
            self._sketches[cell] = self._sketches[cell].join(sketch) if cell in self._sketches else sketch
        self._counts[full] = 0

    def points(self, series: int) -> list[Points]:
        self._compact()
        cells = np.flatnonzero(self._counts)
        counts = self._counts[cells]
        values = ranked_by_cell(self._pieces, self._counts, self._quantiles)
        out = []
        first = np.cumsum(counts) - counts
        for quantile in self._quantiles:
            points = np.full(series * self._intervals, np.nan)
            points[cells] = exact_quantiles(values, first, counts, quantile)
            for cell, sketch in self._sketches.items():
                points[cell] = sketch.quantile(quantile)
            out.append(points.reshape(series, self._intervals))
        return out


def _sum(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts by cell, added up; either may know fewer cells."""
    few, many = sorted((one, other), key=len)
    many[: len(few)] += few
    return many


def ranked_by_cell(pieces: Sequence[Piece], counts: NDArray[np.int64], quantiles: Sequence[float]) -> NDArray[np.float64]:
    """The values of all pieces in order of cell, of which cell c has counts[c].

    In a cell the values that the quantiles ask for stand at their ranks.
    """
    several = counts[counts > 0]
    if not len(several):
        return np.empty(0)
    if counts.sum() <= PARTITIONED * len(several):
        cells, values = (np.concatenate(columns) for columns in zip(*pieces, strict=True))
        return np.asarray(values[np.lexsort((values, cells))])
    values = _by_cell(pieces, counts)
    for begin, end in itertools.pairwise([0, *np.cumsum(several).tolist()]):
        last = end - begin - 1
        values[begin:end].partition(sorted({rank for each in quantiles for rank in (math.floor(each * last), math.ceil(each * last))}))
    return values


def _by_cell(pieces: Sequence[Piece], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The values in order of cell, brought there piece by piece: all at once would take three times the memory."""
    out = np.empty(counts.sum())
    free = np.cumsum(counts) - counts
    for cells, values in pieces:
        narrow = cells.astype(np.uint16) if len(counts) <= 2**16 else cells
        order = np.argsort(narrow, kind="stable")  # two bytes are sorted by counting
        ordered = cells[order]
        heads = np.flatnonzero(run_heads(ordered)) if len(ordered) else np.empty(0, np.int64)
        lengths = np.diff(np.append(heads, len(ordered)))
        out[ranges(free[ordered[heads]], lengths)] = values[order]
        free[ordered[heads]] += lengths
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
