"""Threads that read meanwhile: the same comes of it whoever does the work, and nobody waits for a thread that has something else to do."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from pytempo.block.meanwhile import Readers
from tests.waiting import wait_for


@pytest.fixture(params=[0, 1, 3])
def readers(request: pytest.FixtureRequest) -> Readers:
    return Readers(request.param)


def square(number: int) -> int:
    return number * number


def test_what_comes_of_the_work_is_in_its_order(readers: Readers) -> None:
    assert readers.together([partial(square, number) for number in range(50)]) == [number * number for number in range(50)]
    assert [each() for each in [readers.meanwhile(partial(square, number)) for number in range(50)]] == [square(each) for each in range(50)]


def test_work_that_hands_out_work_itself_does_not_wait_for_ever(readers: Readers) -> None:
    def sum_of_squares(count: int) -> int:
        return sum(readers.together([partial(square, number) for number in range(count)]))

    assert readers.together([partial(sum_of_squares, count) for count in range(20)]) == [sum(map(square, range(n))) for n in range(20)]


def test_what_fails_is_told_to_who_asked(readers: Readers) -> None:
    with pytest.raises(ZeroDivisionError):
        readers.together([partial(divmod, 1, number) for number in (2, 1, 0, 3)])
    later = readers.meanwhile(partial(divmod, 1, 0))
    with pytest.raises(ZeroDivisionError):
        later()


def test_two_threads_work_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=10)
    assert sorted(Readers(1).together([meeting.wait, meeting.wait])) == [0, 1]


def test_threads_end_when_they_are_closed() -> None:
    readers, before = Readers(2), set(threading.enumerate())
    done = threading.Event()
    later = readers.meanwhile(done.set)
    assert done.wait(10)
    later()
    begun = set(threading.enumerate()) - before
    assert begun
    readers.close()
    wait_for(lambda: not any(thread.is_alive() for thread in begun))
    assert readers.together([partial(square, 2), partial(square, 3)]) == [4, 9]
