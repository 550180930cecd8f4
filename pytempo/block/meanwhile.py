"""Threads that read for a query meanwhile: decoding Parquet holds no lock of the interpreter, so a second core can work for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

MOST_THREADS = 3
"""Threads beside those that ask: with more of them all wait for the interpreter's lock, which comparing needs."""


def spare_cores() -> int:
    """How many cores this process may use beside one, at most `MOST_THREADS`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores - 1, MOST_THREADS)


class Readers:
    """So many threads, which begin when there is something to do and end when nobody holds this. Safe to use from several threads."""

    def __init__(self, threads: int) -> None:
        """With 0 threads everything is done by who asks for it."""
        self._threads, self._lock = threads, threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def meanwhile(self, work: Callable[[], T]) -> Callable[[], T]:
        """Have another thread begin with it. What is returned gives what comes of it: waits, or does the work if none has begun."""
        begun = self._begin(work)
        return lambda: work() if begun is None or begun.cancel() else begun.result()

    def together(self, works: Sequence[Callable[[], T]]) -> list[T]:
        """What comes of several pieces of work: done by this thread from the last on and by others from the first, until they meet."""
        if len(works) == 1 or not self._threads:
            return [work() for work in works]
        begun = [self._begin(work) for work in works]
        own: dict[int, T] = {}
        try:
            for number in reversed(range(len(works))):
                future = begun[number]
                if future is None or future.cancel():
                    own[number] = works[number]()
            return [own[number] if future is None or number in own else future.result() for number, future in enumerate(begun)]
        finally:
            for future in begun:
                if future is not None:
                    future.cancel()

    def close(self) -> None:
        """Let the threads end; who asks later does the work himself."""
        with self._lock:
            self._threads = 0
            if self._pool is not None:
                self._pool.shutdown(wait=False)

    def _begin(self, work: Callable[[], T]) -> Future[T] | None:
        """Work that a thread begins with when it is free; None where there is no thread, or none any more, since the interpreter ends."""
        with self._lock:
            if not self._threads:
                return None
            self._pool = self._pool or ThreadPoolExecutor(self._threads, thread_name_prefix="pytempo-read")
            try:
                return self._pool.submit(work)
            except RuntimeError:
                return None


ALONE = Readers(0)
"""No threads: for who reads in the background."""
