"""Intervals: where they lie, which span is in which, and which step a range has when none is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from pytempo.traceql.steps import MINUTE, SECOND, Steps, default_step

HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE


@pytest.mark.parametrize(
    ("length", "step"),
    [
        (10 * SECOND, SECOND // 20),
        (30 * SECOND, SECOND // 10),
        (59 * SECOND, SECOND // 5),
        (MINUTE, SECOND),
        (5 * MINUTE, SECOND),
        (15 * MINUTE, 3 * SECOND),
        (30 * MINUTE, 5 * SECOND),
        (HOUR, 15 * SECOND),
        (3 * HOUR, 45 * SECOND),
        (6 * HOUR, MINUTE),
        (DAY, 5 * MINUTE),
        (7 * DAY, 40 * MINUTE),
        (30 * DAY, 3 * HOUR),
        (1, SECOND // 20),
    ],
)
def test_a_range_has_about_240_points_at_round_times(length: int, step: int) -> None:
    assert default_step(1_700_000_000 * SECOND, 1_700_000_000 * SECOND + length) == step


@pytest.mark.parametrize(
    ("start", "end", "points"),
    [(60, 120, [60, 80, 100, 120]), (61, 119, [60, 80, 100, 120]), (79, 81, [60, 80, 100]), (80, 80, [80]), (0, 20, [0, 20])],
)
def test_points_lie_at_whole_steps_and_cover_the_range(start: int, end: int, points: list[int]) -> None:
    assert Steps.aligned(start * SECOND, end * SECOND, 20 * SECOND).times.tolist() == [point * 1000 for point in points]


@pytest.mark.parametrize("first", [-20, 0, 1_700_000_000_000_000_000])
def test_an_interval_leaves_out_its_begin_and_includes_its_end(first: int) -> None:
    steps = Steps(first, 10, 2)
    starts = np.array([max(first + since, 0) for since in range(-1, 23)], np.uint64)
    inside = steps.inside(starts)
    assert inside.tolist() == [first < int(start) <= first + 20 for start in starts]
    assert steps.places(starts[inside]).tolist() == [(int(start) - first - 1) // 10 for start in starts[inside]]


def test_intervals_before_all_times_hold_no_span() -> None:
    assert not Steps(-30, 10, 2).inside(np.array([0, 2**64 - 1], np.uint64)).any()
