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
    """The keepers that were used last, at most so many, or so much of what they hold; the others let go. Thread-safe.

    Who was given something goes on with it for as long as he holds it; a keeper that nobody holds gives its own back at once.
    """

    def __init__(self, most: int = MOST_OPEN, weigh: Callable[[Opened], int] = lambda opened: 1) -> None:
        """`weigh` says how much of `most` something takes; the one that was used last is kept whatever it weighs."""
        self._most, self._weigh, self._lock = most, weigh, threading.RLock()
        self._order: OrderedDict[int, tuple[weakref.ref[Keeper[Opened]], int]] = OrderedDict()
        self._weight = 0

    def __len__(self) -> int:
        return len(self._order)

    def take(self, keeper: Keeper[Opened], make: Callable[[], Opened]) -> Opened:
        """What the keeper holds, made where it holds nothing. Raises what `make` raises."""
        with self._lock:
            opened = keeper.opened = keeper.opened or make()
            before = self._order.pop(id(keeper), None)  # perhaps of another one, which is gone
            weight = before[1] if before is not None and before[0]() is keeper else self._weigh(opened)
            self._weight += weight - (0 if before is None else before[1])
            self._order[id(keeper)] = weakref.ref(keeper), weight
            while self._weight > self._most and len(self._order) > 1:
                oldest, weight = self._order.popitem(last=False)[1]
                self._weight -= weight
                kept = oldest()
                if kept is not None:
                    kept.opened = None
            return opened
