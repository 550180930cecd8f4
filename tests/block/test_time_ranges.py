"""A few intervals instead of one keep a stray clock from stretching a block over all of time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytempo.block.time_ranges import MOST_RANGES, Range, are_disjoint, cover, overlaps

LAST = (1 << 64) - 1
DAY = 1_795_593_600_000_000_000
TRACES = st.lists(st.tuples(st.integers(0, LAST), st.integers(0, LAST)), max_size=40)


def cover_of(traces: list[Range], most: int = MOST_RANGES) -> list[Range]:
    times = np.array(traces, np.uint64).reshape(-1, 2)
    return cover(times[:, 0], times[:, 1], most)


def test_no_traces_give_no_intervals() -> None:
    assert cover_of([]) == []


def test_traces_that_overlap_or_touch_are_one_interval() -> None:
    assert cover_of([(20, 30), (0, 10), (10, 20), (5, 7)]) == [(0, 30)]


def test_a_long_trace_bridges_the_gap_between_short_ones() -> None:
    assert cover_of([(0, 100), (1, 2), (50, 51)]) == [(0, 100)]


def test_a_span_of_1970_and_one_of_the_far_future_stand_alone() -> None:
    today = [(DAY + number * 60_000_000_000, DAY + number * 60_000_000_000 + 5) for number in range(30)]

    ranges = cover_of([(0, 0), *today, (LAST - 1, LAST)], most=3)

    assert ranges == [(0, 0), (today[0][0], today[-1][1]), (LAST - 1, LAST)]


def test_the_widest_gaps_are_the_ones_that_split() -> None:
    assert cover_of([(0, 1), (3, 4), (14, 15), (18, 19), (118, 119)], most=3) == [(0, 4), (14, 19), (118, 119)]


def test_of_equal_gaps_the_earlier_splits() -> None:
    assert cover_of([(0, 0), (10, 10), (20, 20)], most=2) == [(0, 0), (10, 20)]


def test_an_end_before_its_start_counts_as_the_start() -> None:
    assert cover_of([(10, 3)]) == [(10, 10)]


def test_one_interval_is_the_whole_range() -> None:
    assert cover_of([(0, 0), (DAY, DAY + 1), (LAST, LAST)], most=1) == [(0, LAST)]


@given(TRACES, st.integers(1, 5))
def test_every_trace_lies_in_one_of_few_disjoint_intervals(traces: list[Range], most: int) -> None:
    ranges = cover_of(traces, most)

    assert len(ranges) <= most
    assert are_disjoint(ranges)
    for start, end in traces:
        assert any(first <= start and max(start, end) <= last for first, last in ranges)


@given(TRACES)
def test_intervals_begin_and_end_at_a_trace(traces: list[Range]) -> None:
    for first, last in cover_of(traces):
        assert first in {start for start, _ in traces}
        assert last in {max(trace) for trace in traces}


@pytest.mark.parametrize(
    ("start", "end", "meets"), [(0, 9, False), (0, 10, True), (15, 16, True), (21, 29, False), (30, 30, True), (0, LAST, True)]
)
def test_a_search_meets_an_interval_that_shares_a_nanosecond(start: int, end: int, meets: bool) -> None:
    assert overlaps([(10, 20), (30, 30)], start, end) is meets


@pytest.mark.parametrize("ranges", [[(2, 1)], [(0, 5), (5, 6)], [(10, 20), (0, 5)]])
def test_intervals_that_turn_back_are_not_disjoint(ranges: list[Range]) -> None:
    assert not are_disjoint(ranges)
