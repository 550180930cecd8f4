"""Query parameters are read by Tempo's rules and refused by name and value."""

from __future__ import annotations

from typing import Any

import pytest

from pytempo.errors import BadQuery
from pytempo.server.api import params
from pytempo.server.api.params import MAX_SEARCH_RANGE, SECOND, Window
from pytempo.server.api.questions import MetricsQuestion, SearchQuestion, TagsQuestion, tag_of_path

NOW = 1_795_000_500 * SECOND


def search(**given: str) -> SearchQuestion:
    return SearchQuestion.read(given, NOW)


def refusal(**given: str) -> str:
    with pytest.raises(BadQuery) as raised:
        search(**given)
    return str(raised.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"limit": "0"}, "limit: 0 is not a whole number from 1 to 262144"),
        ({"limit": "-1"}, "limit: -1 is not"),
        ({"limit": "abc"}, "limit: abc is not"),
        ({"limit": "99999999999"}, "limit: 99999999999 is not"),
        ({"limit": "1000000"}, "from 1 to 262144"),
        ({"spss": "-1"}, "spss: -1 is not a whole number from 0 to 100"),
        ({"spss": "101"}, "spss: 101 is not"),
        ({"spss": "x"}, "spss: x is not"),
        ({"start": "1795000000", "end": "notadate"}, "end: notadate is not a time"),
        ({"start": "1795000000", "end": "1795000000"}, "start must be before end. received start=1795000000 end=1795000000"),
        ({"start": "1795000001", "end": "1795000000"}, "start must be before end"),
        ({"start": "1795000000"}, "only one of start and end provided: start=1795000000"),
        ({"end": "100"}, "only one of start and end provided: end=100"),
        ({"start": "x"}, "start: x is not a time"),
        (
            {"start": "1795000000000", "end": "1795000001000"},
            "start: 1795000000000 looks like milliseconds; give unix seconds (1795000000)",
        ),
        ({"start": "1795000000000000", "end": "1795000001000000"}, "microseconds"),
        ({"start": "100", "end": "1795000000"}, "exceeds 168h0m0s. received start=100 end=1795000000"),
        ({"since": "169h"}, "exceeds 168h0m0s. received since=169h"),
        ({"since": "abc"}, "invalid since: 'abc' is not a duration"),
        ({"since": "-1h"}, "since: -1h must be longer than 0s"),
        ({"minDuration": "x"}, "invalid minDuration"),
        ({"minDuration": "5s", "maxDuration": "1s"}, "maxDuration: 1s must be greater than minDuration, 5s"),
        ({"q": "{}", "tags": "a=b"}, "q and tags exclude each other"),
        ({"q": "{}", "minDuration": "1s"}, "minDuration and maxDuration go with tags"),
        ({"q": "{ .a = `" + "x" * 131_072 + "` }"}, "a query may have at most 131072"),
    ],
)
def test_what_cannot_be_read_is_named(given: dict[str, str], said: str) -> None:
    assert said in refusal(**given)


def test_nothing_given_asks_for_the_newest_of_everything() -> None:
    assert search() == SearchQuestion(None, {}, 0, 0, Window(), 20, 3)


def test_spss_of_zero_is_the_default() -> None:
    assert search(spss="0").spans_per_spanset == 3


def test_an_empty_parameter_counts_as_left_out() -> None:
    assert search(q="", limit="", start="", end="") == search()


def test_a_window_in_whole_seconds_holds_its_last_second() -> None:
    window = search(start="1795000000", end="1795000010").window
    assert window == Window(1_795_000_000 * SECOND, 1_795_000_011 * SECOND - 1)


@pytest.mark.parametrize(
    "end", ["1795000010.5", "1795000010500000000", "2026-11-18T11:06:50.500Z", "2026-11-18T12:06:50.500+01:00"], ids=lambda end: end
)
def test_a_time_may_be_written_in_several_ways(end: str) -> None:
    assert search(start="1795000000", end=end).window.end == 1_795_000_010_500_000_000


@pytest.mark.parametrize("end", ["2026-11-18", "2026-11-18T11:06:50", "11:06", "1e9", "-5", "+5", "99999999999999999999"])
def test_what_only_resembles_a_time_is_refused(end: str) -> None:
    assert "end" in refusal(start="1795000000", end=end)


def test_since_wins_over_start_and_end() -> None:
    assert search(since="15m", start="1", end="2").window == Window(NOW - 900 * SECOND, NOW)


def test_a_week_is_not_too_long() -> None:
    assert search(start="1794000000", end=str(1_794_000_000 + MAX_SEARCH_RANGE // SECOND)).window.start == 1_794_000_000 * SECOND


def test_durations_of_zero_are_no_bounds() -> None:
    question = search(tags="service.name=shop name=x", minDuration="0s", maxDuration="0s")
    assert (question.min_duration, question.max_duration) == (0, 0)
    assert question.tags == {"service.name": "shop", "name": "x"}


def test_without_query_tags_and_window_other_parameters_are_tags() -> None:
    assert SearchQuestion.read({"service.name": "shop", "limit": "5"}, NOW).tags == {"service.name": "shop"}
    assert SearchQuestion.read({"service.name": "shop", "q": "{}"}, NOW).tags == {}
    assert SearchQuestion.read({"service.name": "shop", "since": "1h"}, NOW).tags == {}


@pytest.mark.parametrize(
    ("given", "window"),
    [
        ({}, Window()),
        ({"start": "10"}, Window(start=10 * SECOND)),
        ({"end": "10"}, Window(end=11 * SECOND - 1)),
        ({"start": "10", "end": "20"}, Window(10 * SECOND, 21 * SECOND - 1)),
    ],
)
def test_a_trace_may_be_bounded_on_either_side(given: dict[str, str], window: Window) -> None:
    assert params.bounds(given) == window


@pytest.mark.parametrize("given", [{"start": "20", "end": "10"}, {"start": "10", "end": "10"}, {"start": "x"}])
def test_bounds_of_a_trace_that_make_no_sense_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(BadQuery):
        params.bounds(given)


@pytest.mark.parametrize("given", [{"limit": "x"}, {"maxStaleValues": "x"}, {"start": "20", "end": "10"}])
def test_tag_questions_are_checked_alike(given: dict[str, Any]) -> None:
    with pytest.raises(BadQuery):
        TagsQuestion.read(given, NOW)


def test_a_tag_question_has_no_limit_by_itself() -> None:
    assert TagsQuestion.read({"scope": "span", "maxStaleValues": "1"}, NOW) == TagsQuestion("span", None, Window(), 0)


@pytest.mark.parametrize(
    ("segment", "tag"),
    [
        ("http/url", "http/url"),
        ('span."my key"', 'span."my key"'),
        ("resource.service.name", "resource.service.name"),
        ("span.http%2Furl", "span.http/url"),
        ("span.%22my%20key%22", 'span."my key"'),
        ('span."a%20b"', 'span."a%20b"'),
        ("100% sure", "100% sure"),
    ],
)
def test_a_tag_that_was_encoded_twice_is_decoded_twice(segment: str, tag: str) -> None:
    assert tag_of_path(segment) == tag


def metrics(**given: str) -> MetricsQuestion:
    return MetricsQuestion.read({"q": "{} | rate()"} | given, NOW)


@pytest.mark.parametrize(
    ("given", "start", "end"),
    [
        ({}, NOW - 3600 * SECOND, NOW),
        ({"since": "10m"}, NOW - 600 * SECOND, NOW),
        ({"start": "1795000000"}, 1_795_000_000 * SECOND, NOW),
        ({"start": "1795000000", "since": "10m"}, 1_795_000_000 * SECOND, NOW),
        ({"end": "1795000400"}, 1_795_000_400 * SECOND - 3600 * SECOND, 1_795_000_400 * SECOND),
        ({"end": "1795000400", "since": "1m"}, 1_795_000_340 * SECOND, 1_795_000_400 * SECOND),
        ({"start": "1795000000.5", "end": "1795000001000000007"}, 1_795_000_000 * SECOND + SECOND // 2, 1_795_000_001 * SECOND + 7),
        ({"end": "10"}, 0, 10 * SECOND),
    ],
)
def test_a_metrics_question_is_about_the_last_hour_unless_it_says_otherwise(given: dict[str, str], start: int, end: int) -> None:
    assert (metrics(**given).start, metrics(**given).end) == (start, end)


@pytest.mark.parametrize(
    ("given", "step"),
    [("", None), ("60", 60 * SECOND), ("0.5", SECOND // 2), (".25", SECOND // 4), ("1m30s", 90 * SECOND), ("1e3", None), ("-60", None)],
)
def test_a_step_is_seconds_or_a_duration(given: str, step: int | None) -> None:
    if given and step is None:
        with pytest.raises(BadQuery, match="invalid step"):
            metrics(step=given)
    else:
        assert metrics(step=given).step == step


def test_exemplars_and_series_of_zero_mean_no_wish() -> None:
    assert (metrics().exemplars, metrics(exemplars="0").exemplars, metrics(exemplars="5").exemplars) == (None, None, 5)
    assert (metrics().max_series, metrics(maxSeries="7").max_series) == (0, 7)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"since": "0"}, "since: 0 must be longer than 0s"),
        ({"start": "20", "end": "10"}, "start must be before end. received start=20 end=10"),
        ({"start": "1796000000"}, "start must be before end"),
        ({"end": "soon"}, "end: soon is not a time"),
        ({"maxSeries": "-1"}, "invalid maxSeries"),
        ({"step": "99999999999999999999"}, "shorter than 292 years"),
        ({"q": ""}, "q is missing"),
    ],
)
def test_what_a_metrics_question_cannot_say_is_named(given: dict[str, str], said: str) -> None:
    with pytest.raises(BadQuery) as raised:
        metrics(**given)
    assert said in str(raised.value)
