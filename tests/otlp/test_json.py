"""OTLP/JSON requests: read as the protobuf form of the same request, or refused with the place of the fault."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pytempo.errors import BadRequest
from pytempo.model import Level
from pytempo.otlp import decode, request_from_json
from tests.otlp.strategies import requests

IDS = ("traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id")


def hexed(value: Any) -> Any:
    """Protobuf's JSON with the ids in hex."""
    if isinstance(value, list):
        return [hexed(item) for item in value]
    if isinstance(value, dict):
        return {key: b64decode(item).hex() if key in IDS else hexed(item) for key, item in value.items()}
    return value


def one_span(**fields: Any) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{}, {"spans": [{"traceId": "0A" * 16, "spanId": "0b" * 8} | fields]}]}]}


def read(document: Any) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest.FromString(request_from_json(json.dumps(document).encode()))


def read_span(**fields: Any) -> Any:
    return read(one_span(**fields)).resource_spans[0].scope_spans[1].spans[0]


def read_value(**value: Any) -> Any:
    return read_span(attributes=[{"key": "k", "value": value}]).attributes[0].value


def refusal(document: Any) -> str:
    with pytest.raises(BadRequest) as caught:
        request_from_json(document if isinstance(document, bytes) else json.dumps(document).encode())
    return str(caught.value)


@settings(max_examples=50)
@given(requests())
def test_a_request_reads_the_same_from_json_and_from_protobuf(request: ExportTraceServiceRequest) -> None:
    for names in (False, True):
        document = hexed(json_format.MessageToDict(request, preserving_proto_field_name=names, use_integers_for_enums=not names))
        assert read(document).SerializeToString(deterministic=True) == request.SerializeToString(deterministic=True)


def test_ids_are_hex_of_either_case() -> None:
    span = read_span(traceId="0a0B0c0D" * 4, spanId="FF" * 8, parentSpanId="")
    assert (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id) == ("0a0b0c0d" * 4, "ff" * 8, b"")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"spanId": "0Ho="}, "invalid_span_id"),
        ({"spanId": None}, "invalid_span_id"),
        ({"spanId": 7}, "invalid_span_id"),
        ({"parentSpanId": "nope"}, "invalid_parent_span_id"),
        ({"links": [{"traceId": "0HoSbpJCGzTc5oc9oFdigQ=="}]}, "invalid_trace_id"),
        ({"links": [{}, {"spanId": "0HoSbpJCGzQ="}]}, "invalid_span_id"),
    ],
)
def test_an_id_that_is_no_hex_costs_its_span_only(fields: dict[str, Any], reason: str) -> None:
    document = one_span(**fields)
    document["resourceSpans"] += one_span(name="good")["resourceSpans"]
    decoded = decode([request_from_json(json.dumps(document).encode())])
    assert decoded.batch.stored(Level.SPAN, "name").to_pylist() == ["good"]
    assert {key: counts.tolist() for key, counts in decoded.rejected.items()} == {reason: [1]}


@pytest.mark.parametrize(("written", "number"), [("0", 0), (7, 7), ("18446744073709551615", 2**64 - 1), (2**64 - 1, 2**64 - 1), (5.0, 5)])
def test_64_bit_numbers_are_text_or_numbers(written: Any, number: int) -> None:
    assert read_span(startTimeUnixNano=written).start_time_unix_nano == number


@pytest.mark.parametrize(("written", "number"), [(0, 0), (5, 5), ("3", 3), ("SPAN_KIND_CLIENT", 3), (77, 77)])
def test_enums_are_numbers_and_names_are_tolerated(written: Any, number: int) -> None:
    assert read_span(kind=written).kind == number


@pytest.mark.parametrize(("written", "text"), [("NaN", "nan"), ("-Infinity", "-inf"), ("Infinity", "inf"), (1, "1.0"), ("1.5e3", "1500.0")])
def test_doubles_may_be_text(written: Any, text: str) -> None:
    assert repr(read_value(doubleValue=written).double_value) == text


@pytest.mark.parametrize("written", ["+/+/AA==", "-_-_AA", "-_-_AA=="])
def test_bytes_are_base64_of_either_alphabet(written: str) -> None:
    assert read_value(bytesValue=written).bytes_value == b"\xfb\xff\xbf\x00"


def test_defaults_in_a_value_are_values() -> None:
    assert read_value(stringValue="").WhichOneof("value") == "string_value"
    assert read_value(intValue=0).WhichOneof("value") == "int_value"
    assert read_value(boolValue=False).WhichOneof("value") == "bool_value"
    assert read_value(arrayValue={}).WhichOneof("value") == "array_value"
    assert read_value().WhichOneof("value") is None


def test_null_is_as_good_as_absent() -> None:
    assert read({"resourceSpans": None}) == ExportTraceServiceRequest()
    assert read_span(name=None, kind=None, attributes=None) == read_span()


def test_unknown_fields_are_ignored_at_every_level() -> None:
    plain, odd = one_span(status={"code": 2}), one_span(status={"code": 2, "x": []}, x={"y": 1})
    odd["x"] = odd["resourceSpans"][0]["x"] = odd["resourceSpans"][0]["scopeSpans"][1]["x"] = {"deep": [None]}
    assert read(odd) == read(plain)


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    assert read_span(name="a\ud800b").name == "a\ufffdb"
    assert read_span(name="\U0001f600\0").name == "\U0001f600\0"


def test_bytes_that_are_no_utf8_become_the_replacement_character() -> None:
    body = json.dumps(one_span(name="fo?o")).encode().replace(b"?", b"\xff")
    assert ExportTraceServiceRequest.FromString(request_from_json(body)).resource_spans[0].scope_spans[1].spans[0].name == "fo\ufffdo"


def test_a_byte_order_mark_is_skipped() -> None:
    assert request_from_json(b"\xef\xbb\xbf{}") == b""


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nope", b"{]", b'{"a":NaN}', b'{"a":-Infinity}', b"\xff\xfe{\0}\0", b'{"a":%s}' % (b"1" * 5000)]
)
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    assert refusal(body).startswith("the body cannot be read as JSON: ")


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"resourceSpans":[', b'{"resourceSpans":{"x":'])
def test_a_body_that_nests_without_end_is_refused(opening: bytes) -> None:
    assert "nests too deeply" in refusal(opening * 100_000)


def test_a_value_that_nests_deeper_than_protobuf_reads_is_refused_with_its_place() -> None:
    value: dict[str, Any] = {"stringValue": "deep"}
    for _ in range(47):
        value = {"arrayValue": {"values": [value]}}
    assert decode([request_from_json(json.dumps(one_span(attributes=[{"key": "k", "value": value}])).encode())]).rejected == {}
    said = refusal(one_span(attributes=[{"key": "k", "value": {"arrayValue": {"values": [value]}}}]))
    assert said.startswith("resourceSpans[0].scopeSpans[1].spans[0].attributes[0].value.arrayValue.values[0].")
    assert said.endswith("...: nesting of at most 100 levels is expected, not an object")


SPAN = "resourceSpans[0].scopeSpans[1].spans[0]"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "the body: an object is expected, not an array"),
        ("text", 'the body: an object is expected, not "text"'),
        ({"resourceSpans": {}}, "resourceSpans: an array is expected, not an object"),
        ({"resourceSpans": [None]}, "resourceSpans[0]: an object is expected, not null"),
        ({"resource_spans": [{"resource": 1}]}, "resource_spans[0].resource: an object is expected, not 1"),
        (one_span(startTimeUnixNano="abc"), f'{SPAN}.startTimeUnixNano: an integer from 0 to 18446744073709551615 is expected, not "abc"'),
        (one_span(startTimeUnixNano=-1), f"{SPAN}.startTimeUnixNano: an integer from 0 to"),
        (one_span(startTimeUnixNano=2**64), f"{SPAN}.startTimeUnixNano: an integer from 0 to"),
        (one_span(startTimeUnixNano=1.5), f"{SPAN}.startTimeUnixNano: an integer from 0 to"),
        (one_span(startTimeUnixNano=True), f"{SPAN}.startTimeUnixNano: an integer from 0 to"),
        (one_span(droppedLinksCount="4294967296"), f"{SPAN}.droppedLinksCount: an integer from 0 to 4294967295"),
        (one_span(kind="SPAN_KIND_ODD"), f"{SPAN}.kind: an integer from"),
        (one_span(name=5), f"{SPAN}.name: a string is expected, not 5"),
        (one_span(status=[]), f"{SPAN}.status: an object is expected, not an array"),
        (one_span(attributes=[{"key": "k", "value": "v"}]), f'{SPAN}.attributes[0].value: an object is expected, not "v"'),
        (
            one_span(attributes=[{"value": {"boolValue": "true"}}]),
            f'{SPAN}.attributes[0].value.boolValue: true or false is expected, not "true"',
        ),
        (one_span(attributes=[{"value": {"doubleValue": "x"}}]), f"{SPAN}.attributes[0].value.doubleValue: a number is expected"),
        (one_span(attributes=[{"value": {"doubleValue": 10**400}}]), f"{SPAN}.attributes[0].value.doubleValue: a number is expected"),
        (one_span(attributes=[{"value": {"bytesValue": "!"}}]), f"{SPAN}.attributes[0].value.bytesValue: a base64 string is expected"),
        (one_span(name=["x" * 100]), f"{SPAN}.name: a string is expected, not an array"),
        (one_span(kind="x" * 100), f"{SPAN}.kind: an integer from"),
    ],
)
def test_a_value_of_the_wrong_shape_is_refused_with_its_place(document: Any, said: str) -> None:
    assert re.match(re.escape(said), refusal(document))
    assert len(refusal(document)) < 250
