"""Several blocks as one stream of batches: traces joined, spans that were sent again once, a few row groups in memory at a time.

Blocks are sorted by trace id, so a merge goes through the ids from the lowest on: it looks as many row groups ahead as make a batch of
about `SPANS_AT_ONCE` spans (of what lies ahead only the ids are read), takes everything up to the lowest of the last ids that it
has seen of each block, and goes on. A trace is whole in its batch, whatever blocks it lies in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from pytempo.block.source import BlockSource
from pytempo.model.batch import Batch, MemoryBatch
from pytempo.model.ids import TraceIds
from pytempo.model.levels import Level
from pytempo.model.merge import merge
from pytempo.model.scan import Scan
from pytempo.model.selection import Selection

SPANS_AT_ONCE = 20_000
"""Spans of a batch, about: two row groups. A merge takes its memory, some KB a span, and that of one row group of each block."""

SPANS_A_TRACE = 8
"""What a trace is guessed to have in a block that does not say how many spans it has."""

_Id = tuple[int, int]


def merged(sources: Sequence[BlockSource], spans_at_once: int = SPANS_AT_ONCE) -> Iterator[tuple[MemoryBatch, int]]:
    """All traces of blocks that are given in order of arrival, ids ascending over all batches, each with the rows read for it.

    Resources and scopes are shared within a batch and copies collapsed by the rule of `model.merge`. Raises Damaged, NotFound and
    Unavailable as the sources do.
    """
    inputs = [_Input(source) for source in sources]
    while any(each.ahead or not each.ended for each in inputs):
        bound = _look_ahead(inputs, spans_at_once)
        taken = [piece for each in inputs for piece in each.take(bound)]
        if not taken:  # the last row group was taken whole, and only now it shows that there is no other
            return
        yield merge([batch for batch, _ in taken]), sum(rows for _, rows in taken)


def _look_ahead(inputs: Sequence[_Input], wanted: int) -> _Id | None:
    """Look so far ahead that `wanted` spans can be taken; the id up to which they lie, None where that is all there is."""
    while True:
        open_ones = [each for each in inputs if not each.ended]
        if not open_ones:
            return _nth_id(inputs, None, wanted)
        nearest = min(open_ones, key=lambda each: each.last)
        if sum(each.spans_up_to(nearest.last) for each in inputs) >= wanted:
            return _nth_id(inputs, nearest.last, wanted)
        nearest.look_further()


def _nth_id(inputs: Sequence[_Input], bound: _Id | None, wanted: int) -> _Id | None:
    """An id up to which about `wanted` spans lie, `bound` where that is nearer; every step takes at least one trace."""
    seen = [(ids, spans) for each in inputs for ids, spans in each.up_to(bound)]
    total = sum(len(ids) * spans for ids, spans in seen)
    if total <= 1.5 * wanted:
        return bound
    ids = TraceIds.concat([ids for ids, _ in seen])
    place = ids.order()[int(len(ids) * wanted / total)]
    return int(ids.high[place]), int(ids.low[place])


class _Input:
    """One block: the row groups looked at and not yet taken whole."""

    def __init__(self, source: BlockSource) -> None:
        meta = source.meta
        self._spans_a_row = meta.spans / meta.traces if meta.spans and meta.traces else SPANS_A_TRACE
        self._batches = source.batches(Scan(whole=True))
        self.ahead: deque[Batch] = deque()
        self._first = 0
        """The rows of the first batch that have been taken."""
        self.ended = False
        self.last: _Id = (0, 0)
        """The last id that has been looked at."""
        self.look_further()

    def look_further(self) -> None:
        """Look at the ids of the next row group."""
        batch = next(self._batches, None)
        if batch is None:
            self.ended = True
            return
        ids = batch.trace_ids()
        self.ahead.append(batch)
        self.last = (int(ids.high[-1]), int(ids.low[-1]))

    def up_to(self, bound: _Id | None) -> Iterator[tuple[TraceIds, float]]:
        """The ids that have been looked at and not been taken, up to an id, with the spans that each has, about."""
        first = self._first
        for batch in self.ahead:
            ids = batch.trace_ids()
            yield ids.take(np.arange(first, len(ids) if bound is None else _rows_up_to(ids, bound))), self._spans_a_row
            first = 0

    def spans_up_to(self, bound: _Id) -> float:
        """About how many spans of what has been looked at lie up to an id."""
        return sum(len(ids) * spans for ids, spans in self.up_to(bound))

    def take(self, bound: _Id | None) -> Iterator[tuple[Batch, int]]:
        """The traces up to an id (None: all), as batches with their number of rows."""
        while self.ahead:
            batch, first = self.ahead[0], self._first
            count = batch.count(Level.TRACE)
            end = count if bound is None else _rows_up_to(batch.trace_ids(), bound)
            if end == count:
                self.ahead.popleft()
            self._first = 0 if end == count else end
            if end > first:
                yield (batch if end - first == count else _rows(batch, first, end)), end - first
            if end < count:
                return


def _rows_up_to(ids: TraceIds, bound: _Id) -> int:
    """How many of ascending ids are not greater than another."""
    high, low = (np.uint64(half) for half in bound)
    return int(np.count_nonzero((ids.high < high) | ((ids.high == high) & (ids.low <= low))))


def _rows(batch: Batch, first: int, end: int) -> Batch:
    """The traces of some rows of a batch whose spans lie in the order of its traces."""
    begin, stop = np.searchsorted(batch.trace_of_span(), [first, end])
    return Selection(batch, np.arange(begin, stop))
