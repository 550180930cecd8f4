"""How much the receivers hold, whatever is sent to them: bytes that are worked on at a time, and how long a request may take to come in."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc

AT_ONCE = 4
"""Requests of the largest size that are worked on at a time; smaller ones are as many as fit into as much."""

JSON_GROWS = 8
"""A request in JSON takes this multiple of its size as Python's objects, before it is OTLP's wire format."""

LOOKS = 0.5
"""Seconds between two looks for requests that take too long."""


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


class Arriving:
    """Calls whose message has not come in yet. A client that sends none would hold a thread for ever; its call is cancelled."""

    def __init__(self, within: float) -> None:
        self._within = within
        self._since: dict[grpc.ServicerContext, float] = {}

    @contextmanager
    def waits(self, context: grpc.ServicerContext) -> Iterator[None]:
        """The block waits for a message of this call."""
        self._since[context] = time.monotonic()
        try:
            yield
        finally:
            del self._since[context]

    async def watch(self) -> None:
        """Cancel what takes too long, for ever."""
        while True:
            await asyncio.sleep(LOOKS)
            latest = time.monotonic() - self._within
            for context, since in list(self._since.items()):
                if since < latest:
                    context.cancel()  # type: ignore[no-untyped-call]
