"""The search of before TraceQL: tags that must each be found somewhere in a trace, and bounds on its duration.

Which keys match how is Tempo's: names of services, spans and the like by a part of the text, `http.status_code` as a number,
`status.code` by its word, everything else exactly, as text, on a resource or a span.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from pytempo.model import AttributeName, Batch, Level, Scan, Source
from pytempo.model.arrays import Bools
from pytempo.query.budget import Budget
from pytempo.query.results import SearchResult
from pytempo.query.search import newest, show
from pytempo.query.show import Shown
from pytempo.traceql import ast, fields
from pytempo.traceql.ast import Scope
from pytempo.traceql.condition import Conditions
from pytempo.traceql.evaluate import Spansets
from pytempo.traceql.functions import Operator
from pytempo.traceql.types import STATUSES, Type

INTRINSICS = {"name": "span:name", "root.name": "trace:rootName", "root.service.name": "trace:rootService"}
"""Keys that mean an intrinsic and match by a part of its text."""

RESOURCE_PARTS = (
    "service.name", "cluster", "namespace", "pod", "container",
    "k8s.cluster.name", "k8s.namespace.name", "k8s.pod.name", "k8s.container.name",
)  # fmt: skip
"""Resource attributes that match by a part of their text."""

SPAN_PARTS = ("http.method", "http.url")
"""Span attributes that match by a part of their text."""

NEVER = ast.Literal(False, Type.BOOL)


def search_tags(
    tags: Mapping[str, str],
    sources: Sequence[Source],
    *,
    min_duration: int,
    max_duration: int,
    start: int,
    end: int,
    limit: int,
    budget: Budget | None = None,
) -> SearchResult:
    """The newest traces in which every tag is found and whose duration (nanoseconds; 0 = unbounded) lies within the bounds."""
    conditions = [condition(key, value) for key, value in tags.items()]
    columns, attributes = _reads(conditions)
    budget = budget or Budget()
    scan = Scan(columns=columns | {(Level.TRACE, "start"), (Level.TRACE, "end")}, attributes=attributes, start=start, end=end)

    def keep(batch: Batch, traces: Bools) -> Spansets:
        evaluated = Conditions(batch, budget.check)
        trace_of_span = batch.trace_of_span()
        for wanted in conditions:
            has = np.zeros(len(traces), np.bool_)
            has[trace_of_span[evaluated.mask(wanted)]] = True
            traces = traces & has
        kept = np.flatnonzero(traces & _lasts(batch, min_duration, max_duration))
        return Spansets(np.empty(0, np.int64), np.empty(0, np.int64), kept)

    return SearchResult(show(newest(sources, scan, keep, limit, budget), Shown((), 0)), budget.inspected)


def condition(key: str, value: str) -> ast.Expression:
    """What one tag asks of a span."""
    if key in INTRINSICS:
        return _contains(ast.Intrinsic(INTRINSICS[key]), value)
    if key in RESOURCE_PARTS:
        return _contains(ast.Attribute(Scope.RESOURCE, key), value)
    if key in SPAN_PARTS:
        return _contains(ast.Attribute(Scope.SPAN, key), value)
    if key == "status.code":
        known = value in STATUSES
        return ast.Comparison(Operator.EQUAL, ast.Intrinsic("span:status"), ast.Literal(value, Type.STATUS)) if known else NEVER
    if key == "http.status_code":
        number = re.fullmatch(r"[+-]?\d{1,18}", value) is not None
        return ast.Comparison(Operator.EQUAL, ast.Attribute(Scope.SPAN, key), ast.Literal(int(value), Type.INT)) if number else NEVER
    literal = ast.Literal(value, Type.STRING)
    places = (ast.Attribute(Scope.SPAN, key), ast.Attribute(Scope.RESOURCE, key))
    return ast.Logical(Operator.OR, tuple(ast.Comparison(Operator.EQUAL, place, literal) for place in places))


def _contains(field: ast.Field, part: str) -> ast.Expression:
    return ast.Comparison(Operator.MATCHES, field, ast.Literal(f"(?s:.*{re.escape(part)}.*)", Type.STRING))


def _lasts(batch: Batch, shortest: int, longest: int) -> Bools:
    duration = batch.column(Level.TRACE, "duration")
    out = np.full(len(duration), shortest >= 0 and longest >= 0)
    if shortest > 0:
        out &= duration >= np.uint64(shortest)
    return out & (duration <= np.uint64(longest)) if longest > 0 else out


def _reads(conditions: Sequence[ast.Expression]) -> tuple[frozenset[tuple[Level, str]], frozenset[AttributeName]]:
    named = [node for expression in conditions for node in ast.walk(expression)]
    columns = {fields.COLUMNS[node.name] for node in named if isinstance(node, ast.Intrinsic)}
    attributes = {
        AttributeName(level, node.name) for node in named if isinstance(node, ast.Attribute) for level in fields.LEVELS[node.scope]
    }
    return frozenset(columns | {(Level.TRACE, "duration")}), frozenset(attributes)
