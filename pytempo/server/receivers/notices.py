"""Log lines that a busy client could repeat without end: one a client and minute, the rest is dropped."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable

INTERVAL = 60 * 1_000_000_000
"""Nanoseconds."""

REMEMBERED = 1000
"""Clients whose last line is remembered; the oldest is forgotten first."""


class Notices:
    """Safe to use from many threads."""

    def __init__(self, logger: logging.Logger, clock: Callable[[], int]) -> None:
        self._logger, self._clock = logger, clock
        self._last: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def say(self, client: str, text: str) -> None:
        """Log `text` with the client's address, unless this client had a line within the last minute."""
        now = self._clock()
        with self._lock:
            if now - self._last.get(client, now - INTERVAL) < INTERVAL:
                return
            self._last[client] = now
            self._last.move_to_end(client)
            if len(self._last) > REMEMBERED:
                self._last.popitem(last=False)
        self._logger.warning("%s: %s", client or "unknown client", text)


def only_traces(what: str) -> str:
    """What a client is told that sends something else than traces."""
    return f"pytempo stores traces only and takes no {what}; send traces to /v1/traces or the gRPC TraceService, and the {what} elsewhere"
