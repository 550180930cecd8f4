"""The contract of sources (`model.scan.Source`), held over every kind of them; and of the queries over them: the same answers from all.

What everything is compared with is one clean batch of all spans, and `decode` and `merge` that made it, which have tests of their own.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from pytempo.live.source import LiveSource
from pytempo.model import Batch, Condition, Level, Scan, Source, TraceIds, merge
from pytempo.model.scan import MAX_TIME
from pytempo.otlp import decode
from pytempo.query import search as searching
from pytempo.query.joining import read
from pytempo.query.legacy import search_tags
from pytempo.query.results import Spanset
from pytempo.query.search import search
from pytempo.query.tags import Window, tag_names, tag_values
from pytempo.query.trace_by_id import find_trace
from pytempo.traceql import ast, check, parse, plan
from pytempo.traceql.evaluate import evaluate
from tests.comparing import SpanKey, as_dicts, span_keys
from tests.conformance import conformance
from tests.contract.sources import KINDS, Maker, payloads, whole
from tests.traceql.texts import lines

ABSENT = bytes.fromhex("00c0ffee" * 4)
NUMBERS = ("nested_left", "nested_right", "nested_parent")
"""These follow the order of arrival, which differs between the kinds."""


@cache
def reference() -> Batch:
    """All spans, each once."""
    return merge([decode([payload]).batch for payload in payloads()])


@cache
def reference_source() -> LiveSource:
    return LiveSource(merge([decode([payload]).batch for payload in payloads()]), 0)


@cache
def reference_spans() -> dict[SpanKey, dict[str, Any]]:
    return comparable(reference())


def comparable(batch: Batch) -> dict[SpanKey, dict[str, Any]]:
    """All that a batch says of its spans, but for what follows the order of arrival."""
    return {key: {name: value for name, value in span.items() if name not in NUMBERS} for key, span in as_dicts(batch).items()}


@dataclass(frozen=True)
class Kind:
    """All spans in sources of one kind, and its number among the kinds."""

    number: int
    sources: list[Source]


@pytest.fixture(scope="module", params=range(len(KINDS)), ids=[kind.__name__ for kind in KINDS])
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kind:
    return Kind(request.param, KINDS[request.param](Maker(tmp_path_factory.mktemp("blocks")), payloads()))


@pytest.fixture
def sources(kind: Kind) -> list[Source]:
    return kind.sources


@cache
def queries() -> tuple[ast.Query, ...]:
    """The recorded questions and the filters of the parser's tests, without those for nested-set numbers (see NUMBERS)."""
    recorded = [case["q"] for case in conformance.read_cases() if case["kind"] == "search" and case["want"]["status"] == 200]
    read = [check(parse(text)) for text in dict.fromkeys([*recorded, *lines("accepted_filters")]) if "nestedSet" not in text]
    return tuple(query for query in read if isinstance(query.expression, ast.Pipeline))


# Sources one by one


def test_a_source_has_no_copies(sources: list[Source]) -> None:
    """`span_keys` fails on them."""
    for source in sources:
        assert span_keys(whole(source))


def test_sources_come_in_order_of_arrival(sources: list[Source]) -> None:
    assert [source.sequence for source in sources] == sorted({source.sequence for source in sources})


def test_ids_ascend_and_are_those_of_the_batches(sources: list[Source]) -> None:
    for source in sources:
        ids = source.trace_ids()
        listed = [ids.hex(row) for row in range(len(ids))]
        assert listed == sorted(set(listed))
        assert listed == sorted({trace for trace, _, _ in span_keys(whole(source))})


def test_no_trace_is_split_between_batches(sources: list[Source]) -> None:
    for source in sources:
        met: list[str] = []
        for batch in source.batches(Scan()):
            met += [batch.trace_ids().hex(row) for row in range(batch.count(Level.TRACE))]
        assert len(met) == len(set(met))


def test_batches_of_wanted_traces_hold_all_their_spans_whatever_the_conditions_say(sources: list[Source]) -> None:
    dice = random.Random(1)
    never = Condition((Level.SPAN, "name"), "=", "nobody is called so")
    for source in sources:
        ids, keys = source.trace_ids(), span_keys(whole(source))
        for count in (1, 2, len(ids) // 2, len(ids)):
            rows = np.array(sorted(dice.sample(range(len(ids)), count)))
            absent = TraceIds.of(ABSENT)
            wanted = TraceIds.concat([ids.take(rows), absent]).distinct()[0]
            chosen = {ids.hex(row) for row in rows}
            met = [key for batch in source.batches_of(wanted, Scan(conditions=(never,))) for key in span_keys(batch)]
            assert sorted(key for key in met if key[0] in chosen) == sorted(key for key in keys if key[0] in chosen)


def test_an_absent_trace_is_in_no_source(sources: list[Source]) -> None:
    for source in sources:
        assert ABSENT.hex() not in {trace for batch in source.batches_of(TraceIds.of(ABSENT), Scan()) for trace, _, _ in span_keys(batch)}


def windows() -> Iterator[tuple[int, int]]:
    """Around the ends of traces, to the nanosecond, and wide ones."""
    summary = reference().summary()
    for time in {*summary.start.tolist(), *summary.end.tolist()}:
        yield time, time
        yield min(time + 1, MAX_TIME), min(time + 10**9, MAX_TIME)
        yield max(time - 10**9, 0), max(time - 1, 0)
    yield 0, MAX_TIME
    yield 1, 2
    yield MAX_TIME - 1, MAX_TIME


def test_a_source_that_touches_no_window_holds_no_trace_of_it(sources: list[Source]) -> None:
    """`touches` may say yes too often, never no; and a scan of the window hands out every trace that touches it."""
    for source in sources:
        everything = whole(source)
        summary, ids = everything.summary(), everything.trace_ids()
        for start, end in windows():
            inside = (summary.start <= np.uint64(end)) & (summary.end >= np.uint64(start))
            assert source.touches(start, end) or not inside.any()
            handed = TraceIds.concat([batch.trace_ids() for batch in source.batches(Scan(start=start, end=end))]).distinct()[0]
            assert (handed.find(ids.take(inside)) >= 0).all()


def hex_ids(ids: TraceIds) -> list[str]:
    return [ids.hex(row) for row in range(len(ids))]


# Sources together


def test_by_id_every_span_comes_back_once_with_all_that_it_had(sources: list[Source]) -> None:
    found: dict[SpanKey, dict[str, Any]] = {}
    for trace in hex_ids(reference().trace_ids()):
        answer = find_trace(bytes.fromhex(trace), sources)
        assert answer is not None
        assert hex_ids(answer.batch.trace_ids()) == [trace]
        found |= comparable(answer.batch)
    assert found.keys() == reference_spans().keys()
    for key, span in found.items():
        assert span == reference_spans()[key]


def test_by_id_an_absent_trace_is_absent(sources: list[Source]) -> None:
    assert find_trace(ABSENT, sources) is None


def test_every_search_has_the_same_answer(kind: Kind) -> None:
    """Each kind is asked other questions, or this would take minutes."""
    asked = queries()[kind.number :: 3 * len(KINDS)]
    assert [query for query in asked if answer(query, kind.sources) != answer(query, [reference_source()])] == []


def test_a_search_that_looks_at_the_newest_traces_first_has_the_same_answer(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = queries()[kind.number :: 5 * len(KINDS)]
    wanted = [answer(query, kind.sources, 3) for query in asked]
    monkeypatch.setattr(searching, "LARGE", 0)
    monkeypatch.setattr(searching, "FEW", 2)
    assert [query for query, found in zip(asked, wanted, strict=True) if answer(query, kind.sources, 3) != found] == []


def answer(query: ast.Query, sources: Sequence[Source], limit: int = 30) -> list[str]:
    """The newest traces with their spansets as text (in which one NaN equals another); attributes are sorted."""
    found = search(query, sources, start=0, end=MAX_TIME, limit=limit, spans_per_spanset=100)
    return [repr(replace(trace, spansets=tuple(map(in_order, trace.spansets)))) for trace in found.traces]


def in_order(spanset: Spanset) -> Spanset:
    return replace(spanset, spans=tuple(replace(span, attributes=tuple(sorted(span.attributes, key=repr))) for span in spanset.spans))


def test_conditions_leave_nothing_out_that_a_query_keeps(kind: Kind) -> None:
    """What a scan does not hand out holds no span that the query would keep."""
    asked = queries() if len(kind.sources) == 1 else queries()[kind.number :: len(KINDS)]
    for source in kind.sources:
        everything = list(source.batches(Scan()))
        for query in asked:
            handed = {trace for batch in source.batches(plan.scan(query, 0, MAX_TIME)) for trace in hex_ids(batch.trace_ids())}
            assert {trace for batch in everything for trace, *_ in kept(query, batch)} <= handed, query


def kept(query: ast.Query, batch: Batch) -> list[SpanKey]:
    """The spans of a batch that a query keeps."""
    assert isinstance(query.expression, ast.Pipeline)
    keys = span_keys(batch)
    return [keys[span] for span in evaluate(query.expression, batch, np.ones(batch.count(Level.TRACE), np.bool_)).spans.tolist()]


def test_what_is_read_ahead_changes_no_answer(kind: Kind) -> None:
    """Columns and attributes of a scan are hints: without them and without conditions the query keeps the same spans, each once."""
    for query in queries()[kind.number :: 8 * len(KINDS)]:
        scan = plan.scan(query, 0, MAX_TIME)
        found = matches(query, scan, kind.sources)
        assert len(found) == len(set(found))
        assert found == matches(query, Scan(), kind.sources), query


def matches(query: ast.Query, scan: Scan, sources: Sequence[Source]) -> list[SpanKey]:
    """Every span that a query keeps of what a scan hands out, joined, sorted."""
    assert isinstance(query.expression, ast.Pipeline)
    found: list[SpanKey] = []
    for piece in read(sources, scan):
        keys = span_keys(piece.batch)
        found += [keys[span] for span in evaluate(query.expression, piece.batch, piece.traces).spans.tolist()]
    return sorted(found)


def test_conditions_leave_something_out(tmp_path: Any) -> None:
    """Otherwise the test above would prove nothing: a needle opens few row groups of a block."""
    source = Maker(tmp_path).block(payloads())
    query = check(parse('{ span.user.id = "u7" }'))
    handed = sum(batch.count(Level.TRACE) for batch in source.batches(plan.scan(query, 0, MAX_TIME)))
    assert handed < len(source.trace_ids()) / 2


@pytest.mark.parametrize(
    "q", [None, "{ status = error }", '{ resource.service.name = "frontend" }', "{ kind = server && span.http.status_code >= 500 }"]
)
def test_tag_names_are_the_same(sources: list[Source], q: str | None) -> None:
    window = Window.of(0, MAX_TIME, q)
    assert tag_names(sources, window, scope=None, limit=0).scopes == tag_names([reference_source()], window, scope=None, limit=0).scopes


@cache
def fields() -> tuple[str, ...]:
    """Intrinsics, an unscoped name, and every attribute that is there, as TraceQL spells them."""
    scopes = tag_names([reference_source()], Window.of(0, MAX_TIME, None), scope=None, limit=0).scopes
    attributes = [f'{scope}."{name}"' for scope, names in scopes if scope != "intrinsic" for name in names]
    return ("name", "status", "kind", "rootName", "event:name", ".mixed", *attributes)


@pytest.mark.parametrize(("q", "limit"), [(None, 0), (None, 3), ("{ status = error }", 0)])
def test_tag_values_are_the_same(kind: Kind, q: str | None, limit: int) -> None:
    window = Window.of(0, MAX_TIME, q)
    for name in fields()[kind.number :: 2 * len(KINDS)]:
        wanted = tag_values([reference_source()], name, window, limit=limit).values
        assert tag_values(kind.sources, name, window, limit=limit).values == wanted, name


@pytest.mark.parametrize("tags", [{}, {"service.name": "front"}, {"http.method": "GET", "status.code": "error"}, {"name": "SELECT"}])
def test_the_search_of_before_traceql_has_the_same_answer(sources: list[Source], tags: dict[str, str]) -> None:
    bounds = [(0, 0), (10**6, 0), (0, 10**9)]
    for shortest, longest in bounds:
        asked = {"min_duration": shortest, "max_duration": longest, "start": 0, "end": MAX_TIME, "limit": 30}
        assert search_tags(tags, sources, **asked).traces == search_tags(tags, [reference_source()], **asked).traces
