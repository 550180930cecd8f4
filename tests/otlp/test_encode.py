"""Batches back to protobuf: grouped as blocks are, and with the sub-messages that clients read unasked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from pytempo.model import Level, MemoryBatch, merge
from pytempo.otlp import decode, encode, messages
from tests.model.comparing import span_rows, span_set
from tests.otlp import oracle
from tests.otlp.protobuf import delimited, key_value, number, request, span
from tests.otlp.strategies import payloads


def named(name: str, trace: bytes = b"T") -> bytes:
    """A span with an id of its own."""
    return span(delimited(5, name.encode()), trace_id=trace * 16, span_id=name.encode().rjust(8, b"_"))


def service(name: str) -> bytes:
    return delimited(1, key_value(b"service.name", delimited(1, name.encode())))


def layout(trace: TracesData) -> list[list[list[str]]]:
    """Span names, scope by scope, resource by resource."""
    return [[[one.name for one in scope.spans] for scope in resource.scope_spans] for resource in trace.resource_spans]


@settings(max_examples=50)
@given(payloads(odd=False))
def test_decoding_what_was_encoded_gives_the_same_spans(requests: list[bytes]) -> None:
    batch = decode(requests).batch
    assert span_set(decode([encode(batch)]).batch) == span_set(batch)


@settings(max_examples=50)
@given(payloads())
def test_every_entry_has_its_sub_messages_even_empty(requests: list[bytes]) -> None:
    for resource_spans in messages(decode(requests).batch).resource_spans:
        assert resource_spans.HasField("resource")
        for scope_spans in resource_spans.scope_spans:
            assert scope_spans.HasField("scope")
            assert all(one.HasField("status") for one in scope_spans.spans)
            assert all(attribute.HasField("value") for one in scope_spans.spans for attribute in one.attributes)


def test_spans_are_grouped_by_resource_and_scope_as_they_first_arrived() -> None:
    sent = [request(named("1"), resource=service("b")), request(named("2"), resource=service("a"), scope=delimited(1, b"lib"))]
    sent += [request(named("3"), resource=service("a")), request(named("4"), named("5"), resource=service("b"))]
    assert layout(messages(merge([decode(sent).batch]))) == [[["1", "4", "5"]], [["2"], ["3"]]]


def test_traces_stand_one_after_the_other_each_with_its_own_resources() -> None:
    batch = decode([request(named("late", b"Z"), named("early", b"A"), named("later", b"Z"))]).batch
    assert layout(messages(batch)) == [[["early"]], [["late", "later"]]]


def test_only_the_asked_rows_are_encoded() -> None:
    batch = decode([request(*[named(str(place)) for place in range(5)])]).batch
    assert layout(messages(batch, np.array([1, 3]))) == [[["1", "3"]]]
    assert layout(messages(batch, np.array([], np.int64))) == []


def test_the_bytes_are_those_of_an_export_request() -> None:
    batch = decode([request(named("x"), resource=service("a"))]).batch
    assert ExportTraceServiceRequest.FromString(encode(batch)).SerializeToString() == encode(batch)
    assert oracle.accepted([encode(batch)]) == oracle.accepted([request(named("x"), resource=service("a"))])


def test_an_empty_batch_is_no_bytes() -> None:
    assert encode(decode([]).batch) == b""


def with_json(batch: MemoryBatch, text: str) -> MemoryBatch:
    """The batch as if a block of another writer held that text."""
    table = replace(batch.attributes(Level.SPAN), others=pa.array([text], pa.string()))
    return replace(batch, tables={**batch.tables, Level.SPAN: table}, _derived={})


def test_json_of_another_writer_that_protobuf_cannot_read_comes_back_as_text() -> None:
    batch = decode([request(span(delimited(9, key_value(b"k", delimited(7, b"raw")))))]).batch
    for text in ("no json", '{"newValue":1}', "[" * 5000):
        (attribute,) = messages(with_json(batch, text)).resource_spans[0].scope_spans[0].spans[0].attributes
        assert attribute.value.string_value == text


def test_an_end_beyond_64_bits_stays_at_the_largest_time() -> None:
    batch = decode([request(named("x"))]).batch
    batch.columns |= {(Level.SPAN, "start"): np.array([2**64 - 10], np.uint64), (Level.SPAN, "duration"): np.array([20], np.uint64)}
    assert messages(batch).resource_spans[0].scope_spans[0].spans[0].end_time_unix_nano == 2**64 - 1


def test_many_attributes_of_many_spans_keep_their_places() -> None:
    spans = [span(*[delimited(9, key_value(b"k%d" % key, number(3, row * 10 + key))) for key in range(row % 4)]) for row in range(50)]
    batch = decode([request(*spans)]).batch
    out = messages(batch).resource_spans[0].scope_spans[0].spans
    assert [[attribute.value.int_value for attribute in one.attributes] for one in out] == [
        [row * 10 + key for key in range(row % 4)] for row in range(50)
    ]
    assert len(span_rows(batch)) == 50
