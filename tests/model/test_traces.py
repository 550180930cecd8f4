"""What follows for a trace from its spans: bounds, root and order, against a plain reading of the rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pytempo.model import Batch, Level
from pytempo.model.traces import file_order
from pytempo.otlp import decode
from tests.otlp.protobuf import delimited, fixed64, key_value, request, span

TRACES = (b"A" * 16, b"B" * 16)


@dataclass(frozen=True)
class Sent:
    trace: int
    identifier: int
    parent: int
    start: int
    end: int
    service: str | None
    child_of: bool


sents = st.lists(
    st.builds(
        Sent,
        st.integers(0, 1),
        st.integers(1, 4),
        st.integers(0, 2),
        st.integers(0, 3),
        st.integers(0, 5),
        st.sampled_from([None, "s", "t"]),
        st.booleans(),
    ),
    max_size=8,
)


def batch_of(spans: list[Sent]) -> Batch:
    message = ExportTraceServiceRequest()
    for place, sent in enumerate(spans):
        under = message.resource_spans.add()
        if sent.service is not None:
            under.resource.attributes.add(key="service.name", value={"string_value": sent.service})
        made = under.scope_spans.add().spans.add(trace_id=TRACES[sent.trace], span_id=sent.identifier.to_bytes(8), name=f"n{place}")
        made.parent_span_id = sent.parent.to_bytes(8) if sent.parent else b""
        made.start_time_unix_nano, made.end_time_unix_nano = sent.start, sent.end
        if sent.child_of:
            made.links.add(trace_id=TRACES[sent.trace], attributes=[{"key": "opentracing.ref_type", "value": {"string_value": "child_of"}}])
    return decode([message.SerializeToString()]).batch


@settings(max_examples=200)
@given(sents)
def test_bounds_and_root_of_every_trace(spans: list[Sent]) -> None:
    summary = batch_of(spans).summary()
    expected = [expected_trace(spans, trace) for trace in sorted({sent.trace for sent in spans})]
    columns = (summary.start, summary.end, summary.duration, summary.root_name, summary.root_service, summary.has_root)
    assert list(zip(*[column.tolist() for column in columns], strict=True)) == expected


def expected_trace(spans: list[Sent], trace: int) -> tuple[Any, ...]:
    mine = [(place, sent) for place, sent in enumerate(spans) if sent.trace == trace]
    start, end = min(sent.start for _, sent in mine), max(max(sent.end, sent.start) for _, sent in mine)
    roots = sorted((sent.child_of, sent.start, sent.identifier, place) for place, sent in mine if sent.parent == 0)
    if not roots:
        return start, end, end - start, "", "", False
    place = roots[0][3]
    return start, end, end - start, f"n{place}", spans[place].service or "", True


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 1)), max_size=12))
def test_file_order_groups_by_trace_resource_and_scope_as_they_first_arrived(spans: list[tuple[int, int, int]]) -> None:
    trace, resource = np.array([one[0] for one in spans], np.int32), np.array([one[1] for one in spans], np.int32)
    scope = resource * 2 + np.array([one[2] for one in spans], np.int32)

    def first(row: int, width: int) -> int:
        return min(other for other in range(len(spans)) if spans[other][:width] == spans[row][:width])

    expected = sorted(range(len(spans)), key=lambda row: (spans[row][0], first(row, 2), first(row, 3), row))
    assert file_order(trace, resource, scope).tolist() == expected


def test_the_earliest_parentless_span_is_the_root_whatever_arrived_first() -> None:
    late, early = Sent(0, 1, 0, 3, 4, "late", False), Sent(0, 2, 0, 2, 4, "early", False)
    for order in ([late, early], [early, late]):
        assert batch_of(order).summary().root_service.to_pylist() == ["early"]


def test_a_root_that_links_into_its_own_trace_comes_after_those_that_do_not() -> None:
    linked, plain = Sent(0, 1, 0, 1, 4, "linked", True), Sent(0, 2, 0, 3, 4, "plain", False)
    assert batch_of([linked, plain]).summary().root_service.to_pylist() == ["plain"]
    assert batch_of([linked]).summary().root_service.to_pylist() == ["linked"]


def test_a_link_into_another_trace_is_no_parent() -> None:
    link = delimited(1, TRACES[1]) + delimited(4, key_value(b"opentracing.ref_type", delimited(1, b"child_of")))
    early, late = (
        span(delimited(5, b"early"), delimited(13, link)),
        span(delimited(5, b"late"), fixed64(7, b"\5" + bytes(7)), span_id=b"2" * 8),
    )
    assert decode([request(late, early)]).batch.summary().root_name.to_pylist() == ["early"]


def test_a_batch_without_spans_has_no_traces() -> None:
    summary = batch_of([]).summary()
    assert len(summary.start) == len(summary.root_name) == 0


def test_the_service_is_the_text_of_service_name_and_nothing_else() -> None:
    def service(value: bytes) -> bytes:
        return delimited(1, key_value(b"service.name", value))

    values = [delimited(1, b"a"), b"\x18\x05", delimited(5, delimited(1, delimited(1, b"in an array"))), b"", delimited(1, b"b")]
    requests = [request(span(span_id=bytes([row]) * 8), resource=service(value)) for row, value in enumerate(values, 1)]
    batch = decode([*requests, request(span(span_id=b"6" * 8))]).batch
    names = batch.stored(Level.RESOURCE, "service_name")
    assert names.type == pa.string()
    assert names.take(pa.array(batch.rows(Level.SPAN, Level.RESOURCE))).to_pylist() == ["a", "", "", "", "b", ""]
