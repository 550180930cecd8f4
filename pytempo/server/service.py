"""What all handlers of one server share: the store, the bridge to it, the truth about readiness, and what was passed in."""

from __future__ import annotations

import logging
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from pytempo.server.bridge import Bridge
from pytempo.server.options import ServeOptions
from pytempo.store import Store
from pytempo.telemetry import RequestMetrics

STOPPING = "Application is stopping"


class Service:
    """One running server over an opened store, which may still be replaying its log."""

    def __init__(self, options: ServeOptions, store: Store, logger: logging.Logger, clock: Callable[[], int]) -> None:
        self.options, self.store, self.logger, self.clock = options, store, logger, clock
        self.bridge, self.requests = Bridge(), RequestMetrics(store.registry)
        self.streams = 0
        """Streams that are being answered."""
        self._stopping = False

    @property
    def registry(self) -> CollectorRegistry:
        """The store's metrics and the server's."""
        return self.store.registry

    @property
    def request_limit(self) -> int:
        """Bytes of one export request, decompressed."""
        return self.options.store.max_request_bytes

    def stopping(self) -> None:
        """From now on the server is not ready; requests in flight, and questions, are still answered."""
        self._stopping = True

    def not_ready(self) -> str | None:
        """Why the server is not ready, in words; None when it is."""
        return STOPPING if self._stopping else self.store.not_ready()
