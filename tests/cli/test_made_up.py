"""Made-up traces are well-formed and the same for the same seed."""

from __future__ import annotations

from random import Random

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from pytempo.cli.made_up import MadeUpTrace, made_up_traces

END = 1_795_000_000_000_000_000


def spans_of(trace: MadeUpTrace) -> list[Span]:
    return [span for part in trace.resource_spans for scope in part.scope_spans for span in scope.spans]


@pytest.mark.parametrize("size", [1, 8, 200])
def test_a_trace_has_one_root_and_every_parent(size: int) -> None:
    (trace,) = made_up_traces(Random(1), 1, size, END)
    spans = {span.span_id: span for span in spans_of(trace)}
    assert len(spans) == size
    assert sum(not span.parent_span_id for span in spans.values()) == 1
    assert all(span.parent_span_id in spans for span in spans.values() if span.parent_span_id)


def test_spans_lie_within_their_parents() -> None:
    for trace in made_up_traces(Random(2), 20, 12, END):
        spans = {span.span_id: span for span in spans_of(trace)}
        for span in spans.values():
            parent = spans.get(span.parent_span_id, span)
            assert parent.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano <= parent.end_time_unix_nano


def test_every_span_of_a_trace_has_its_id() -> None:
    for trace in made_up_traces(Random(3), 5, 8, END):
        assert {span.trace_id for span in spans_of(trace)} == {trace.trace_id}
        assert len(trace.trace_id) == 16


def test_the_same_seed_makes_the_same_traces() -> None:
    first, second = (list(made_up_traces(Random(4), 3, 8, END)) for _ in range(2))
    assert first == second


def test_the_last_trace_ends_now() -> None:
    *_, last = made_up_traces(Random(5), 3, 8, END)
    assert max(span.end_time_unix_nano for span in spans_of(last)) == END
