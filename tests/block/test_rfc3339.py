"""Times in meta.json: whole seconds in UTC, starts down and ends up, nothing out of range."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytempo.block.rfc3339 import LAST_NANOSECOND, SECOND, format_ceil, format_floor, parse

TIMES = st.integers(0, LAST_NANOSECOND)


def test_a_start_goes_down_and_an_end_goes_up_to_a_second() -> None:
    time = 1_795_593_600 * SECOND

    assert format_floor(time + 1) == "2026-11-25T08:00:00Z"
    assert format_ceil(time + 1) == "2026-11-25T08:00:01Z"
    assert format_floor(time) == format_ceil(time) == "2026-11-25T08:00:00Z"


@given(TIMES)
def test_the_written_seconds_enclose_the_time(time: int) -> None:
    floor, ceil = parse(format_floor(time)), parse(format_ceil(time))

    assert floor <= time
    assert ceil >= time or ceil == LAST_NANOSECOND
    assert time - floor < SECOND
    assert ceil - time < SECOND


@pytest.mark.parametrize(
    ("time", "written"),
    [
        (-1, "1970-01-01T00:00:00Z"),
        (0, "1970-01-01T00:00:00Z"),
        (LAST_NANOSECOND, "2554-07-21T23:34:33Z"),
        (1 << 90, "2554-07-21T23:34:33Z"),
    ],
)
def test_times_out_of_range_are_written_as_the_nearest_in_range(time: int, written: str) -> None:
    assert format_floor(time) == written


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("1970-01-01T00:00:01Z", SECOND),
        ("2026-11-25T08:00:00.25Z", 1_795_593_600 * SECOND + 250_000_000),
        ("2026-11-25T08:00:00.1234567899Z", 1_795_593_600 * SECOND + 123_456_789),
        ("2026-11-25t09:00:00+01:00", 1_795_593_600 * SECOND),
        ("0001-01-01T00:00:00Z", 0),
        ("-0044-03-15T00:00:00Z", 0),
        ("1970-01-01T00:00:00+05:00", 0),
        ("2554-12-31T00:00:00Z", LAST_NANOSECOND),
        ("9999-12-31T23:59:59Z", LAST_NANOSECOND),
        ("12026-01-01T00:00:00Z", LAST_NANOSECOND),
    ],
)
def test_any_year_is_read(text: str, time: int) -> None:
    assert parse(text) == time


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-11-25", "2026-11-25T08:00:00", "2026-13-45T08:00:00Z", "2026-11-25T08:00:00+99:00", "٢٠٢٦-11-25T08:00:00Z"],
)
def test_what_is_no_time_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="no") as caught:
        parse(text)
    assert repr(text) in str(caught.value)
