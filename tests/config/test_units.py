"""Durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytempo.config import format_duration, parse_duration

SECOND = 1_000_000_000
HOUR = 3600 * SECOND


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("30d", 720 * HOUR),
        ("2w", 336 * HOUR),
        ("1y", 365 * 24 * HOUR),
        ("1h30m", HOUR + HOUR // 2),
        ("72h0m0s", 72 * HOUR),
        ("90m", HOUR + HOUR // 2),
        ("1.5s", 1_500_000_000),
        (".5ms", 500_000),
        ("10µs", 10_000),
        ("10us", 10_000),
        ("0", 0),
        ("0s", 0),
        ("-1s", -SECOND),
    ],
)
def test_a_duration_means_the_obvious(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "5", "5 parsecs", "x", "s", "1h 30m", "1h-30m", "1.2.3s", "--1s", "1" * 40 + "s"])
def test_what_is_no_duration_is_refused_with_the_units(text: str) -> None:
    with pytest.raises(ValueError, match="units: ns, us, ms, s, m, h, d, w and y"):
        parse_duration(text)


def test_a_duration_beyond_64_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        parse_duration("300y")


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5µs"),
        (282_410_987, "282.410987ms"),
        (1_340_440_445, "1.340440445s"),
        (60 * SECOND, "1m0s"),
        (168 * HOUR, "168h0m0s"),
        (-1_500_000_000, "-1.5s"),
    ],
)
def test_a_duration_is_written_as_go_writes_it(nanoseconds: int, text: str) -> None:
    assert format_duration(nanoseconds) == text


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_a_written_duration_reads_back(nanoseconds: int) -> None:
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds
