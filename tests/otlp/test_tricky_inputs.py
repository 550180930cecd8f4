"""Odd spans that real senders send, and what becomes of each: it, and never its neighbours, pays for what is wrong with it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue

from pytempo.model import Batch, Level
from pytempo.otlp import REASONS, Exported, decode, encode, messages, request_from_json, trace_to_json
from tests.otlp.protobuf import delimited, fixed64, key_value, number, request, span

GOOD = span(delimited(5, b"good"))


def names(batch: Batch) -> list[str]:
    return batch.stored(Level.SPAN, "name").to_pylist()


def attributes(batch: Batch, row: int = 0, level: Level = Level.SPAN) -> dict[str, Any]:
    """The attributes of one row, by key."""
    keys, _, values = batch.attributes(level).take(np.array([row])).listed()
    return dict(zip(keys, values, strict=True))


def json_request(**fields: Any) -> bytes:
    good = {"traceId": "0a" * 16, "spanId": "0b" * 8, "name": "good"}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [good | fields, good]}]}]}).encode()


def test_spans_with_impossible_trace_ids_are_counted_and_the_others_kept() -> None:
    """A 15-byte id, one of zeros and an empty one among two good spans (S15)."""
    bad = [span(trace_id=identifier) for identifier in (b"T" * 15, bytes(16), b"")]
    decoded = decode([request(GOOD, *bad, GOOD)])
    assert names(decoded.batch) == ["good", "good"]
    assert decoded.rejected.keys() == {"invalid_trace_id"}
    assert decoded.rejected["invalid_trace_id"].tolist() == [3]
    assert [decoded.batch.trace_ids().hex(row) for row in range(decoded.batch.count(Level.TRACE))] == [(b"T" * 16).hex()]


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (delimited(2, b"S" * 7), "invalid_span_id"),
        (delimited(2, bytes(8)), "invalid_span_id"),
        (delimited(4, b"P" * 9), "invalid_parent_span_id"),
        (delimited(9, key_value(b"k", delimited(6, b"\xff"))), "invalid_attribute"),
        (delimited(9, b"\xff"), "invalid_attribute"),
        (delimited(11, delimited(3, key_value(b"k", delimited(5, b"\xff")))), "invalid_attribute"),
        (delimited(11, b"\xff"), "invalid_attribute"),
        (delimited(13, b"\xff"), "invalid_attribute"),
    ],
)
def test_a_span_that_breaks_a_rule_costs_itself_only(field: bytes, reason: str) -> None:
    """One bad span among a hundred (S22)."""
    decoded = decode([request(*[GOOD] * 60, span(field), *[GOOD] * 39), request(GOOD)])
    assert names(decoded.batch) == ["good"] * 100
    assert {key: counts.tolist() for key, counts in decoded.rejected.items()} == {reason: [1, 0]}
    assert decoded.spans.tolist() == [99, 1]
    assert REASONS[reason] in Exported(99, 1, ((reason, 1),)).message


def test_a_resource_that_cannot_be_read_costs_the_spans_under_it() -> None:
    broken = request(GOOD, resource=delimited(1, key_value(b"k", delimited(5, b"\xff"))))
    decoded = decode([broken + request(GOOD), request(GOOD, scope=b"\xff")])
    assert decoded.spans.tolist() == [1, 0]
    assert decoded.rejected["invalid_attribute"].tolist() == [1, 1]


def test_a_value_that_nests_without_end_costs_its_span_only() -> None:
    value = delimited(1, b"deep")
    for _ in range(3000):
        value = delimited(5, delimited(1, value))
    decoded = decode([request(span(delimited(9, key_value(b"k", value))), GOOD)])
    assert names(decoded.batch) == ["good"]
    assert decoded.rejected["invalid_attribute"].tolist() == [1]


@pytest.mark.parametrize("identifier", ["0HoSbpJCGzTc5oc9oFdigQ==", "xyz", "0a" * 15 + "0", "0a" * 8 + " " + "0a" * 8, 12, "0a" * 15])
def test_a_json_trace_id_that_is_no_hex_costs_its_span_and_says_so(identifier: Any) -> None:
    """Base64, as protobuf's own JSON would have it (S17)."""
    decoded = decode([request_from_json(json_request(traceId=identifier, name="bad"))])
    assert names(decoded.batch) == ["good"]
    assert decoded.rejected["invalid_trace_id"].tolist() == [1]
    assert "hex" in REASONS["invalid_trace_id"]


def test_json_numbers_may_be_text_enums_numbers_and_unknown_fields_are_ignored() -> None:
    """S24."""
    values = [{"key": "text", "value": {"intValue": "42"}}, {"key": "number", "value": {"intValue": 42}}]
    fields = {"kind": 2, "attributes": values, "startTimeUnixNano": "1795593600000000001", "new": {"deep": [1]}}
    document = json.loads(json_request(**fields))
    document["resourceSpans"][0] |= {"unknown": [{}], "resource": {"attributes": [], "more": None}}
    batch = decode([request_from_json(json.dumps(document).encode())]).batch
    assert batch.stored(Level.SPAN, "kind").tolist() == [2, 0]
    assert batch.stored(Level.SPAN, "start")[0] == 1795593600000000001
    assert attributes(batch) == {"text": 42, "number": 42}


def test_nul_characters_are_kept_and_shown_as_valid_json() -> None:
    """S26."""
    decoded = decode([request(span(delimited(5, b"job\0x"), delimited(9, key_value(b"note", delimited(1, b"a\0b")))), GOOD)])
    shown = trace_to_json(decoded.batch)
    assert b"job\\u0000x" in shown
    (first, _) = json.loads(shown)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert first["name"] == "job\0x"
    assert first["attributes"] == [{"key": "note", "value": {"stringValue": "a\0b"}}]


def test_bytes_that_are_no_utf8_become_the_replacement_character() -> None:
    """S27."""
    broken = b"\x66\x6f\xff\x6f"
    first = span(
        delimited(5, broken),
        delimited(3, broken),
        delimited(9, key_value(b"raw", delimited(1, broken))),
        delimited(15, delimited(2, broken)),
    )
    decoded = decode([request(first, GOOD)])
    assert decoded.rejected == {}
    assert names(decoded.batch) == ["fo\ufffdo", "good"]
    assert attributes(decoded.batch) == {"raw": "fo\ufffdo"}
    assert (
        decoded.batch.stored(Level.SPAN, "trace_state")[0].as_py()
        == decoded.batch.stored(Level.SPAN, "status_message")[0].as_py()
        == "fo\ufffdo"
    )


def test_keys_that_differ_only_in_broken_bytes_are_one_key() -> None:
    fields = [delimited(9, key_value(key, number(3, value))) for key, value in ((b"k\xfe", 1), (b"k\xff", 2))]
    batch = decode([request(span(*fields))]).batch
    assert attributes(batch) == {"k\ufffd": 2}


def test_the_last_value_of_a_key_wins() -> None:
    """On a span and on a resource (S28)."""
    twice = b"".join(delimited(9, key_value(b"mode", delimited(1, value))) for value in (b"a", b"b"))
    resource = b"".join(delimited(1, key_value(b"service.name", delimited(1, value))) for value in (b"s1", b"s2"))
    batch = decode([request(span(twice), GOOD, resource=resource)]).batch
    assert attributes(batch) == {"mode": "b"}
    assert attributes(batch, level=Level.RESOURCE) == {"service.name": "s2"}
    assert batch.stored(Level.RESOURCE, "service_name").to_pylist() == ["s2"]
    assert batch.count(Level.SPAN) == 2


def test_the_last_value_of_a_key_wins_among_very_many() -> None:
    fields = [delimited(9, key_value(f"k{place % 50}".encode(), number(3, place))) for place in range(100)]
    batch = decode([request(span(*fields))]).batch
    assert attributes(batch) == {f"k{place}": place + 50 for place in range(50)}


def test_empty_keys_unset_values_and_empty_texts_are_kept_apart() -> None:
    """S30."""
    fields = [key_value(b"", delimited(1, b"x")), delimited(1, b"none"), key_value(b"blank", delimited(1, b"")), key_value(b"unset", b"")]
    batch = decode([request(span(*[delimited(9, field) for field in fields]))]).batch
    assert attributes(batch) == {"": "x", "none": None, "blank": "", "unset": None}
    back = messages(batch).resource_spans[0].scope_spans[0].spans[0].attributes
    assert [attribute.value.WhichOneof("value") for attribute in back] == ["string_value", None, "string_value", None]
    assert all(attribute.HasField("value") for attribute in back)
    assert batch.values(Level.SPAN, "none").present.tolist() == [False]
    assert batch.values(Level.SPAN, "blank").present.tolist() == [True]


def test_booleans_stay_with_their_spans() -> None:
    """S31."""
    spans = [span(delimited(9, key_value(b"ok", number(2, place % 2 == 0))), span_id=place.to_bytes(8)) for place in range(1, 1001)]
    batch = decode([request(*spans)]).batch
    (part,) = batch.values(Level.SPAN, "ok").parts
    assert part.rows.tolist() == list(range(1000))
    assert part.values.tolist() == [place % 2 == 0 for place in range(1, 1001)]
    again = decode([encode(batch)]).batch.values(Level.SPAN, "ok").parts[0]
    assert again.values.tolist() == part.values.tolist()


def test_an_end_before_the_start_is_a_duration_of_zero() -> None:
    """S35."""
    start, end = (5_000_000).to_bytes(8, "little"), (3_000_000).to_bytes(8, "little")
    batch = decode([request(span(fixed64(7, start), fixed64(8, end)))]).batch
    assert batch.stored(Level.SPAN, "duration").tolist() == [0]
    back = messages(batch).resource_spans[0].scope_spans[0].spans[0]
    assert back.start_time_unix_nano == back.end_time_unix_nano == 5_000_000


def test_an_event_before_its_span_keeps_its_time() -> None:
    start, time = (5_000_000).to_bytes(8, "little"), (3_000_000).to_bytes(8, "little")
    batch = decode([request(span(fixed64(7, start), delimited(11, fixed64(1, time))))]).batch
    assert messages(batch).resource_spans[0].scope_spans[0].spans[0].events[0].time_unix_nano == 3_000_000


@pytest.mark.parametrize("size", [127, 128, 2049, 70_000, 5_000_000])
def test_long_values_come_back_whole(size: int) -> None:
    """S29, without a size limit."""
    batch = decode([request(span(delimited(9, key_value(b"body", delimited(1, b"x" * size)))), GOOD)]).batch
    assert attributes(batch) == {"body": "x" * size}


def test_arrays_keep_their_kind_and_what_is_no_plain_array_is_kept_as_json() -> None:
    values = {
        "texts": [AnyValue(string_value="a"), AnyValue(string_value="")],
        "one": [AnyValue(int_value=-1)],
        "empty": [],
        "mixed": [AnyValue(int_value=1), AnyValue(string_value="x")],
        "unset": [AnyValue()],
        "nested": [AnyValue(array_value=ArrayValue())],
    }
    message = ExportTraceServiceRequest()
    sent = message.resource_spans.add().scope_spans.add().spans.add(trace_id=b"T" * 16, span_id=b"S" * 8)
    sent.attributes.extend(KeyValue(key=key, value=AnyValue(array_value=ArrayValue(values=value))) for key, value in values.items())
    batch = decode([message.SerializeToString()]).batch
    assert attributes(batch) == {
        "texts": ["a", ""],
        "one": [-1],
        "empty": [],
        "mixed": '{"arrayValue":{"values":[{"intValue":"1"},{"stringValue":"x"}]}}',
        "unset": '{"arrayValue":{"values":[{}]}}',
        "nested": '{"arrayValue":{"values":[{"arrayValue":{}}]}}',
    }
    assert batch.attributes(Level.SPAN).is_array.tolist() == [True, True, True, False, False, False]
    assert list(messages(batch).resource_spans[0].scope_spans[0].spans[0].attributes) == list(sent.attributes)
