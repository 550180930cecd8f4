"""Keeping open what was used last: at most so many things of a kind, the others are let go and opened again when they are needed."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Opened = TypeVar("Opened")

MOST_OPEN = 256
"""Of one kind: processes may have 1024 descriptors, and a store thousands of blocks."""


class Keeper(Generic[Opened]):
    """Whoever holds something open, and lets go of it when others were used later."""

    opened: Opened | None = None


class KeptOpen(Generic[Opened]):
    """The keepers that were used last, at most so many; the others let go. Thread-safe.

    Who was given something goes on with it for as long as he holds it; a keeper that nobody holds gives its own back at once.
    """

    def __init__(self, most: int = MOST_OPEN) -> None:
        self._most, self._lock = most, threading.RLock()
        self._order: OrderedDict[int, weakref.ref[Keeper[Opened]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._order)

    def take(self, keeper: Keeper[Opened], make: Callable[[], Opened]) -> Opened:
        """What the keeper holds, made where it holds nothing. Raises what `make` raises."""
        with self._lock:
            opened = keeper.opened = keeper.opened or make()
            self._order[id(keeper)] = weakref.ref(keeper)
            self._order.move_to_end(id(keeper))
            while len(self._order) > self._most:
                oldest = self._order.popitem(last=False)[1]()
                if oldest is not None:
                    oldest.opened = None
            return opened
