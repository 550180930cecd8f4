"""Traces as Tempo's JSON: proto3 JSON of the encoded trace, written straight from the columns."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings

from pytempo.model import Concat
from pytempo.otlp import decode, messages, trace_to_json
from tests import building
from tests.otlp.protobuf import delimited, fixed64, key_value, number, request, span
from tests.otlp.strategies import payloads
from tests.otlp.test_encode import with_json


def same_value(value: Any) -> Any:
    """Numbers as text, since 0.0 and -0.0 are equal; no empty keys, which are written for an attribute but not within a value."""
    if isinstance(value, dict):
        return {key: same_value(item) for key, item in value.items() if (key, item) != ("key", "")}
    return (
        [same_value(item) for item in value] if isinstance(value, list) else repr(float(value)) if isinstance(value, float | int) else value
    )


@settings(max_examples=50)
@given(payloads())
def test_it_is_the_proto3_json_of_the_encoded_trace(requests: list[bytes]) -> None:
    batch = decode(requests).batch
    expected = json_format.MessageToDict(messages(batch)) or {"resourceSpans": []}
    assert same_value(json.loads(trace_to_json(batch))) == same_value(expected)


@settings(max_examples=20)
@given(payloads())
def test_version_1_answers_differ_in_the_name_of_the_list_only(requests: list[bytes]) -> None:
    batch = decode(requests).batch
    assert json.loads(trace_to_json(batch, top="batches")) == {"batches": json.loads(trace_to_json(batch))["resourceSpans"]}


def shown(*fields: bytes) -> dict[str, Any]:
    batch = decode([request(span(*fields))]).batch
    out: dict[str, Any] = json.loads(trace_to_json(batch))["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    return out


def test_ids_are_base64_times_are_text_and_defaults_are_left_out() -> None:
    assert shown() == {"traceId": "VFRUVFRUVFRUVFRUVFRUVA==", "spanId": "U1NTU1NTU1M=", "status": {}}
    full = shown(
        delimited(4, b"P" * 8), number(6, 2), fixed64(7, b"\1" + bytes(7)), fixed64(8, b"\3" + bytes(7)), delimited(15, number(3, 2))
    )
    assert full["parentSpanId"] == "UFBQUFBQUFA="
    assert full["kind"] == "SPAN_KIND_SERVER"
    assert (full["startTimeUnixNano"], full["endTimeUnixNano"]) == ("1", "3")
    assert full["status"] == {"code": "STATUS_CODE_ERROR"}


def test_resource_scope_and_status_are_there_even_empty() -> None:
    (resource_spans,) = json.loads(trace_to_json(decode([request(span())]).batch))["resourceSpans"]
    assert resource_spans["resource"] == {}
    assert resource_spans["scopeSpans"][0]["scope"] == {}
    assert resource_spans["scopeSpans"][0]["spans"][0]["status"] == {}


def test_a_kind_that_has_no_name_is_its_number() -> None:
    assert shown(number(6, 99))["kind"] == 99


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"", {}),
        (delimited(1, b""), {"stringValue": ""}),
        (number(3, 0), {"intValue": "0"}),
        (number(3, -5), {"intValue": "-5"}),
        (number(2, 0), {"boolValue": False}),
        (fixed64(4, bytes(8)), {"doubleValue": 0.0}),
        (fixed64(4, b"\0\0\0\0\0\0\xf8\x7f"), {"doubleValue": "NaN"}),
        (fixed64(4, b"\0\0\0\0\0\0\xf0\x7f"), {"doubleValue": "Infinity"}),
        (fixed64(4, b"\0\0\0\0\0\0\xf0\xff"), {"doubleValue": "-Infinity"}),
        (delimited(5, b""), {"arrayValue": {}}),
        (delimited(5, delimited(1, number(3, 7))), {"arrayValue": {"values": [{"intValue": "7"}]}}),
        (
            delimited(6, delimited(1, key_value(b"a", number(2, 1)))),
            {"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": True}}]}},
        ),
        (delimited(7, b"\0\1"), {"bytesValue": "AAE="}),
    ],
)
def test_values_are_written_as_proto3_json(payload: bytes, value: Any) -> None:
    assert shown(delimited(9, key_value(b"k", payload)))["attributes"] == [{"key": "k", "value": value}]


def test_text_of_another_writer_that_is_no_json_is_shown_as_text() -> None:
    batch = decode([request(span(delimited(9, key_value(b"k", delimited(7, b"raw")))))]).batch
    for text in ("no json", "[" * 100_000):
        (entry,) = json.loads(trace_to_json(with_json(batch, text)))["resourceSpans"]
        assert entry["scopeSpans"][0]["spans"][0]["attributes"][0]["value"] == {"stringValue": text}


def test_an_empty_key_is_written() -> None:
    assert shown(delimited(9, key_value(b"", number(3, 1))))["attributes"] == [{"key": "", "value": {"intValue": "1"}}]


def test_an_empty_batch_is_an_empty_list() -> None:
    assert trace_to_json(decode([]).batch) == b'{"resourceSpans":[]}'


def test_equal_resources_and_scopes_of_several_sources_stand_under_one_entry() -> None:
    """However a trace is spread over blocks, by id it looks the same."""
    pieces = [building.request(building.span(f"{number}", trace=1, id=number), scope="s") for number in (1, 2)]
    batches = [decode([piece.SerializeToString()]).batch for piece in pieces]
    (entry,) = json.loads(trace_to_json(Concat(batches)))["resourceSpans"]
    (scope,) = entry["scopeSpans"]
    assert [each["name"] for each in scope["spans"]] == ["1", "2"]
