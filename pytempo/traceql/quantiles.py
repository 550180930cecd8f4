"""Exact quantiles: every value of a cell is kept until there are a million, then counted in buckets of under 1 % width.

Between the two nearest values a quantile is interpolated linearly, as Prometheus' `quantile_over_time` does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytempo.errors import BadQuery
from pytempo.model.arrays import Ints, run_heads
from pytempo.traceql.arithmetic import Numbers
from pytempo.traceql.series import Points

EXACT_VALUES = 1_000_000
"""Values of one cell that are kept as they are."""

MAX_VALUES = 32_000_000
"""Values that are kept altogether, at 12 bytes each and as much again while they are sorted."""

PENDING_VALUES = 4_000_000
"""Values that come in before cells are looked through for one that has too many."""

GROWTH = math.log(1.01)
"""A sketch's buckets are 1 % wide on a logarithmic scale and stand for their middle: the error stays under 0.5 %."""


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
        self._cells: list[NDArray[np.int32]] = []
        self._values: list[NDArray[np.float64]] = []
        self._kept = self._pending = 0
        self._sketches: dict[int, Sketch] = {}

    def add(self, cells: Ints, series: int, values: Numbers | None) -> None:
        """Raises BadQuery where more values would have to be kept than fit."""
        assert values is not None
        self._cells.append(cells.astype(np.int32))
        self._values.append(values.floats)
        self._kept += len(cells)
        self._pending += len(cells)
        if self._pending >= PENDING_VALUES:
            self._compact()
        if self._kept > MAX_VALUES:
            raise BadQuery(
                f"exact quantiles of this query need more than {MAX_VALUES} values in memory; filter more, or ask for a shorter range"
            )

    def _compact(self) -> None:
        """Turn cells with too many values into sketches."""
        cells, values = self._all()
        counts = np.bincount(cells)
        full = counts > EXACT_VALUES
        full[[cell for cell in self._sketches if cell < len(full)]] = True
        for cell in np.flatnonzero(full & (counts > 0)).tolist():
            sketch = Sketch.of(values[cells == cell])
            self._sketches[cell] = self._sketches[cell].join(sketch) if cell in self._sketches else sketch
        stays = ~full[cells]
        self._cells, self._values = [cells[stays]], [values[stays]]
        self._kept, self._pending = len(self._cells[0]), 0

    def _all(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        if not self._cells:
            return np.empty(0, np.int32), np.empty(0, np.float64)
        return np.concatenate(self._cells), np.concatenate(self._values)

    def points(self, series: int) -> list[Points]:
        if self._kept > EXACT_VALUES or self._sketches:
            self._compact()
        cells, values = sorted_by_cell(*self._all())
        out = []
        first = np.flatnonzero(run_heads(cells)) if len(cells) else np.empty(0, np.int64)
        counts = np.diff(np.append(first, len(cells)))
        for quantile in self._quantiles:
            points = np.full(series * self._intervals, np.nan)
            points[cells[first]] = exact_quantiles(values, first, counts, quantile)
            for cell, sketch in self._sketches.items():
                points[cell] = sketch.quantile(quantile)
            out.append(points.reshape(series, self._intervals))
        return out


def sorted_by_cell(cells: NDArray[np.int32], values: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Both columns in order of cell, then value."""
    by_value = np.argsort(values)
    cells, values = cells[by_value], values[by_value]
    few = len(cells) > 0 and int(cells.max()) < 2**16
    order = np.argsort(cells.astype(np.uint16) if few else cells, kind="stable")  # two bytes are sorted by counting
    return cells[order], values[order]


def exact_quantiles(values: NDArray[np.float64], first: Ints, counts: Ints, quantile: float) -> NDArray[np.float64]:
    """The quantile of every run of sorted values: run i has counts[i] of them from first[i] on."""
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
