"""What is done with time series once they are there: thresholds, ranks, arithmetic with numbers and with each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from pytempo.model.arrays import Bools
from pytempo.traceql import ast
from pytempo.traceql.functions import Operator
from pytempo.traceql.grouping import Label
from pytempo.traceql.series import NAME, Labels, Points, SeriesSet, named
from pytempo.traceql.steps import SECOND
from pytempo.traceql.types import Type

Leaf: TypeAlias = ast.RangeAggregate | ast.Compare
"""The parts of a metrics query that read spans."""

_COMPARE: dict[Operator, Callable[[Points, float], Bools]] = {
    Operator.EQUAL: np.equal,
    Operator.NOT_EQUAL: np.not_equal,
    Operator.LESS: np.less,
    Operator.LESS_EQUAL: np.less_equal,
    Operator.GREATER: np.greater,
    Operator.GREATER_EQUAL: np.greater_equal,
}
_CALCULATE: dict[Operator, Callable[[Any, Any], Points]] = {
    Operator.ADD: np.add,
    Operator.SUBTRACT: np.subtract,
    Operator.MULTIPLY: np.multiply,
    Operator.DIVIDE: lambda left, right: np.divide(left, np.where(right == 0, np.nan, right)),
}
"""Division by zero has no value, here as everywhere in TraceQL."""


def leaves_of(series: ast.Series) -> tuple[Leaf, ...]:
    """The parts of a metrics query that read spans, each once."""
    return tuple(dict.fromkeys(node for node in ast.walk(series) if isinstance(node, ast.RangeAggregate | ast.Compare)))


def evaluate_series(node: ast.Series, leaves: Mapping[Leaf, SeriesSet]) -> SeriesSet:
    """The series of a metrics query, given those of its leaves."""
    if isinstance(node, ast.RangeAggregate | ast.Compare):
        return leaves[node]
    if isinstance(node, ast.SeriesFilter):
        return keep_points(evaluate_series(node.series, leaves), node.operator, number_of(node.threshold))
    if isinstance(node, ast.SeriesRank):
        return rank(evaluate_series(node.series, leaves), node.limit, largest=node.function == "topk")
    operands = [number_of(operand) if isinstance(operand, ast.Literal) else evaluate_series(operand, leaves) for operand in node.operands]
    result = reduce(lambda left, right: calculate(node.operator, left, right), operands)
    assert isinstance(result, SeriesSet)
    return result


def number_of(literal: ast.Literal) -> float:
    """The number that a literal means beside series, which hold durations in seconds."""
    assert isinstance(literal.value, int | float)
    return literal.value / SECOND if literal.type is Type.DURATION else float(literal.value)


def keep_points(series: SeriesSet, operator: Operator, threshold: float) -> SeriesSet:
    """Only the points that compare so."""
    there = ~np.isnan(series.points)
    return series.keep(there & _COMPARE[operator](series.points, threshold))


def rank(series: SeriesSet, limit: int, *, largest: bool) -> SeriesSet:
    """At every time the `limit` largest or smallest points.

    Among equal ones the largest stay with the series whose labels sort first, the smallest with those that sort last.
    """
    points = -series.points if largest else series.points[::-1]
    order = np.argsort(points, axis=0, kind="stable")  # NaN, no point, comes last
    wanted = np.zeros(points.shape, np.bool_)
    np.put_along_axis(wanted, order[:limit], True, axis=0)
    wanted = wanted if largest else wanted[::-1]
    return series.keep(wanted & ~np.isnan(series.points))


def calculate(operator: Operator, left: SeriesSet | float, right: SeriesSet | float) -> SeriesSet | float:
    """`left operator right`, point by point; series meet those with the same labels."""
    if isinstance(left, SeriesSet) and isinstance(right, SeriesSet):
        return _join(operator, left, right)
    with np.errstate(all="ignore"):
        if isinstance(left, SeriesSet):
            return left.map(lambda points: _CALCULATE[operator](points, right))
        if isinstance(right, SeriesSet):
            return right.map(lambda points: _CALCULATE[operator](left, points))
        return float(_CALCULATE[operator](left, right))


def _join(operator: Operator, left: SeriesSet, right: SeriesSet) -> SeriesSet:
    """Series with equal labels are paired; a side that is one series without groups pairs with every series of the other."""
    pairs = _pairs(left, right)
    rows, others = [one for one, _ in pairs], [other for _, other in pairs]
    with np.errstate(all="ignore"):
        points = _CALCULATE[operator](left.points[rows], right.points[others])
    labels = [_labels_of_pair(operator, left.labels[one], right.labels[other]) for one, other in pairs]
    return SeriesSet.of(labels, points, [left.exemplars[one] for one in rows])


def _pairs(left: SeriesSet, right: SeriesSet) -> list[tuple[int, int]]:
    if _is_alone(right):
        return [(row, 0) for row in range(len(left.labels))]
    if _is_alone(left):
        return [(0, row) for row in range(len(right.labels))]
    known = {_key(labels): row for row, labels in enumerate(right.labels)}
    return [(row, known[_key(labels)]) for row, labels in enumerate(left.labels) if _key(labels) in known]


def _key(labels: Labels) -> frozenset[tuple[str, Label]]:
    """What series are matched by: their labels in any order, without the name of the function."""
    return frozenset(pair for pair in labels if pair[0] != NAME)


def _is_alone(series: SeriesSet) -> bool:
    return len(series.labels) == 1 and not _key(series.labels[0])


def _labels_of_pair(operator: Operator, left: Labels, right: Labels) -> Labels:
    """The groups of whichever side has them; without groups a name that tells both: `(rate / rate)`."""
    if _key(left):
        return left
    if _key(right):
        return right
    return named(f"({left[0][1].value} {operator.symbol} {right[0][1].value})")
