"""Requests on their way to a store: by so many clients, each of which waits for its answers, or at a rate, whether or not answers come.

Closed, the loop finds how much a store takes. Open, it finds how long an answer takes at a load that is given: times count from the moment
at which a request was due, so that a store which stalls is not asked less, and does not look better, for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import grpc
import numpy as np

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
PATIENCE = 60.0

MOST_WAITING = 500
"""Requests of an open loop that have no answer yet; a further one waits, which counts in its time."""


class Future(Protocol):
    """The answer of one request that has been sent: what futures of gRPC and of threads have in common."""

    def add_done_callback(self, fn: Callable[[Any], Any], /) -> object:
        """Call it when the answer is there."""

    def exception(self) -> BaseException | None:
        """What went wrong, if something did."""

    def result(self) -> object:
        """The answer, once it is there; raises what went wrong."""


Submit = Callable[[bytes], Future]
"""Sends a request and does not wait for its answer."""


Wait = Callable[[float], bool]
"""Waits for so many seconds; whether it is over, such as the `wait` of an event."""


@dataclass
class Sent:
    """What came of it: all times are seconds."""

    seconds: float = 0
    times: list[float] = field(default_factory=list)
    """Of each request that was acknowledged."""
    failures: list[BaseException] = field(default_factory=list)
    """Of those that were not."""

    def percentile(self, share: float) -> float:
        """The time, in milliseconds, within which so many percent were acknowledged; infinite if none was."""
        return float(np.percentile(self.times, share)) * 1e3 if self.times else float("inf")


@contextmanager
def by_grpc(address: str) -> Iterator[Submit]:
    """Over one connection to an OTLP receiver."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(address, options=options) as channel:
        grpc.channel_ready_future(channel).result(timeout=PATIENCE)
        export = channel.unary_unary(EXPORT)
        yield lambda request: export.future(request, timeout=PATIENCE)


def closed(submit: Submit, requests: Iterable[bytes], clients: int) -> Sent:
    """Send everything from so many clients; raises if a request is not acknowledged."""
    sent, left, lock = Sent(), iter(requests), threading.Lock()

    def client(_: int) -> None:
        while True:
            with lock:
                request = next(left, None)
            if request is None:
                return
            begin = time.perf_counter()
            submit(request).result()
            sent.times.append(time.perf_counter() - begin)

    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))
    sent.seconds = time.perf_counter() - started
    return sent


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def at_rate(submit: Submit, requests: Iterable[bytes], per_second: float, wait: Wait = _sleep) -> Sent:
    """Send so many requests a second until there are none, or until a wait says that it is over; returns when all have their answers."""
    sent, waiting = Sent(), threading.Semaphore(MOST_WAITING)

    def answered(due: float, future: Future) -> None:
        seconds = time.perf_counter() - due
        failure = future.exception()
        if failure is None:
            sent.times.append(seconds)
        else:
            sent.failures.append(failure)
        waiting.release()

    started = time.perf_counter()
    for number, request in enumerate(requests):
        due = started + number / per_second
        if wait(max(due - time.perf_counter(), 0)):
            break
        waiting.acquire()
        submit(request).add_done_callback(partial(answered, due))
    for _ in range(MOST_WAITING):
        waiting.acquire()
    sent.seconds = time.perf_counter() - started
    return sent


def seconds_until(found: Callable[[], bool], patience: float = 120.0) -> float:
    """From now to the beginning of the first question that finds it: 0 if the first does."""
    started = time.perf_counter()
    while True:
        asked = time.perf_counter()
        if found():
            return asked - started
        if asked - started > patience:
            raise RuntimeError(f"what was acknowledged is not found within {patience} seconds")
        time.sleep(0.01)
