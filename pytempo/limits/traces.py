"""The traces of one tenant that are remembered, with their sizes: a hash table of arrays that answers for a whole batch at once.

Open addressing with linear probing, at most half full. What was not seen for long is forgotten when room is needed.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytempo.model.arrays import Bools, Ints
from pytempo.model.ids import TraceIds

SMALLEST = 1 << 10
"""Slots of a new table."""

LARGEST = 1 << 20
"""Slots beyond which the longest unseen traces are forgotten rather than the table grown: 33 MB."""

REMEMBERED = 10 * 60 * 1_000_000_000
"""Nanoseconds after its last span for which a trace is remembered, if room is needed."""

NEVER = np.int64(-(2**63))


class TraceTable:
    """Sizes and last arrivals of traces. One thread at a time."""

    def __init__(self, *, smallest: int = SMALLEST, largest: int = LARGEST) -> None:
        """It has `smallest` slots at first and grows up to `largest`; both are powers of two. A batch that needs more gets them."""
        self._largest = largest
        self._salt = np.uint64(random.getrandbits(64) | 1)  # so that nobody can choose ids that share a slot
        self._reset(smallest)

    def __len__(self) -> int:
        """Traces known."""
        return self._count

    def _reset(self, slots: int) -> None:
        self._ids = TraceIds(np.zeros(slots, np.uint64), np.zeros(slots, np.uint64))
        self._taken, self._claims = np.zeros(slots, np.bool_), np.zeros(slots, np.int32)
        self.size, self.seen = np.zeros(slots, np.int64), np.full(slots, NEVER)
        self._count = 0

    def slots(self, ids: TraceIds, now: int) -> NDArray[np.int64]:
        """The slot of every id, which are distinct; unknown ones get one. Good until the next call.

        `size` [slots] are the bytes of the trace so far, and `seen` [slots] when its last span came; the caller changes both.
        """
        if 2 * (self._count + len(ids)) > len(self._taken):
            self._make_room(len(ids), now)
        return self._place(ids)

    def _place(self, ids: TraceIds) -> NDArray[np.int64]:
        mask = np.uint64(len(self._taken) - 1)
        slot = (self._hash(ids) & mask).astype(np.int64)
        left = np.arange(len(ids), dtype=np.int32)
        while len(left):
            here = slot[left]
            free = ~self._taken[here]
            self._claims[here[free]] = left[free]  # of several that want one slot the last gets it
            won = free & (self._claims[here] == left)
            self._occupy(ids, left[won], here[won])
            found = (self._ids.high[here] == ids.high[left]) & (self._ids.low[here] == ids.low[left])
            left = left[~found]
            slot[left] = (slot[left] + 1) & int(mask)
        return slot

    def _occupy(self, ids: TraceIds, rows: Ints, slots: Ints) -> None:
        self._ids.high[slots], self._ids.low[slots], self._taken[slots] = ids.high[rows], ids.low[rows], True
        self._count += len(rows)

    def _hash(self, ids: TraceIds) -> NDArray[np.uint64]:
        mixed = (ids.high * np.uint64(0x9E3779B97F4A7C15)) ^ ids.low
        mixed = (mixed ^ (mixed >> np.uint64(31))) * self._salt
        out: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(29))
        return out

    def _make_room(self, more: int, now: int) -> None:
        kept = np.flatnonzero(self._taken & (self.seen > now - REMEMBERED))
        most = self._largest // 4
        if len(kept) > most:
            kept = kept[np.argsort(self.seen[kept], kind="stable")[len(kept) - most :]]
        slots = len(self._taken)
        while slots < 2 * (len(kept) + more) or (slots < 4 * len(kept) and slots < self._largest):
            slots *= 2
        ids, size, seen = self._ids.take(kept), self.size[kept], self.seen[kept]
        self._reset(slots)
        places = self._place(ids)
        self.size[places], self.seen[places] = size, seen

    def live(self, since: int) -> int:
        """Traces that had a span after `since`."""
        return int(np.count_nonzero(self.seen > since))


def beyond(trace: Ints, sizes: NDArray[np.int64], before: NDArray[np.int64], limit: int) -> Bools:
    """The spans [n] with which their trace (`trace` [n], rows of `before`) grows beyond the limit, in order of arrival.

    `before` is the size that each trace had already. What comes after such a span is beyond, too, however small it is.
    """
    after = before + np.bincount(trace, sizes, len(before)).astype(np.int64)
    out: Bools = np.zeros(len(trace), np.bool_)
    spans = np.flatnonzero((after > limit)[trace])
    if not len(spans):
        return out
    spans = spans[np.argsort(trace[spans], kind="stable")]
    traces = trace[spans]
    head = np.append(True, traces[1:] != traces[:-1])
    grown = np.cumsum(sizes[spans])
    start = np.where(head, grown - sizes[spans], 0)
    grown = grown - np.maximum.accumulate(start) + before[traces]
    out[spans] = grown > limit
    return out


def first_spans(trace: Ints, count: int) -> NDArray[Any]:
    """For each of `count` traces the row of its first span; `trace` [n] gives the trace of every span, and each has one."""
    first = np.empty(count, np.int64)
    first[trace[::-1]] = np.arange(len(trace) - 1, -1, -1)
    return first
