"""Connections that never come to the end of a request's head are closed: they would cost a file each, for ever."""

from __future__ import annotations

import asyncio
from typing import Any, cast


def impatient(http: type[asyncio.Protocol], within: float) -> type[asyncio.Protocol]:
    """A protocol as `http`, one of uvicorn's, that gives a connection so many seconds for the head of each request it has begun.

    How long one may be idle between two requests is uvicorn's business; on a new connection the time begins at once.
    """
    base: Any = http

    class Impatient(base):  # type: ignore[misc]  # uvicorn chooses it by class
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._timer = self.loop.call_later(within, transport.close)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                self._calm()
            elif self._timer is None:
                self._timer = self.loop.call_later(within, self.transport.close)

        def connection_lost(self, error: Exception | None) -> None:
            self._calm()
            super().connection_lost(error)

        def _calm(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return cast(type[asyncio.Protocol], Impatient)
