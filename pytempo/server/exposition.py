"""The text of /metrics for all who ask: each gets one that was begun after it asked, and one is made at a time.

Making it takes the interpreter some milliseconds. Those who ask meanwhile share the next one, so that many impatient scrapers cost no
more than a few, and none of them is told less than was acknowledged before it asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Exposition:
    """Used by the event loop alone."""

    def __init__(self, make: Callable[[], Awaitable[bytes]]) -> None:
        self._make = make
        self._made: asyncio.Task[bytes] | None = None
        self._next: asyncio.Task[bytes] | None = None

    async def text(self) -> bytes:
        """Raises what `make` raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._made))
        return await asyncio.shield(self._next)  # who leaves takes nothing from the others

    async def _after(self, made: asyncio.Task[bytes] | None) -> bytes:
        if made is not None:
            await asyncio.wait([made])
        self._made, self._next = self._next, None
        return await self._make()
