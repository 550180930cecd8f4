"""What the engine and the oracle answer, brought to one form, and where they differ, in as few words as will do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pytempo.query.results import SearchResult
from pytempo.traceql import ast
from pytempo.traceql.durations import duration_text
from pytempo.traceql.labels import label
from tests.oracle import brute, fields
from tests.oracle.spans import Word
from tests.oracle.trees import Trace


@dataclass(frozen=True)
class Set:
    """One spanset of an answer: the ids of its spans in their order, and what is said of it."""

    spans: tuple[str, ...]
    said: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Found:
    """One trace of an answer."""

    trace_id: str
    head: tuple[str | None, str | None, int, int]
    sets: tuple[Set, ...]


def expected(query: ast.Query, traces: Sequence[Trace], limit: int) -> list[Found]:
    """The oracle's answer; `traces` stand in the order of answers."""
    assert isinstance(query.expression, ast.Pipeline)
    answers = (_found(trace, brute.spansets(query.expression, trace)) for trace in traces)
    return [answer for answer in answers if answer.sets][:limit]


def _found(trace: Trace, spansets: list[brute.Spanset]) -> Found:
    root = trace.root
    head = fields.service_of(root) if root else None, root.name if root else None, trace.start, trace.duration
    return Found(trace.trace_id.hex(), head, _sorted(_set(trace, spanset) for spanset in spansets))


def _set(trace: Trace, spanset: brute.Spanset) -> Set:
    spans = sorted((trace.spans[place] for place in spanset.places), key=lambda span: (span.start, span.span_id))
    said = ((_label(node), _shown(node, value)) for node, value in spanset.said.items())
    return Set(tuple(span.span_id.hex() for span in spans), tuple(sorted((name, value) for name, value in said if value is not None)))


def _label(node: ast.Node) -> str:
    return f"by({label(node.expression)})" if isinstance(node, ast.GroupBy) else label(node)


def _shown(node: ast.Node, value: Any) -> Any:
    """As an answer writes it: words by name, durations with their unit; a group without a value is nil, or false if it is calculated."""
    asked = node.expression if isinstance(node, ast.GroupBy) else node.argument if isinstance(node, ast.Aggregate) else None
    if value is None:
        return (False if brute.is_calculation(asked) else "nil") if isinstance(node, ast.GroupBy) else None
    if isinstance(value, Word):
        return value.text
    time = isinstance(asked, ast.Intrinsic) if isinstance(node, ast.GroupBy) else True
    return duration_text(int(value)) if time and asked is not None and brute.is_duration(asked) and math.isfinite(value) else value


def given(result: SearchResult) -> list[Found]:
    """The engine's answer."""
    return [
        Found(
            trace.trace_id,
            (trace.root_service, trace.root_name, trace.start, trace.duration),
            _sorted(Set(tuple(span.span_id for span in each.spans), tuple(sorted(each.attributes))) for each in trace.spansets),
        )
        for trace in result
    ]


def _sorted(sets: Any) -> tuple[Set, ...]:
    return tuple(sorted(sets, key=lambda each: (each.spans, repr(each.said))))


def agree(one: list[Found], other: list[Found]) -> bool:
    """Whether two answers are the same, floats within a rounding error."""
    return len(one) == len(other) and all(_same(left, right) for left, right in zip(one, other, strict=True))


def _same(one: Found, other: Found) -> bool:
    if (one.trace_id, one.head, len(one.sets)) != (other.trace_id, other.head, len(other.sets)):
        return False
    return all(_same_set(left, right) for left, right in zip(one.sets, other.sets, strict=True))


def _same_set(one: Set, other: Set) -> bool:
    names, others = ([name for name, _ in each.said] for each in (one, other))
    return one.spans == other.spans and names == others and all(_close(a, b) for (_, a), (_, b) in zip(one.said, other.said, strict=True))


def _close(one: Any, other: Any) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float) and not isinstance(one, bool) and not isinstance(other, bool):
        return one == other or math.isclose(one, other, rel_tol=1e-9) or (one != one and other != other)
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def difference(wanted: list[Found], got: list[Found], traces: Sequence[Trace]) -> str:
    """The first trace of which the answers differ: both answers, and its spans."""
    by_id = [{each.trace_id: each for each in answer} for answer in (wanted, got)]
    order = list(dict.fromkeys(each.trace_id for each in (*wanted, *got)))
    apart = [each for each in order if each not in by_id[0] or each not in by_id[1] or not _same(by_id[0][each], by_id[1][each])]
    if not apart:
        return f"the same traces in another order: {[each.trace_id for each in wanted]}, {[each.trace_id for each in got]}"
    trace = next(trace for trace in traces if trace.trace_id.hex() == apart[0])
    lines = [f"trace {apart[0]}", f"  oracle: {by_id[0].get(apart[0])}", f"  engine: {by_id[1].get(apart[0])}"]
    return "\n".join([*lines, *(f"  {place}: {span}" for place, span in enumerate(trace.spans))])
