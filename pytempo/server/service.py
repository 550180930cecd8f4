"""What all handlers of one server share: the store, the bridge to it, the truth about readiness, and what was passed in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Generic, TypeVar

from prometheus_client import CollectorRegistry

from pytempo.config.environment import expand
from pytempo.config.overrides import overrides_file
from pytempo.errors import Unavailable
from pytempo.limits import Reloader, ReloadMetrics
from pytempo.query.budget import Budget, client_left
from pytempo.server.bridge import Bridge
from pytempo.server.exposition import Exposition
from pytempo.server.options import ServeOptions
from pytempo.server.queue_metrics import QueueMetrics
from pytempo.server.tenancy import Tenancy
from pytempo.store import Store
from pytempo.telemetry import RequestMetrics, expose

T = TypeVar("T")

STOPPING = "Application is stopping"


class Asking(Generic[T]):
    """A question that waits for a thread or is worked on; a context manager, at whose end nobody wants the answer any more."""

    def __init__(self, budget: Budget, work: asyncio.Future[T], given_up: asyncio.Future[None]) -> None:
        """`given_up` is done when the server waits for no answer any more."""
        self.budget, self._work, self._given_up = budget, work, given_up

    async def ends_within(self, seconds: float) -> bool:
        """Whether the answer, or the reason why there is none, is there in so many seconds. The deadline ends it, too."""
        left = self.budget.remaining()
        shortest = seconds if left is None else min(seconds, left)
        ends: set[asyncio.Future[Any]] = {self._work, self._given_up}
        await asyncio.wait(ends, timeout=shortest, return_when=asyncio.FIRST_COMPLETED)
        return self._work.done() or self._given_up.done() or (left is not None and left < seconds)

    async def result(self, gone: asyncio.Future[Any] | None = None) -> T:
        """The answer. Raises what the call raised, QueryStopped where the deadline passes or `gone` ends first, Unavailable where the
        server stops."""
        ends: set[asyncio.Future[Any]] = {self._work, self._given_up}
        if gone is not None:
            ends.add(gone)
        await asyncio.wait(ends, timeout=self.budget.remaining(), return_when=asyncio.FIRST_COMPLETED)
        if not self._work.done():
            if self._given_up.done():
                raise Unavailable("the server stops before the query has ended; ask again")
            raise client_left() if gone is not None and gone.done() else self.budget.too_slow()
        return self._work.result()

    def __enter__(self) -> Asking[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.budget.cancel()
        self._work.cancel()


def _reloader(options: ServeOptions, store: Store, logger: logging.Logger) -> Reloader | None:
    if options.overrides is None:
        return None
    read = overrides_file(options.overrides, expand) if options.overrides_expand_env else overrides_file(options.overrides)
    metrics = ReloadMetrics(store.registry)
    reloader = Reloader(read, store.limits, period=options.overrides_period, logger=logger, metrics=metrics)
    reloader.load()
    return reloader


class Service:
    """One running server over an opened store, which may still be replaying its log."""

    def __init__(self, options: ServeOptions, store: Store, logger: logging.Logger, clock: Callable[[], int]) -> None:
        self.options, self.store, self.logger, self.clock = options, store, logger, clock
        self.bridge = Bridge(query_threads=options.max_concurrent_queries, waiting_queries=options.max_queued_queries)
        self.requests = RequestMetrics(store.registry)
        self.exposition = Exposition(lambda: self.bridge.admin.run(lambda: expose(store.registry)))
        QueueMetrics(self.bridge.queries, store.registry)
        self.tenancy = Tenancy(options.multitenancy_enabled, options.multi_tenant_queries_enabled)
        self.overrides = _reloader(options, store, logger)
        """Reads the limits of tenants again and again, where they have a file."""
        self.streams = 0
        """Streams that are being answered."""
        self._stopping = False
        self._given_up: asyncio.Future[None] | None = None

    @property
    def registry(self) -> CollectorRegistry:
        """The store's metrics and the server's."""
        return self.store.registry

    @property
    def request_limit(self) -> int:
        """Bytes of one export request, decompressed."""
        return self.options.store.max_request_bytes

    def begin(self, call: Callable[[Budget], T]) -> Asking[T]:
        """Put `call` before the threads of the queries, with a budget whose time begins now; waiting for a thread counts.

        Raises Overloaded where too many wait.
        """
        budget = self.store.budget()
        if self._given_up is None:
            self._given_up = asyncio.get_running_loop().create_future()
        return Asking(budget, asyncio.wrap_future(self.bridge.queries.submit(lambda: call(budget))), self._given_up)

    async def ask(self, call: Callable[[Budget], T], left: Awaitable[Any] | None = None) -> T:
        """What `call` makes of its budget.

        Raises Overloaded where too many wait, QueryStopped where the deadline passes or `left` ends first: the client has gone. Then, and
        where the caller is cancelled, a call that waits is dropped, and one that runs ends at its next step.
        """
        gone = None if left is None else asyncio.ensure_future(left)
        try:
            with self.begin(call) as asking:
                return await asking.result(gone)
        finally:
            if gone is not None:
                gone.cancel()

    def stopping(self) -> None:
        """From now on the server is not ready; requests in flight, and questions, are still answered."""
        self._stopping = True

    def give_up(self) -> None:
        """Questions that are not answered by now end with Unavailable."""
        if self._given_up is not None and not self._given_up.done():
            self._given_up.set_result(None)

    def not_ready(self) -> str | None:
        """Why the server is not ready, in words; None when it is."""
        return STOPPING if self._stopping else self.store.not_ready()
