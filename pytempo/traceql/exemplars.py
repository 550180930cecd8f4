"""Exemplars: a few of the spans behind time series, so that a point leads to a trace.

Which ones is decided by a hash of trace and time, never by the order of arrival: the same data has the same exemplars however it is stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pytempo.model import Batch, Level
from pytempo.model.arrays import Array, Ints, take_ascending

_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
"""The multipliers of the splitmix64 finaliser."""


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A span behind a series, at its start (unix nanoseconds); `value` is what was measured of it, NaN where spans are only counted."""

    trace_id: str
    span_id: str
    time: int
    value: float


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Spans [k] with their hash, and where they stand: row `span` of the batch with the number `batch`."""

    hashes: NDArray[np.uint64]
    batch: NDArray[np.int64]
    trace: NDArray[np.int64]
    span: NDArray[np.int64]
    start: NDArray[np.uint64]
    series: NDArray[np.int64]
    values: NDArray[np.float64]

    @property
    def columns(self) -> tuple[Array, ...]:
        return self.hashes, self.batch, self.trace, self.span, self.start, self.series, self.values

    def take(self, rows: Ints) -> _Candidates:
        return _Candidates(*(column[rows] for column in self.columns))

    def join(self, other: _Candidates) -> _Candidates:
        return _Candidates(*(np.concatenate(pair) for pair in zip(self.columns, other.columns, strict=True)))


_NO_ROWS, _NO_NUMBERS = np.empty(0, np.int64), np.empty(0, np.uint64)
_NONE = _Candidates(_NO_NUMBERS, _NO_ROWS, _NO_ROWS, _NO_ROWS, _NO_NUMBERS, _NO_ROWS, np.empty(0, np.float64))


@dataclass(slots=True)
class Exemplars:
    """The at most `limit` spans with the smallest hashes of all that were added."""

    limit: int
    _kept: _Candidates = _NONE
    _batches: dict[int, Batch] = field(default_factory=dict)
    _seen: int = 0

    def add(self, batch: Batch, spans: Ints, series: NDArray[np.int64], values: Array | None) -> None:
        """Matching spans [k] of a batch (rows), the series of each, and what was measured of it."""
        if not self.limit or not len(spans):
            return
        hashes = _hashes(batch, spans)
        bound = self._kept.hashes.max() if len(self._kept.hashes) == self.limit else hashes.max()
        low = np.flatnonzero(hashes <= bound)
        if len(low) > self.limit:
            low = low[hashes[low] <= np.partition(hashes[low], self.limit - 1)[self.limit - 1]]
        if not len(low):
            return
        measured = np.full(len(low), np.nan) if values is None else values[low]
        rows, number = spans[low].astype(np.int64), self._number(batch)
        trace, start = batch.trace_of_span()[rows].astype(np.int64), batch.stored(Level.SPAN, "start")[rows]
        found = _Candidates(hashes[low], np.full(len(low), number), trace, rows, start, series[low], measured)
        self._kept = self._smallest(self._kept.join(found))
        self._apart(number)
        self._batches = {number: self._batches[number] for number in set(self._kept.batch.tolist())}

    def _number(self, batch: Batch) -> int:
        self._batches[self._seen] = batch
        self._seen += 1
        return self._seen - 1

    def _apart(self, number: int) -> None:
        """Have the candidates of a batch stand in portions of it: little is read of them later, and the batch with its columns can go."""
        whole, mine = self._batches[number], np.flatnonzero(self._kept.batch == number)
        traces = self._kept.trace[mine]
        distinct, place = np.unique(traces, return_inverse=True)
        portions = whole.portions(distinct)
        for portion in {id(each): each for each in portions}.values():
            if portion.batch is not whole:
                there = mine[np.array([each is portion for each in portions])[place]]
                self._kept.batch[there] = self._number(portion.batch)
                self._kept.trace[there] -= portion.first_trace
                self._kept.span[there] -= portion.first_span

    def _smallest(self, candidates: _Candidates) -> _Candidates:
        """The `limit` that come first; where equal hashes are cut apart, the span ids decide."""
        order = np.argsort(candidates.hashes, kind="stable")
        ordered = candidates.hashes[order]
        if len(order) > self.limit and ordered[self.limit - 1] == ordered[self.limit]:
            order = np.lexsort((self._span_ids(candidates), candidates.hashes))
        return candidates.take(order[: self.limit])

    def _span_ids(self, candidates: _Candidates) -> NDArray[np.uint64]:
        ids = np.empty(len(candidates.span), np.uint64)
        for number in np.unique(candidates.batch).tolist():
            rows = np.flatnonzero(candidates.batch == number)
            ids[rows] = self._batches[number].stored(Level.SPAN, "span_id")[candidates.span[rows]]
        return ids

    def of_series(self, unit: int) -> dict[int, tuple[Exemplar, ...]]:
        """The exemplars of each series that has any, in order of time; measured values are divided by `unit`."""
        out: dict[int, list[Exemplar]] = {}
        for number, batch in self._batches.items():
            chosen = self._kept.take(np.flatnonzero(self._kept.batch == number))
            for series, exemplar in zip(chosen.series.tolist(), _read(batch, chosen, unit), strict=True):
                out.setdefault(series, []).append(exemplar)
        return {series: tuple(sorted(found, key=lambda each: (each.time, each.span_id))) for series, found in out.items()}


def _hashes(batch: Batch, spans: Ints) -> NDArray[np.uint64]:
    trace = take_ascending(batch.trace_of_span(), spans)
    mixed: NDArray[np.uint64] = batch.trace_ids().low[trace]
    mixed ^= take_ascending(batch.stored(Level.SPAN, "start"), spans)
    shifted = np.empty_like(mixed)
    for shift, factor in zip((30, 27, 31), (*_MIX, np.uint64(1)), strict=True):
        np.right_shift(mixed, np.uint64(shift), out=shifted)
        mixed ^= shifted
        mixed *= factor
    return mixed


def _read(batch: Batch, chosen: _Candidates, unit: int) -> list[Exemplar]:
    ids, trace = batch.trace_ids(), chosen.trace.tolist()
    span_ids, values = batch.stored(Level.SPAN, "span_id")[chosen.span].tolist(), (chosen.values / unit).tolist()
    columns = zip(trace, span_ids, chosen.start.tolist(), values, strict=True)
    return [Exemplar(ids.hex(row), f"{span_id:016x}", start, value) for row, span_id, start, value in columns]
