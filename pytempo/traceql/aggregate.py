"""One aggregation over time: the matching spans of batch after batch, laid into the cells of series and intervals.

`pipeline | function(argument) by (...)` is worked out here from end to end; what is then done with its series (ranks, thresholds,
arithmetic) is in `series_operations`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pytempo.model import Level
from pytempo.model.arrays import Ints, take_ascending
from pytempo.traceql import ast
from pytempo.traceql.arithmetic import Numbers, numbers_of
from pytempo.traceql.buckets import bucket_groups, has_bucket
from pytempo.traceql.evaluate import Evaluation
from pytempo.traceql.exemplars import Exemplar, Exemplars
from pytempo.traceql.grouping import Groups, Label
from pytempo.traceql.labels import label
from pytempo.traceql.partials import Count, Extreme, Partial, Sum
from pytempo.traceql.quantiles import Quantiles
from pytempo.traceql.series import Labels, Points, SeriesSet, named
from pytempo.traceql.series_keys import SeriesKeys, check_field, span_groups
from pytempo.traceql.steps import SECOND, Steps
from pytempo.traceql.types import Type
from pytempo.traceql.vector import first_below

BUCKET, QUANTILE = "__bucket", "p"
"""The labels that tell the series of a histogram and of several quantiles apart."""

_PARTIALS: dict[str, Callable[[ast.RangeAggregate, Steps], Partial]] = {
    "rate": lambda node, steps: Count(steps.count, steps.seconds),
    "count_over_time": lambda node, steps: Count(steps.count),
    "histogram_over_time": lambda node, steps: Count(steps.count),
    "sum_over_time": lambda node, steps: Sum(steps.count),
    "avg_over_time": lambda node, steps: Sum(steps.count, mean=True),
    "min_over_time": lambda node, steps: Extreme(steps.count, least=True),
    "max_over_time": lambda node, steps: Extreme(steps.count, least=False),
    "quantile_over_time": lambda node, steps: Quantiles(steps.count, dict.fromkeys(node.quantiles)),
}


class Aggregation:
    """The series of one `RangeAggregate`, grown batch by batch."""

    def __init__(self, node: ast.RangeAggregate, steps: Steps, exemplars: int = 0) -> None:
        """`exemplars` is how many spans are kept to show. Raises BadQuery for a field that has no value."""
        for field in (*node.by, *([] if node.argument is None else [node.argument])):
            check_field(field)
        self._node, self._steps = node, steps
        self._by = tuple(dict.fromkeys(node.by))
        self._keys = SeriesKeys(steps.count)
        self._partial = _PARTIALS[node.function](node, steps)
        self._exemplars = Exemplars(exemplars)
        in_seconds = isinstance(node.argument, ast.Intrinsic) and node.argument.definition.type is Type.DURATION
        self._unit = SECOND if in_seconds else 1
        self._histogram = node.function == "histogram_over_time"

    def add(self, evaluation: Evaluation) -> None:
        """The spans of a batch. Raises BadQuery where they are more than is kept in memory."""
        batch = evaluation.batch
        spans = matching_spans(self._node.pipeline, evaluation, self._steps)
        numbers = None
        if self._node.argument is not None:
            numbers = measured(self._node.argument, evaluation)
            spans = spans[(has_bucket(numbers) if self._histogram else numbers.valid)[spans]]
            numbers = numbers.take(spans, there=np.ones(len(spans), np.bool_))
        if not len(spans):
            return
        series = self._keys.numbers(self._groups(evaluation, spans, numbers), len(spans))
        cells = self._steps.places(take_ascending(batch.stored(Level.SPAN, "start"), spans))
        if len(self._keys) > 1:
            cells += series * self._steps.count
        self._partial.add(cells, len(self._keys), numbers)
        self._exemplars.add(batch, spans, series, None if numbers is None else numbers.floats)

    def _groups(self, evaluation: Evaluation, spans: Ints, numbers: Numbers | None) -> list[Groups]:
        groups = [span_groups(evaluation.conditions, field, spans) for field in self._by]
        if self._histogram and numbers is not None:
            groups.append(bucket_groups(numbers, self._unit))
        return groups

    def result(self) -> SeriesSet:
        """The series of all that was added so far."""
        matrices = self._partial.points(len(self._keys))
        names = [label(field) for field in self._by] + ([BUCKET] if self._histogram else [])
        labels = [tuple(zip(names, key, strict=True)) for key in self._keys.keys]
        exemplars = self._exemplars.of_series(self._unit)
        if self._node.function == "quantile_over_time":
            return self._quantiles(labels, matrices, exemplars)
        points = matrices[0] if self._histogram or self._node.argument is None else matrices[0] / self._unit
        labels = labels if names else [named(self._node.function)] * len(labels)
        return SeriesSet.of(labels, points, [exemplars.get(number, ()) for number in range(len(labels))])

    def _quantiles(self, labels: list[Labels], matrices: list[Points], exemplars: dict[int, tuple[Exemplar, ...]]) -> SeriesSet:
        """One series for each quantile; an exemplar stands with the quantile whose point lies nearest."""
        matrices = [points / self._unit for points in matrices]
        quantiles = [Label(Type.FLOAT, quantile) for quantile in dict.fromkeys(self._node.quantiles)]
        together = [(*each, (QUANTILE, quantile)) for quantile in quantiles for each in labels]
        shown: list[list[Exemplar]] = [[] for _ in together]
        for number, found in exemplars.items():
            for exemplar in found:
                place = int(self._steps.places(np.array([exemplar.time], np.uint64))[0])
                nearest = min(range(len(matrices)), key=lambda which: abs(matrices[which][number, place] - exemplar.value))
                shown[nearest * len(labels) + number].append(exemplar)
        return SeriesSet.of(together, np.concatenate(matrices), [tuple(found) for found in shown])


def matching_spans(pipeline: ast.Pipeline, evaluation: Evaluation, steps: Steps) -> NDArray[np.int64]:
    """The spans (rows, ascending) that a pipeline keeps and that start in an interval; each once, in however many spansets it is."""
    inside = steps.inside(evaluation.batch.stored(Level.SPAN, "start"))
    if not inside.any():
        return np.empty(0, np.int64)
    if len(pipeline.stages) == 1:
        return np.flatnonzero(evaluation.spanset(pipeline.stages[0]) & inside)
    kept = np.zeros(len(inside), np.bool_)
    kept[evaluation.pipeline(pipeline).spans] = True
    return np.flatnonzero(kept & inside)


def measured(field: ast.Field, evaluation: Evaluation) -> Numbers:
    """The number that every span has of a field. An array is no number; of several events or links the first that has a value counts."""
    numbers = numbers_of(evaluation.conditions.field(field, first_below))
    return replace(numbers, valid=numbers.valid & ~np.isnan(numbers.floats))
