"""The loops that send: what they count, and that the open one does not wait for answers."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from benchmarks.sending import Submit, at_rate, closed, seconds_until


@pytest.fixture
def refusing() -> Submit:
    """Takes requests, but not those that are empty."""

    def submit(request: bytes) -> Future[bytes]:
        future = Future[bytes]()
        if request:
            future.set_result(request)
        else:
            future.set_exception(OSError("empty"))
        return future

    return submit


def test_a_closed_loop_sends_each_request_once_and_raises_what_is_refused(refusing: Submit) -> None:
    seen: list[bytes] = []
    with ThreadPoolExecutor() as pool:
        sent = closed(lambda request: pool.submit(seen.append, request), [b"%d" % number for number in range(100)], clients=4)
    assert len(sent.times) == 100 == len(set(seen)) == len(seen)
    with pytest.raises(OSError, match="empty"):
        closed(refusing, [b"full", b""], clients=2)


def test_an_open_loop_sends_what_is_due_while_nothing_is_answered() -> None:
    waiting: list[Future[bytes]] = []

    def submit(request: bytes) -> Future[bytes]:
        waiting.append(Future())
        if len(waiting) == 3:
            for future in waiting:
                future.set_result(b"")
        return waiting[-1]

    sent = at_rate(submit, [b"request"] * 3, per_second=1000)
    assert len(sent.times) == 3


def test_an_open_loop_keeps_what_is_refused_apart_and_ends_when_it_is_told(refusing: Submit) -> None:
    over, requests = threading.Event(), [b"1", b"", b"2"]
    sent = at_rate(refusing, requests, per_second=1000)
    assert (len(sent.times), [str(failure) for failure in sent.failures]) == (2, ["empty"])
    over.set()
    assert at_rate(refusing, requests, 1000, over.wait).times == []


def test_the_time_until_something_is_found_is_that_of_the_first_question_that_finds_it() -> None:
    answers = iter((False, False, True))
    assert seconds_until(lambda: next(answers)) > 0
    with pytest.raises(RuntimeError, match="not found"):
        seconds_until(lambda: False, patience=0)
