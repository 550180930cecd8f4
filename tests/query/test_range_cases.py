"""Metrics queries have the answers of cases/series.txt, in whatever state the spans are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytempo import Store
from pytempo.errors import BadQuery
from pytempo.query.series_results import SeriesResult
from tests.query.series_cases import Case, Question, Series, read
from tests.states import MOST, State, Stores


@pytest.mark.parametrize("state", MOST, ids=lambda state: state.word)
@pytest.mark.parametrize("case", read("series.txt"), ids=lambda case: case.title)
def test_metrics_queries_have_the_answers_of_the_cases(case: Case, state: State, stores: Stores) -> None:
    store = stores.hold(state, case.request())
    for question in case.questions:
        if question.refusal is None:
            assert answer(store, question) == approximately(question.series), question.query
        else:
            with pytest.raises(BadQuery) as raised:
                answer(store, question)
            assert question.refusal in str(raised.value), question.query


def answer(store: Store, question: Question) -> Series:
    """Every series with a value, or None, for each interval; in the order in which it came."""
    if question.step is None:
        instant = store.query_instant(question.query, start=question.start, end=question.end)
        return {words(each.labels): [each.value] for each in instant}
    result = store.query_range(question.query, start=question.start, end=question.end, step=question.step)
    first, last = question.start // question.step, -(-question.end // question.step)
    times = [number * question.step // 10**6 for number in range(first, last + 1)]
    return points_at(result, times)


def points_at(result: SeriesResult, times: list[int]) -> Series:
    found: Series = {}
    for series in result:
        points = dict(series.samples)
        assert points.keys() <= set(times)
        found[words(series.labels)] = [points.get(time) for time in times]
    return found


def words(labels: tuple[tuple[str, Any], ...]) -> str:
    return " ".join(f"{name}={word(value)}" for name, value in labels)


def word(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else repr(value)
    return value if isinstance(value, str) else json.dumps(value)


def approximately(series: Series) -> dict[str, Any]:
    return {labels: [None if point is None else pytest.approx(point, rel=1e-12) for point in points] for labels, points in series.items()}
