"""The token bucket: never more than a burst and a rate allow, and never less."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytempo.limits.bucket import NEVER, SECOND, TokenBucket

RATES, BURSTS, SIZES = st.integers(0, 10**9), st.integers(0, 10**8), st.integers(0, 2 * 10**8)
PAUSES = st.integers(0, 10 * SECOND)


@given(RATES, BURSTS, st.lists(st.tuples(PAUSES, SIZES), max_size=50))
def test_what_is_taken_never_passes_the_burst_and_the_rate(rate: int, burst: int, asked: list[tuple[int, int]]) -> None:
    bucket, now, taken = TokenBucket(rate, burst, 0), 0, 0
    for pause, size in asked:
        now += pause
        if bucket.take(size, now) is None:
            taken += size
        assert taken * SECOND <= burst * SECOND + rate * now


@given(RATES, BURSTS, st.lists(st.tuples(PAUSES, SIZES), max_size=20))
def test_who_waits_as_long_as_told_may_send(rate: int, burst: int, asked: list[tuple[int, int]]) -> None:
    bucket, now = TokenBucket(rate, burst, 0), 0
    for pause, size in asked:
        now += pause
        wait = bucket.take(size, now)
        if wait is None:
            continue
        assert wait > 0
        assert (wait == NEVER) == (size > burst or rate == 0)
        if wait < NEVER:
            now += wait
            assert bucket.take(size, now) is None


def test_a_refusal_takes_nothing() -> None:
    bucket = TokenBucket(10, 100, 0)
    assert bucket.take(60, 0) is None
    assert bucket.take(60, 0) == 2 * SECOND
    assert bucket.take(40, 0) is None


def test_a_bucket_is_never_fuller_than_its_burst() -> None:
    bucket = TokenBucket(10, 100, 0)
    assert bucket.take(101, 10**6 * SECOND) == NEVER
    assert bucket.take(100, 10**6 * SECOND) is None
    assert bucket.take(1, 10**6 * SECOND) == SECOND // 10


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = TokenBucket(10, 100, 50 * SECOND)
    assert bucket.take(100, 50 * SECOND) is None
    assert bucket.take(10, 0) == SECOND
    assert bucket.take(10, 51 * SECOND) is None


@pytest.mark.parametrize(("rate", "burst", "left"), [(10, 50, 50), (10, 1000, 80)])
def test_other_limits_keep_what_was_taken(rate: int, burst: int, left: int) -> None:
    bucket = TokenBucket(10, 100, 0)
    assert bucket.take(20, 0) is None
    bucket.set(rate, burst, 0)
    assert bucket.take(left + 1, 0) is not None
    assert bucket.take(left, 0) is None
