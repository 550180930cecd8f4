"""Decoded columns of row groups that queries have used, kept for the next: what was read once and checked is compared at once.

What was asked for least recently makes room, but only for what had been asked for since. A scan of more than there is room for would
otherwise push out each column just before it is asked for again, and none would ever be found; so, a part of what it scans stays. Small
things, such as the names of all attributes of a hundred thousand spans, have a room of their own: they take as long to read as large ones.
"""

from __future__ import annotations

import itertools
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, TypeAlias

MAX_BYTES = 128 * 1024 * 1024
"""Of all columns together: those that a rate by service, or a search by status and kind, needs of some twelve million spans."""

LARGEST = 2 * 1024 * 1024
"""Bytes of one column of a stretch of row groups: one of eight bytes for some 260,000 spans. What is larger is read for each query."""

OVERHEAD = 200
"""Bytes of the objects around a column, about."""

SMALL_SHARE = 16
"""One part in so many is room for small things."""

SMALL = 512
"""A small thing takes at most one part in so many of their room: 16 KiB of 8 MiB."""

REMEMBERED = 20_000
"""Columns that are not kept of which is known when they were asked for: some 200 bytes each."""


Key: TypeAlias = tuple[int, int, Hashable]
"""The block, by a number of its own, the row group, and what it is."""


class ColumnCache:
    """Columns of immutable blocks, at most so many bytes. Thread-safe; what it hands out is shared, and never written to."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        """0 keeps nothing."""
        self._max, self._lock = max_bytes, threading.Lock()
        self._small = _Room(max_bytes // SMALL_SHARE)
        self._large = _Room(max_bytes - self._small.max)
        self._numbers, self._gone = itertools.count(), deque[int]()

    @property
    def bytes(self) -> int:
        """Of what is kept now."""
        return self._small.bytes + self._large.bytes

    def of(self, block: object) -> BlockColumns:
        """The part of a block; what is kept of it goes when nobody holds the block any more."""
        number = next(self._numbers)
        weakref.finalize(block, self._gone.append, number)  # at any moment, in any thread: what it means is done by the next `put`
        return BlockColumns(self, number)

    def get(self, key: Key) -> Any:
        """What was kept under a key, or None."""
        with self._lock:
            return (self._large if key in self._large.found else self._small).get(key)

    def has(self, key: Key) -> bool:
        """Whether something is kept under a key; this is not asking for it."""
        return key in self._large.found or key in self._small.found

    def put(self, key: Key, value: Any, size: int) -> None:
        """Keep a value of so many bytes, which was asked for and not found, if there may be room."""
        size += OVERHEAD
        if size > min(LARGEST, self._max):
            return
        with self._lock:
            if self._gone:
                self._forget()
            if not self.has(key):
                (self._small if size * SMALL <= self._small.max else self._large).put(key, value, size)

    def _forget(self) -> None:
        """Let go of the columns of blocks that are gone."""
        gone = {self._gone.popleft() for _ in range(len(self._gone))}
        for room in (self._small, self._large):
            room.forget(gone)


@dataclass(slots=True)
class _Kept:
    value: Any
    size: int
    asked: int
    """When it was asked for last, by the bytes that had been asked for until then."""


class _Room:
    """At most `max` bytes of columns. One thread at a time, but for looking into `found`."""

    def __init__(self, max: int) -> None:
        self.max, self.bytes = max, 0
        self.found: OrderedDict[Key, _Kept] = OrderedDict()
        """In the order in which they were asked for."""
        self._others: OrderedDict[Key, int] = OrderedDict()
        """When those were asked for that are not kept."""
        self._now = max
        """Bytes that were asked for, kept or not."""

    def get(self, key: Key) -> Any:
        kept = self.found.get(key)
        if kept is None:
            return None
        self._now += kept.size
        kept.asked = self._now
        self.found.move_to_end(key)
        return kept.value

    def put(self, key: Key, value: Any, size: int) -> None:
        """As of the cache. What was never asked for before, as far as is known, may displace what was not while `max` bytes were."""
        before = self._others.pop(key, self._now - self.max)
        self._now += size
        if self._make_room(size, before):
            self.found[key] = _Kept(value, size, self._now)
            self.bytes += size
        else:
            self._remember(key, self._now)

    def forget(self, gone: set[int]) -> None:
        """Let go of all columns of some blocks."""
        for key in [key for key in self.found if key[0] in gone]:
            self._drop(key)

    def _make_room(self, size: int, before: int) -> bool:
        """Let go of what was asked for last before a moment, as far as that is needed; whether there is room then."""
        while self.bytes + size > self.max:
            if not self.found:
                return False
            key, oldest = next(iter(self.found.items()))
            if oldest.asked > before:
                return False
            self._drop(key)
            self._remember(key, oldest.asked)
        return True

    def _drop(self, key: Key) -> None:
        self.bytes -= self.found.pop(key).size

    def _remember(self, key: Key, asked: int) -> None:
        self._others[key] = asked
        if len(self._others) > REMEMBERED:
            self._others.popitem(last=False)


class BlockColumns:
    """The columns of one block in a cache, by row group."""

    def __init__(self, cache: ColumnCache, block: int) -> None:
        self._cache, self._block = cache, block

    def get(self, group: int, what: Hashable) -> Any:
        """A kept column, or None."""
        return self._cache.get((self._block, group, what))

    def put(self, group: int, what: Hashable, column: Any, size: int) -> None:
        """Keep a column of so many bytes."""
        self._cache.put((self._block, group, what), column, size)

    def has(self, group: int, what: Hashable) -> bool:
        """Whether a column is kept at this moment."""
        return self._cache.has((self._block, group, what))
