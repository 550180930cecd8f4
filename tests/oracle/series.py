"""Metrics queries answered span by span, after the rules of docs/traceql.md: what the engine's time series are held against."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pytempo.traceql import ast
from pytempo.traceql.durations import duration_text
from pytempo.traceql.functions import Operator
from pytempo.traceql.labels import label
from pytempo.traceql.types import Type
from tests.oracle import brute, fields
from tests.oracle.spans import Other, Value, Word
from tests.oracle.trees import Trace
from tests.oracle.values import compare

SECOND = 10**9

Key: TypeAlias = tuple[tuple[str, Any], ...]
"""The labels of a series; a value stands with its type, so that 1, 1.0 and True differ."""

Points: TypeAlias = dict[int, float]
"""By the end of their interval, unix nanoseconds."""

Series: TypeAlias = dict[Key, Points]

TEXTS_BELOW = ("event:name", "link:traceID", "link:spanID")
"""Intrinsics of events and links that are an empty text where there are none."""


@dataclass(frozen=True)
class Steps:
    """Intervals (t - step, t] for every t of `ends`."""

    step: int
    ends: tuple[int, ...]

    @staticmethod
    def of(start: int, end: int, step: int) -> Steps:
        first, last = start // step, -(-end // step)
        return Steps(step, tuple(step * number for number in range(first, last + 1)))

    def end_of(self, start: int) -> int | None:
        """The interval that a span is in, by its start."""
        return next((end for end in self.ends if end - self.step < start <= end), None)


def expected(series: ast.Series, traces: Sequence[Trace], steps: Steps) -> Series:
    """The points of every series that has any, durations in labels as answers write them."""
    return {tuple(map(_shown, key)): points for key, points in _pointed(series, traces, steps).items()}


def _shown(pair: tuple[str, tuple[str, Any]]) -> tuple[str, tuple[str, Any]]:
    name, (kind, value) = pair
    return (name, ("str", duration_text(value))) if kind == "duration" else pair


def _pointed(series: ast.Series, traces: Sequence[Trace], steps: Steps) -> Series:
    return {key: points for key, points in _series(series, traces, steps).items() if points}


def _series(node: ast.Series, traces: Sequence[Trace], steps: Steps) -> Series:
    match node:
        case ast.RangeAggregate():
            return _aggregate(node, traces, steps)
        case ast.Compare():
            return _compare(node, traces, steps)
        case ast.SeriesFilter(inner, operator, threshold):
            bound = _number(threshold)
            return {
                key: {time: each for time, each in points.items() if compare(operator.symbol, each, bound)}
                for key, points in _series(inner, traces, steps).items()
            }
        case ast.SeriesRank(inner, function, limit):
            return _rank(_pointed(inner, traces, steps), steps, limit, largest=function == "topk")
    assert isinstance(node, ast.SeriesOperation)
    left, *others = (_number(each) if isinstance(each, ast.Literal) else _pointed(each, traces, steps) for each in node.operands)
    for right in others:
        left = _calculate(node.operator, left, right)
    assert isinstance(left, dict)
    return left


def _number(literal: ast.Literal) -> float:
    assert isinstance(literal.value, int | float)
    return literal.value / SECOND if literal.type is Type.DURATION else float(literal.value)


def _matching(pipeline: ast.Pipeline, traces: Sequence[Trace], steps: Steps) -> Iterator[tuple[Trace, int, int]]:
    """The spans that a pipeline keeps, each once, with the interval of each."""
    for trace in traces:
        for place in sorted(frozenset().union(*(spanset.places for spanset in brute.spansets(pipeline, trace)))):
            end = steps.end_of(trace.spans[place].start)
            if end is not None:
                yield trace, place, end


def _aggregate(node: ast.RangeAggregate, traces: Sequence[Trace], steps: Steps) -> Series:
    cells: dict[Key, dict[int, list[float]]] = {}
    scale = SECOND if node.argument is not None and brute.is_duration(node.argument) else 1
    for trace, place, end in _matching(node.pipeline, traces, steps):
        key = tuple((label(field), group(field, trace, place)) for field in dict.fromkeys(node.by))
        value = None if node.argument is None else one_value(node.argument, trace, place)
        if node.argument is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            continue
        if node.function == "histogram_over_time":
            if not isinstance(value, int) or value < 2:
                continue
            key += (("__bucket", ("float", float(2 ** (value - 1).bit_length()) / scale)),)
        cells.setdefault(key, {}).setdefault(end, []).append(0 if value is None else value)
    name = ("__name__", ("str", node.function))
    found: Series = {}
    for key, values in cells.items():
        if node.function == "quantile_over_time":
            for quantile in node.quantiles:
                found[(*key, ("p", ("float", quantile)))] = {end: _quantile(each, quantile) / scale for end, each in values.items()}
        else:
            found[key or (name,)] = _points(node.function, values, steps, scale)
    return found


def _points(function: str, values: dict[int, list[float]], steps: Steps, scale: int) -> Points:
    if function in ("rate", "count_over_time", "histogram_over_time"):
        unit = steps.step / SECOND if function == "rate" else 1
        return {end: len(values.get(end, ())) / unit for end in steps.ends}
    combine = _COMBINE[function]
    return {end: combine(each) / scale for end, each in values.items()}


def _sum(values: Sequence[float]) -> float:
    """Whole numbers exactly."""
    whole = sum(value for value in values if isinstance(value, int))
    return float(whole) + math.fsum(value for value in values if isinstance(value, float))


_COMBINE: dict[str, Callable[[Sequence[float]], float]] = {
    "sum_over_time": _sum,
    "avg_over_time": lambda values: _sum(values) / len(values),
    "min_over_time": min,
    "max_over_time": max,
}


def _quantile(values: Sequence[float], quantile: float) -> float:
    ordered = [float(value) for value in sorted(values)]
    rank = quantile * (len(ordered) - 1)
    below, above = ordered[math.floor(rank)], ordered[math.ceil(rank)]
    return below + (above - below) * (rank - math.floor(rank))


def one_value(field: ast.Field, trace: Trace, place: int) -> Value:
    """The value of a field for a span: of several events or links, that of the first that has any."""
    rows = fields.below(field, trace, place)
    if rows is None:
        return fields.value(field, trace, place, {})
    name, count = rows
    values = (fields.value(field, trace, place, {name: row}) for row in range(count))
    return next((value for value in values if value is not None), None)


def group(field: ast.Field, trace: Trace, place: int) -> Any:
    """What a label says of a span, with its type."""
    if isinstance(field, ast.Intrinsic) and field.name in TEXTS_BELOW and one_value(field, trace, place) is None:
        return ("str", "")
    value = _told(one_value(field, trace, place))
    return ("duration", value[1]) if brute.is_duration(field) and value[0] == "int" else value


def _told(value: Value) -> tuple[str, Any]:
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    if value is None or value == () or isinstance(value, Other):
        return ("str", "nil")
    if isinstance(value, Word):
        return ("str", value.text)
    return (type(value).__name__, value)


def _rank(series: Series, steps: Steps, limit: int, *, largest: bool) -> Series:
    """Among equals the labels decide."""
    found: Series = {}
    for end in steps.ends:
        there = sorted((key for key in series if end in series[key]), key=order, reverse=not largest)
        best = sorted(there, key=lambda key: series[key][end], reverse=largest)
        for key in best[:limit]:
            found.setdefault(key, {})[end] = series[key][end]
    return found


def order(key: Key) -> tuple[Any, ...]:
    """Few labels first, then by name and value: numbers, then text."""
    return (len(key), *((name, _order_of(kind, value)) for name, (kind, value) in key))


def _order_of(kind: str, value: Any) -> tuple[int, float, str, str]:
    if kind == "bool" or not isinstance(value, int | float):
        return (1, 0, str(value), kind)
    return (0, value, "", kind)


def _calculate(operator: Operator, left: Series | float, right: Series | float) -> Series | float:
    if isinstance(left, dict) and isinstance(right, dict):
        pairs = _pairs(left, right)
        return {
            _label_of_pair(operator, one, other): _joined(operator, left[one], right[other], left[one].keys() & right[other].keys())
            for one, other in pairs
        }
    if isinstance(left, dict):
        return {key: _joined(operator, points, dict.fromkeys(points, right), points.keys()) for key, points in left.items()}
    if isinstance(right, dict):
        return {key: _joined(operator, dict.fromkeys(points, left), points, points.keys()) for key, points in right.items()}
    return _apply(operator, left, right)


def _pairs(left: Series, right: Series) -> list[tuple[Key, Key]]:
    bare = [[key for key in side if _groups(key)] for side in (left, right)]
    if len(right) == 1 and not bare[1]:
        return [(key, *right) for key in left]
    if len(left) == 1 and not bare[0]:
        return [(*left, key) for key in right]
    return [(one, other) for one in left for other in right if _groups(one) == _groups(other)]


def _groups(key: Key) -> frozenset[Any]:
    return frozenset(pair for pair in key if pair[0] != "__name__")


def _label_of_pair(operator: Operator, left: Key, right: Key) -> Key:
    if _groups(left) or _groups(right):
        return left if _groups(left) else right
    return (("__name__", ("str", f"({left[0][1][1]} {operator.symbol} {right[0][1][1]})")),)


def _joined(operator: Operator, left: Points, right: Points, times: Any) -> Points:
    found = {time: _apply(operator, left[time], right[time]) for time in times}
    return {time: value for time, value in found.items() if not math.isnan(value)}


def _apply(operator: Operator, left: float, right: float) -> float:
    if operator is Operator.DIVIDE:
        return left / right if right else math.nan
    return {Operator.ADD: left + right, Operator.SUBTRACT: left - right, Operator.MULTIPLY: left * right}[operator]


_COMPARED = {
    "name": "span:name",
    "status": "span:status",
    "statusMessage": "span:statusMessage",
    "kind": "span:kind",
    "rootName": "trace:rootName",
    "rootServiceName": "trace:rootService",
    "instrumentation:name": "instrumentation:name",
}


def _compare(node: ast.Compare, traces: Sequence[Trace], steps: Steps) -> Series:
    """How often each value of each attribute occurs, on both sides; the most frequent of them, and how many spans have the attribute."""
    counts: dict[tuple[str, str], dict[Any, Points]] = {}
    totals: dict[tuple[str, str], Points] = {}
    for trace, place, end in _matching(node.pipeline, traces, steps):
        start = trace.spans[place].start
        inside = node.start is None or node.end is None or node.start <= start < node.end
        side = "selection" if inside and brute.holds(node.selection.condition, trace, place) else "baseline"
        for name, values in _everything(trace, place).items():
            _count(totals.setdefault((side, name), {}), end)
            for value in set(values) - {("str", "nil")}:
                _count(counts.setdefault((side, name), {}).setdefault(value, {}), end)
    found: Series = {}
    for (side, name), points in totals.items():
        found[("__meta_type", ("str", f"{side}_total")), (name, ("str", "nil"))] = _filled(points, steps)
        values = counts.get((side, name), {})
        best = sorted(values, key=lambda value: (-sum(values[value].values()), order(((name, value),))))
        for value in best[: node.top]:
            found[("__meta_type", ("str", side)), (name, value)] = _filled(values[value], steps)
    return found


def _everything(trace: Trace, place: int) -> dict[str, list[Any]]:
    """All that compare() looks at of one span."""
    span = trace.spans[place]
    found = {name: [_told(one_value(ast.Intrinsic(intrinsic), trace, place))] for name, intrinsic in _COMPARED.items()}
    resource = {"service.name": "", **_there(span.resource.attributes)}
    tables = [("span", span.attributes), ("resource", resource), ("instrumentation", span.scope.attributes)]
    tables += [("event", event.attributes) for event in span.events] + [("link", link.attributes) for link in span.links]
    for event in span.events:
        found.setdefault("event:name", []).append(("str", event.name))
    for scope, table in tables:
        for key, value in _there(table).items():
            found.setdefault(label(ast.Attribute(ast.Scope(scope), key)), []).append(_told(value))
    return found


def _there(attributes: dict[str, Value]) -> dict[str, Value]:
    return {key: value for key, value in attributes.items() if value is not None}


def _count(points: Points, end: int) -> None:
    points[end] = points.get(end, 0) + 1


def _filled(points: Points, steps: Steps) -> Points:
    return {end: points.get(end, 0) for end in steps.ends}
