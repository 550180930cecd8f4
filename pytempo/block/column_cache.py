"""Decoded columns of row groups that queries have used, kept for the next: what was read once and checked is compared at once.

What has to make room is chosen by chance. A scan of more than there is room for would otherwise push out each column just before it is
asked for again, and none would ever be found.
"""

from __future__ import annotations

import itertools
import random
import threading
import weakref
from collections import deque
from collections.abc import Hashable
from typing import Any, TypeAlias

MAX_BYTES = 128 * 1024 * 1024
"""Of all columns together: those of status, kind, times and service of some four million spans."""

LARGEST = 2 * 1024 * 1024
"""Bytes of one column of a stretch of row groups: one of eight bytes for some 260,000 spans. What is larger is read for each query."""

OVERHEAD = 200
"""Bytes of the objects around a column, about."""


Key: TypeAlias = tuple[int, int, Hashable]
"""The block, by a number of its own, the row group, and what it is."""


class ColumnCache:
    """Columns of immutable blocks, at most so many bytes. Thread-safe; what it hands out is shared, and never written to."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        """0 keeps nothing."""
        self._max, self._lock, self._chance = max_bytes, threading.Lock(), random.Random(0)
        self._found: dict[Key, tuple[int, Any, int]] = {}
        self._keys: list[Key] = []
        self._numbers, self._gone = itertools.count(), deque[int]()
        self.bytes = 0
        """Of what is kept now."""

    def of(self, block: object) -> BlockColumns:
        """The part of a block; what is kept of it goes when nobody holds the block any more."""
        number = next(self._numbers)
        weakref.finalize(block, self._gone.append, number)  # at any moment, in any thread: what it means is done by the next `put`
        return BlockColumns(self, number)

    def get(self, key: Key) -> Any:
        """What was kept under a key, or None."""
        with self._lock:
            found = self._found.get(key)
            return None if found is None else found[1]

    def put(self, key: Key, value: Any, size: int) -> None:
        """Keep a value of so many bytes, if there may be room."""
        size += OVERHEAD
        if size > min(LARGEST, self._max):
            return
        with self._lock:
            if self._gone:
                self._forget()
            if key in self._found:
                return
            while self.bytes + size > self._max:
                self._drop(self._keys[self._chance.randrange(len(self._keys))])
            self._found[key] = (len(self._keys), value, size)
            self._keys.append(key)
            self.bytes += size

    def _forget(self) -> None:
        """Let go of the columns of blocks that are gone."""
        gone = {self._gone.popleft() for _ in range(len(self._gone))}
        for key in [key for key in self._keys if key[0] in gone]:
            self._drop(key)

    def _drop(self, key: Key) -> None:
        place, _, size = self._found.pop(key)
        last = self._keys.pop()
        if last != key:
            self._keys[place] = last
            self._found[last] = (place, *self._found[last][1:])
        self.bytes -= size


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
        return self.get(group, what) is not None
