"""Requests that wait at the same time, brought about on purpose: the disk is held until all of them are there."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from pytempo import PytempoError, Store
from pytempo.otlp import Exported
from tests.waiting import wait_for

FIRST = b""
"""What the request that is at work while the others come holds: nothing that is stored."""


def exported_together(store: Store, payloads: Sequence[bytes]) -> list[Exported | PytempoError]:
    """Export payloads from a thread each so that all become one group; what came of each, in their order."""
    ingest = store._ingest
    with ThreadPoolExecutor(len(payloads) + 1) as pool:
        with ingest.writing:
            pool.submit(store.export, FIRST)
            wait_for(lambda: ingest._decoding.locked() and not ingest._queue)
            waiting: list[Future[Exported]] = []
            for payload in payloads:
                waiting.append(pool.submit(store.export, payload))
                wait_for(lambda: len(ingest._queue) + len(ingest._committing) == len(waiting))
        return [_outcome(each) for each in waiting]


def _outcome(future: Future[Exported]) -> Exported | PytempoError:
    error = future.exception()
    if error is None:
        return future.result()
    assert isinstance(error, PytempoError)
    return error
