"""How much the receivers hold, whatever is sent to them: bytes that are worked on at a time, bytes that are or come in, and for how long.

What there is no room for is not read: its sender waits, and after a while is asked to come again.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc

from pytempo.errors import Overloaded

AT_ONCE = 4
"""Requests of the largest size that are worked on at a time; smaller ones are as many as fit into as much."""

JSON_GROWS = 8
"""A request in JSON takes this multiple of its size as Python's objects, before it is OTLP's wire format."""

LOOKS = 0.5
"""Seconds between two looks for requests that take too long."""

PATIENCE = 5.0
"""Seconds that a request waits for room before its sender is told to come again."""

BODIES = 4
"""Bodies of the largest size that may be held over HTTP, where one can be left half read."""

MESSAGES = 8
"""Messages of the largest size that may be held over gRPC, where one comes in whole."""

EXPECTED = 2
"""A message that has just been asked for counts as this part of the largest; how large it is shows when it is there."""

SOON = 1.0
"""Seconds after which a message that has not come in counts no more: its client is slow or silent, and is not to keep the others out."""

POLL = 0.02
"""Seconds between two looks for room, where there is none."""


class Held:
    """Bytes that one request has of a `WorkRoom`."""

    def __init__(self, room: WorkRoom, size: int) -> None:
        self._room, self.size = room, size

    def shrink(self, size: int) -> None:
        """It needs no more than this from now on."""
        if size < self.size:
            self._room.give_back(self.size - size)
            self.size = size


class WorkRoom:
    """Bytes of requests that are being inflated, decoded and stored. Threads wait for their turn, in the order in which they came."""

    def __init__(self, size: int) -> None:
        self._size, self._held = size, 0
        self._turn, self._condition = threading.Lock(), threading.Condition()

    @contextmanager
    def hold(self, size: int) -> Iterator[Held]:
        """Have so many bytes for the block; one request alone may have more than there are."""
        with self._turn, self._condition:
            self._condition.wait_for(lambda: not self._held or self._held + size <= self._size)
            self._held += size
        held = Held(self, size)
        try:
            yield held
        finally:
            held.shrink(0)

    def give_back(self, size: int) -> None:
        """Called by what was held."""
        with self._condition:
            self._held -= size
            self._condition.notify_all()


class Bodies:
    """Bytes of bodies that come in, bit by bit; used by the event loop alone. The one that began first always goes on: all might wait."""

    def __init__(self, size: int, patience: float = PATIENCE) -> None:
        self._size, self._patience = size, patience
        self._held, self._total = dict[object, int](), 0

    async def take(self, body: object, size: int) -> None:
        """So much more of a body is there. Returns when there is room; raises Overloaded where it takes too long to come."""
        self._held.setdefault(body, 0)
        latest = time.monotonic() + self._patience
        while self._total + size > self._size and next(iter(self._held)) is not body:
            if time.monotonic() >= latest:
                raise _no_room(self._size)
            await asyncio.sleep(POLL)
        self._held[body] += size
        self._total += size

    def leave(self, body: object) -> None:
        """A body is gone."""
        self._total -= self._held.pop(body, 0)


class Arriving:
    """Calls whose message has not come in yet, and the messages that have. A client that sends none would hold a thread for ever;
    its call is cancelled."""

    def __init__(self, within: float, largest: int, *, patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic) -> None:
        """A message has at most `largest` bytes."""
        self._within, self._expected, self._size = within, largest // EXPECTED, largest * MESSAGES
        self._patience, self._clock = patience, clock
        self._since: dict[grpc.ServicerContext, float] = {}
        self._held, self._condition = 0, threading.Condition()

    @contextmanager
    def waits(self, context: grpc.ServicerContext) -> Iterator[None]:
        """The block waits for a message of this call, once there is room. Raises Overloaded where it takes too long to come."""
        self._enter(context)
        try:
            yield
        finally:
            del self._since[context]

    def _enter(self, context: grpc.ServicerContext) -> None:
        latest = self._clock() + self._patience
        with self._condition:
            while self._held + self._expected * self._recent() > self._size - self._expected:
                if self._clock() >= latest:
                    raise _no_room(self._size)
                self._condition.wait(POLL)
            self._since[context] = self._clock()

    def _recent(self) -> int:
        """Calls whose message was asked for a moment ago."""
        earliest = self._clock() - SOON
        return sum(since > earliest for since in list(self._since.values()))

    @contextmanager
    def holds(self, size: int) -> Iterator[None]:
        """A message of this size is there for the block."""
        with self._condition:
            self._held += size
        try:
            yield
        finally:
            with self._condition:
                self._held -= size

    async def watch(self) -> None:
        """Cancel what takes too long, for ever."""
        while True:
            await asyncio.sleep(LOOKS)
            latest = self._clock() - self._within
            for context, since in list(self._since.items()):
                if since < latest:
                    context.cancel()  # type: ignore[no-untyped-call]


def _no_room(size: int) -> Overloaded:
    return Overloaded(
        f"export requests of {size} bytes are on their way in or wait to be stored, more are not taken now; send it again later"
    )
