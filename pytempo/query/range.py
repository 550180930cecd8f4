"""Metrics queries: the time series of a range, and the one number a series of an instant query, over all sources together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytempo.errors import BadQuery
from pytempo.model import Source
from pytempo.model.ids import short_hex
from pytempo.query.budget import Budget
from pytempo.query.joining import Piece, read
from pytempo.query.options import MetricsOptions
from pytempo.query.results import AttributeValue
from pytempo.query.series_results import Exemplar, InstantResult, InstantSeries, Labels, SeriesResult, TimeSeries
from pytempo.traceql import ast, plan
from pytempo.traceql import exemplars as found
from pytempo.traceql.aggregate import Aggregation
from pytempo.traceql.comparison import Comparison
from pytempo.traceql.durations import duration_text
from pytempo.traceql.evaluate import Evaluation
from pytempo.traceql.grouping import WORDS, Label
from pytempo.traceql.series import SeriesSet
from pytempo.traceql.series_operations import Leaf, evaluate_series, leaves_of
from pytempo.traceql.steps import MILLISECOND, Steps, default_step
from pytempo.traceql.types import Type

__all__ = ["RangeEvaluation", "default_step", "query_instant", "query_range", "steps_of"]

DEFAULT = MetricsOptions()

LATEST = 2**63
"""Times of points are signed 64-bit numbers."""

Growing: TypeAlias = Aggregation | Comparison


def query_range(
    query: ast.Query,
    sources: Sequence[Source],
    *,
    start: int,
    end: int,
    step: int,
    exemplars: int = DEFAULT.max_exemplars,
    max_series: int = 0,
    options: MetricsOptions = DEFAULT,
    budget: Budget | None = None,
) -> SeriesResult:
    """The time series of a checked query over [start, end] (unix nanoseconds) in intervals of `step` nanoseconds.

    Intervals are left-open and right-closed, at whole multiples of the step: the first point stands at or before `start`, the last at or
    after `end`. At most `exemplars` spans come along, unless the query's hint says otherwise; beyond `max_series` (0 = the options') the
    answer is cut and says so. Raises BadQuery for a range or step outside the limits, and for what is no metrics query.
    """
    series = _metrics_of(query)
    steps = steps_of(start, end, step, options)
    evaluation = RangeEvaluation(series, steps, _exemplars_of(query, exemplars, options))
    budget = budget or Budget()
    evaluation.read_all(query, sources, budget)
    answer = evaluation.result()
    labels, message = _cut(answer, max_series, options)
    times = steps.times
    shown = (_time_series(answer, row, labels[row], steps, times) for row in range(len(labels)))
    return SeriesResult(tuple(shown), message, budget.inspected)


def query_instant(
    query: ast.Query,
    sources: Sequence[Source],
    *,
    start: int,
    end: int,
    max_series: int = 0,
    options: MetricsOptions = DEFAULT,
    budget: Budget | None = None,
) -> InstantResult:
    """One number a series for the spans that start in (start, end], unix nanoseconds. Raises BadQuery as `query_range`."""
    series = _metrics_of(query)
    _check_range(start, end, options)
    evaluation = RangeEvaluation(series, Steps.whole(start, end), exemplars=0)
    budget = budget or Budget()
    evaluation.read_all(query, sources, budget)
    answer = evaluation.result()
    labels, message = _cut(answer, max_series, options)
    values = answer.points[: len(labels), 0].tolist()
    return InstantResult(tuple(InstantSeries(*pair) for pair in zip(labels, values, strict=True)), message, budget.inspected)


class RangeEvaluation:
    """The series of a metrics query, grown piece by piece; `result` may be asked for at any time."""

    def __init__(self, series: ast.Series, steps: Steps, exemplars: int) -> None:
        self._series, self._steps = series, steps
        self._leaves: dict[Leaf, Growing] = {
            leaf: Comparison(leaf, steps) if isinstance(leaf, ast.Compare) else Aggregation(leaf, steps, exemplars)
            for leaf in leaves_of(series)
        }

    def read_all(self, query: ast.Query, sources: Sequence[Source], budget: Budget) -> None:
        """Add all that the sources hold."""
        for piece in read(sources, plan.scan(query, max(self._steps.first + 1, 0), max(self._steps.last, 0)), budget):
            self.add(piece, budget)

    def add(self, piece: Piece, budget: Budget) -> None:
        """The spans of a piece that lie in its whole traces."""
        evaluation = Evaluation(piece.batch, piece.traces, budget.check)
        for leaf in self._leaves.values():
            leaf.add(evaluation)

    def result(self) -> SeriesSet:
        """The series of all pieces that were added so far."""
        return evaluate_series(self._series, {leaf: growing.result() for leaf, growing in self._leaves.items()})


def steps_of(start: int, end: int, step: int, options: MetricsOptions = DEFAULT) -> Steps:
    """The intervals of a range query (all in nanoseconds). Raises BadQuery where they are none, too many, or too long together."""
    if start >= end:
        raise _not_before(start, end)
    if step < MILLISECOND:
        raise BadQuery(f"step of {duration_text(step)} is too small, a step is at least 1ms")
    if options.max_intervals and (end - start) // step > options.max_intervals:
        least = max(-(-(end - start) // options.max_intervals), MILLISECOND)
        raise BadQuery(f"step of {duration_text(step)} is too small, minimum step for given range is {duration_text(least)}")
    _check_range(start, end, options)
    return Steps.aligned(start, end, step)


def _check_range(start: int, end: int, options: MetricsOptions) -> None:
    if start >= end:
        raise _not_before(start, end)
    if end >= LATEST:
        raise BadQuery(f"end={end} is after the year 2262")
    if options.max_duration and end - start > options.max_duration:
        raise BadQuery(f"a metrics query covers at most {duration_text(options.max_duration)}; this range has {duration_text(end - start)}")


def _not_before(start: int, end: int) -> BadQuery:
    return BadQuery(f"start must be before end. received start={start} end={end}")


def _metrics_of(query: ast.Query) -> ast.Series:
    if isinstance(query.expression, ast.Pipeline):
        raise BadQuery("this query finds traces: ask it of /api/search, or let it end in a function such as | rate()", *query.position)
    return query.expression


def _exemplars_of(query: ast.Query, asked: int, options: MetricsOptions) -> int:
    """How many exemplars to bring: the query's hint decides before the parameter, the limit over both."""
    for hint in query.hints:
        if hint.name == "exemplars":
            asked = _number_of(hint, options.max_exemplars)
    return max(0, min(asked, options.max_exemplars))


def _number_of(hint: ast.Hint, most: int) -> int:
    """The hint is a number, or true for as many as there may be."""
    value = hint.value.value
    if isinstance(value, bool):
        return most if value else 0
    return value if isinstance(value, int) else most


def _cut(answer: SeriesSet, asked: int, options: MetricsOptions) -> tuple[list[Labels], str | None]:
    """The labels of the series that are shown, and what to say of those that are not."""
    limit = min((number for number in (asked, options.max_series) if number), default=len(answer.labels))
    message = None
    if len(answer.labels) > limit:
        message = f"the answer has {len(answer.labels)} series, beyond the limit of {limit}; the first {limit} by their labels are shown"
    return [tuple((name, _said(label)) for name, label in labels) for labels in answer.labels[:limit]], message


def _said(label: Label) -> AttributeValue:
    """What an answer calls the value of a label."""
    if label.type is Type.NIL:
        return "nil"
    if label.type in WORDS:
        return WORDS[label.type][label.value]
    value: AttributeValue = duration_text(label.value) if label.type is Type.DURATION else label.value
    return value


def _time_series(answer: SeriesSet, row: int, labels: Labels, steps: Steps, times: NDArray[np.int64]) -> TimeSeries:
    points = answer.points[row]
    there = np.flatnonzero(~np.isnan(points))
    shown = (_exemplar(each, points, steps) for each in answer.exemplars[row])
    return TimeSeries(labels, times[there], points[there], tuple(each for each in shown if not math.isnan(each.value)))


def _exemplar(exemplar: found.Exemplar, points: NDArray[np.float64], steps: Steps) -> Exemplar:
    """A span that was only counted stands on the line of its series."""
    place = int(steps.places(np.array([exemplar.time], np.uint64))[0])
    value = float(points[place]) if math.isnan(exemplar.value) else exemplar.value
    labels = (("trace:id", short_hex(exemplar.trace_id)), ("span:id", exemplar.span_id))
    return Exemplar(labels, value, exemplar.time // MILLISECOND)
