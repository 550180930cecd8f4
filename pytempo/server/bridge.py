"""The one bridge from async code to the synchronous store: lanes of threads, so that one kind of work cannot starve another."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from pytempo.errors import Overloaded

T = TypeVar("T")


class Lane:
    """Threads for one kind of work, and a bounded queue in front of them."""

    def __init__(self, name: str, threads: int, waiting: int, remedy: str = "ask again later") -> None:
        """At most `threads` calls run at a time and `waiting` more wait, each for its turn; what comes first is done first.

        `remedy` is what to tell those that are refused.
        """
        self._name, self._threads, self._room, self._remedy = name, threads, threads + waiting, remedy
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"pytempo-{name}")
        self._lock = threading.Lock()
        self._taken = 0
        self.done, self.refused = 0, 0
        """Calls that were taken and have ended, and those that found no room."""
        self.waited: Callable[[float], None] = lambda seconds: None
        """Told of each call how long it waited for its thread."""

    async def run(self, call: Callable[[], T]) -> T:
        """The result of `call`, made in a thread. Raises Overloaded, at once, where the queue is full.

        A caller that is cancelled leaves a call that runs to run on; one that waits is dropped.
        """
        return await asyncio.wrap_future(self.submit(call))

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """As `run`, for callers outside the event loop."""
        with self._lock:
            if self._taken >= self._room:
                self.refused += 1
                raise Overloaded(f"job queue full: {self._taken} {self._name} jobs run or wait; {self._remedy}")
            self._taken += 1
        put = time.perf_counter()

        def begin() -> T:
            self.waited(time.perf_counter() - put)
            return call()

        future = self._pool.submit(begin)
        future.add_done_callback(self._leave)
        return future

    def _leave(self, future: Future[T]) -> None:
        with self._lock:
            self._taken -= 1
            self.done += 1

    @property
    def waiting(self) -> int:
        """Calls that no thread works on yet."""
        return max(self._taken - self._threads, 0)

    @property
    def busy(self) -> int:
        """Calls that run or wait."""
        return self._taken

    def close(self) -> None:
        """Take no more calls and drop those that wait; does not wait for those that run."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Bridge:
    """The lanes of a server: `queries`, `exports` (blocked in `fdatasync` most of their time) and `admin` (flush, shutdown, metrics)."""

    def __init__(self, *, query_threads: int = 8, waiting_queries: int = 2000, export_threads: int = 16) -> None:
        remedy = "ask again later, or raise max_queued_queries (--max-queued-queries)"
        self.queries = Lane("query", query_threads, waiting_queries, remedy)
        self.exports = Lane("export", export_threads, waiting=1000)
        self.admin = Lane("admin", threads=4, waiting=100)

    @property
    def busy(self) -> int:
        """Calls that run or wait in any lane."""
        return self.queries.busy + self.exports.busy + self.admin.busy

    def close(self) -> None:
        """Close every lane."""
        for lane in (self.queries, self.exports, self.admin):
            lane.close()
