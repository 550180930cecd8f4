"""Numbers, durations, text and names read back as what was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytempo.traceql.lexemes import (
    MAX_INT,
    MIN_INT,
    LexemeError,
    read_attribute,
    read_duration,
    read_float,
    read_integer,
    read_raw_text,
    read_text,
    write_attribute,
    write_duration,
    write_float,
    write_integer,
    write_text,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCOPES = ["span.", "resource.", "event.", "link.", "instrumentation.", "parent.", "parent.span.", "parent.resource.", "."]


@given(st.integers(0, MAX_INT))
def test_integers_read_back(value: int) -> None:
    assert read_integer(write_integer(value)) == value


def test_the_least_integer_has_a_name() -> None:
    assert write_integer(MIN_INT) == "minInt"


@given(st.floats(min_value=0, allow_nan=False, allow_infinity=False))
def test_floats_read_back(value: float) -> None:
    assert read_float(write_float(value)) == value


@given(st.integers(0, MAX_INT))
def test_durations_read_back(nanoseconds: int) -> None:
    assert read_duration(write_duration(nanoseconds)) == nanoseconds


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0s", 0),
        ("1ns", 1),
        ("1us", 1_000),
        ("1µs", 1_000),
        ("1μs", 1_000),
        ("1ms", 1_000_000),
        ("1s", 1_000_000_000),
        ("1m", 60_000_000_000),
        ("1h", 3_600_000_000_000),
        ("1d", 86_400_000_000_000),
        ("1w", 604_800_000_000_000),
        ("1y", 31_536_000_000_000_000),
        ("1h30m", 5_400_000_000_000),
        (".5s", 500_000_000),
        ("1.5s", 1_500_000_000),
        ("2.s", 2_000_000_000),
        ("0.3s", 300_000_000),
        ("1.9ns", 1),
    ],
)
def test_durations_are_exact_nanoseconds(text: str, nanoseconds: int) -> None:
    assert read_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("nanoseconds", "text"), [(0, "0s"), (1_500_000_000, "1s500ms"), (-90_000_000_000, "-1m30s"), (90_061_000_001_001, "25h1m1s1us1ns")]
)
def test_durations_are_written_by_units(nanoseconds: int, text: str) -> None:
    assert write_duration(nanoseconds) == text


@given(TEXT)
def test_text_reads_back(text: str) -> None:
    assert read_text(write_text(text)) == text


@pytest.mark.parametrize(
    ("quoted", "text"),
    [
        (r'"\a\b\f\n\r\t\v\\\"\'\?"', "\a\b\f\n\r\t\v\\\"'?"),
        (r'"\x41\101é\U0001F600"', "AAé😀"),
        (r'"\xc3\xa9"', "é"),
        (r'"a\xffb"', "a\ufffdb"),
    ],
)
def test_escapes_are_those_of_go(quoted: str, text: str) -> None:
    assert read_text(quoted) == text


@pytest.mark.parametrize("quoted", [r'"\d"', r'"\400"', r'"\x4"', r'"\ud800"', r'"\U00110000"', r'"\u12"', '"open', '"open\\"', '"'])
def test_other_escapes_and_open_quotes_are_refused(quoted: str) -> None:
    with pytest.raises(LexemeError):
        read_text(quoted)


def test_backquotes_keep_everything_but_carriage_returns() -> None:
    assert read_raw_text('`a\\n"\r\n`') == 'a\\n"\n'


@given(st.sampled_from(SCOPES), TEXT.filter(bool))
def test_names_read_back(scope: str, name: str) -> None:
    assert read_attribute(write_attribute(scope, name)) == (scope, name)


@given(st.sampled_from(SCOPES), st.text(st.sampled_from('.span"\\ {=5x'), min_size=1))
def test_names_of_odd_characters_read_back(scope: str, name: str) -> None:
    assert read_attribute(write_attribute(scope, name)) == (scope, name)


@pytest.mark.parametrize(
    ("scope", "name", "text"),
    [
        ("span.", "http.method", "span.http.method"),
        (".", "名前", ".名前"),
        (".", "http/url", ".http/url"),
        (".", "a b", '."a b"'),
        (".", "5xx", '."5xx"'),
        ("span.", "5xx", "span.5xx"),
        ("parent.", "resource.x", 'parent."resource.x"'),
        ("span.", "resource.x", "span.resource.x"),
        (".", 'q"x', '."q\\"x"'),
        (".", "a\\b", ".a\\b"),
        (".", "a\\b c", '."a\\\\b c"'),
        (".", "a,b", '."a,b"'),
    ],
)
def test_names_are_quoted_only_where_they_must(scope: str, name: str, text: str) -> None:
    assert write_attribute(scope, name) == text
