"""What ends a query, and what is counted while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import pytempo
from pytempo import BadQuery, QueryStopped, Store, StoreOptions
from pytempo.block.writer import BlockOptions
from pytempo.live.source import LiveSource
from pytempo.maintenance import FlushOptions
from pytempo.model import Batch, Level, Scan, Source
from pytempo.model.arrays import Bools
from pytempo.otlp import decode
from pytempo.query.budget import SECOND, Budget
from pytempo.query.options import QueryOptions
from pytempo.query.search import search
from pytempo.traceql import ast, check, parse
from pytempo.traceql.compare import text_with_constant
from pytempo.traceql.evaluate import evaluate
from pytempo.traceql.functions import Operator
from tests.building import BASE, MINUTE, request, span
from tests.clocks import Clock
from tests.contract.sources import Maker, payloads

QUERY = '{ span.route = "checkout" && duration > 0 }'
TRACES = 200


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Spans in a block of several row groups and live ones, each a trace of its own."""
    with filled(tmp_path) as opened:
        yield opened


@contextmanager
def filled(path: Path, query: QueryOptions = QueryOptions()) -> Iterator[Store]:  # noqa: B008  immutable
    options = StoreOptions(flush=FlushOptions(block=BlockOptions(row_group_spans=50)), query=query)
    with pytempo.open(path, options=options) as opened:
        opened.export(spans(range(1, TRACES + 1)))
        opened.flush()
        opened.export(spans(range(1001, 1001 + TRACES)))
        yield opened


def spans(ids: range) -> bytes:
    made = (span(trace=n, start=BASE + n * MINUTE, attributes={"route": "checkout", "note": f"note {n} " * 20}) for n in ids)
    return request(*made).SerializeToString()


def questions(store: Store) -> dict[str, Callable[[Budget], object]]:
    """Every way to ask a store."""
    return {
        "search": lambda budget: store.search(QUERY, budget=budget),
        "search_tags": lambda budget: store.search_tags({"route": "checkout"}, budget=budget),
        "trace": lambda budget: store.trace("1", budget=budget),
        "tags": lambda budget: store.tags(budget=budget),
        "tag_values": lambda budget: store.tag_values("span.route", budget=budget),
        "tag_values_v1": lambda budget: store.tag_values_v1("route", budget=budget),
        "query_range": lambda budget: store.query_range("{} | rate()", start=BASE, end=BASE + 1000 * MINUTE, budget=budget),
        "query_instant": lambda budget: store.query_instant("{} | rate()", start=BASE, end=BASE + 1000 * MINUTE, budget=budget),
    }


def test_a_cancelled_query_ends_whatever_is_asked(store: Store) -> None:
    for name, ask in questions(store).items():
        budget = Budget()
        threading.Thread(target=budget.cancel).run()
        with pytest.raises(QueryStopped, match="client") as stopped:
            ask(budget)
        assert stopped.value.cause == "client", name


def test_a_query_beyond_its_deadline_ends_whatever_is_asked(store: Store) -> None:
    for name, ask in questions(store).items():
        clock = Clock(0)
        budget = Budget(QueryOptions(timeout=2 * SECOND), clock=clock)
        clock.now = 2 * SECOND + 1
        with pytest.raises(QueryStopped, match=r"within 2s, the limit of query_timeout \(--query-timeout\)") as stopped:
            ask(budget)
        assert stopped.value.cause == "deadline", name


def test_until_the_deadline_a_query_is_answered(store: Store) -> None:
    clock = Clock(0)
    budget = Budget(QueryOptions(timeout=2 * SECOND), clock=clock)
    assert budget.remaining() == 2.0
    clock.now = 2 * SECOND
    assert len(store.search(QUERY, limit=1000, budget=budget)) == 2 * TRACES
    assert budget.remaining() == 0.0


def test_a_trace_that_was_found_can_be_read_whenever(store: Store) -> None:
    clock = Clock(0)
    budget = Budget(QueryOptions(timeout=SECOND), clock=clock)
    found = store.trace("1", budget=budget)
    assert found is not None
    clock.now = 5 * SECOND
    budget.cancel()
    assert found.batch.attributes(Level.SPAN).code("route") >= 0


class OfOneBatch(Budget):
    """Is cancelled as soon as one batch was looked at."""

    def looks_into(self, batch: Batch, traces: Bools) -> None:
        super().looks_into(batch, traces)
        self.cancel()


def test_a_query_ends_between_two_batches(store: Store) -> None:
    budget = OfOneBatch()
    with pytest.raises(QueryStopped):
        store.search("{ .a = 1 }", budget=budget)
    assert budget.inspected.jobs == 1


def test_a_query_ends_between_two_comparisons(store: Store) -> None:
    """A query may have thousands of them."""
    ended: list[int] = []

    def end_at_the_third() -> None:
        ended.append(1)
        if len(ended) == 3:
            raise QueryStopped("enough", "client")

    query = check(parse("{ .a = 1 || .b = 1 || .c = 1 || .d = 1 }"))
    assert isinstance(query.expression, ast.Pipeline)
    (batch,) = LiveSource(decode([spans(range(5))]).batch, 1).batches(Scan())
    with pytest.raises(QueryStopped):
        evaluate(query.expression, batch, np.ones(batch.count(Level.TRACE), np.bool_), end_at_the_third)
    assert len(ended) == 3


def test_a_query_ends_while_one_pattern_is_matched() -> None:
    """A long one against long texts: they are matched piece by piece."""
    texts = pa.array(["a" * 10_000] * 8)
    calls: list[int] = []
    assert text_with_constant(Operator.MATCHES, texts, "(a|b)*" * 500, lambda: calls.append(1)).all()
    assert len(calls) == 8
    assert text_with_constant(Operator.MATCHES, texts, "a*", lambda: calls.append(1)).all()
    assert len(calls) == 9


def test_a_query_that_needs_too_much_at_once_is_refused_and_told_the_limit(store: Store) -> None:
    with pytest.raises(BadQuery, match=r"more than the limit of 1000 bytes of max_query_memory_bytes \(--max-query-memory-bytes\)"):
        store.search(QUERY, limit=1000, budget=Budget(QueryOptions(max_memory_bytes=1000)))


def test_a_query_lets_go_of_columns_rather_than_hold_too_many(tmp_path: Path) -> None:
    """The same answer within less memory; what was let go is read again for the answer."""
    roomy, tight = Budget(), Budget(QueryOptions(max_memory_bytes=40_000))
    query = '{ span.note =~ "note .*" } | select(span.note)'
    with filled(tmp_path, QueryOptions(max_cached_bytes=0)) as store:
        assert store.search(query, limit=1000, budget=roomy).traces == store.search(query, limit=1000, budget=tight).traces
    assert tight.inspected.bytes > roomy.inspected.bytes


def test_a_joined_trace_is_found_within_little_memory(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    requests = payloads()
    sources: list[Source] = [maker.block(requests[part::3]) for part in range(3)]

    def ask(budget: Budget) -> object:
        query = check(parse("{ .absent = nil && name != `` } | select(name, span:kind)"))
        return search(query, sources, start=0, end=2**64 - 1, limit=1000, spans_per_spanset=3, budget=budget).traces

    assert ask(Budget()) == ask(Budget(QueryOptions(max_memory_bytes=60_000)))


class Forgetful(Budget):
    """Lets go of everything whenever something is counted, as a query does that is at its limit of memory."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[Batch] = []

    def reads(self, size: int, batch: Batch | None = None, memory: int = 0) -> None:
        for other in self.batches:
            if other is not batch:
                other.release()

    def looks_into(self, batch: Batch, traces: Bools) -> None:
        self.batches.append(batch)


@pytest.mark.timeout(30)
def test_a_batch_may_be_asked_to_let_go_while_it_counts_what_is_kept(store: Store) -> None:
    """Its own columns came from an earlier query, so that nothing is read: it waited for itself for ever."""
    wanted = [store.search(QUERY, limit=TRACES).traces for _ in range(2)]
    assert wanted[0] == wanted[1] == store.search(QUERY, limit=TRACES, budget=Forgetful()).traces
    query = "{ } | rate() by (span.route)"
    series = [
        store.query_range(query, start=BASE, end=BASE + 1300 * MINUTE, step=100 * MINUTE, budget=budget).series
        for budget in (None, Forgetful())
    ]
    assert repr(series[0]) == repr(series[1])
