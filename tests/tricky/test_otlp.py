"""Requests as clients really send them: in protobuf and JSON, compressed, broken, oversized, for other signals."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from tests.building import request, span
from tests.otlp import protobuf
from tests.sending import JSON, PROTOBUF, exporter, post
from tests.servers import RunningServer
from tests.states import State, Stores, matched


def as_json(message: ExportTraceServiceRequest) -> bytes:
    """OTLP/JSON: proto3 JSON with hex ids."""
    document = json_format.MessageToDict(message)
    for entry, made in zip(
        document["resourceSpans"][0]["scopeSpans"][0]["spans"], message.resource_spans[0].scope_spans[0].spans, strict=True
    ):
        entry |= {"traceId": made.trace_id.hex(), "spanId": made.span_id.hex(), "kind": made.kind}
    return json.dumps(document).encode()


def stored(server: RunningServer, trace: str) -> Any:
    """A trace by id, as JSON."""
    answer = httpx.get(f"{server.http_url}/api/v2/traces/{trace}")
    assert answer.status_code == 200
    return answer.json()["trace"]


def test_an_answer_has_the_encoding_of_its_request(server: RunningServer) -> None:
    """S19: protobuf in, protobuf out; JSON in, JSON out; a refusal is a Status."""
    made = request(span(trace=0x19))
    in_protobuf, in_json = post(server.otlp_http_url, made.SerializeToString()), post(server.otlp_http_url, as_json(made), JSON)
    assert (in_protobuf.status_code, in_protobuf.headers["content-type"]) == (200, PROTOBUF)
    assert ExportTraceServiceResponse.FromString(in_protobuf.content) == ExportTraceServiceResponse()
    assert (in_json.status_code, in_json.headers["content-type"].partition(";")[0]) == (200, JSON)
    assert json_format.Parse(in_json.content, ExportTraceServiceResponse()) == ExportTraceServiceResponse()
    broken = post(server.otlp_http_url, b"\xff\xff\xff")
    assert (broken.status_code, broken.headers["content-type"]) == (400, PROTOBUF)
    assert Status.FromString(broken.content).message


def test_a_request_is_stored_alike_whatever_its_compression(server: RunningServer) -> None:
    """S20: plain and gzip, over HTTP and gRPC."""
    ids = range(0x201, 0x205)
    plain, zipped, by_grpc, by_grpc_zipped = (
        request(span("alike", trace=trace, id=1, attributes={"text": "x" * 1000, "n": 3})).SerializeToString() for trace in ids
    )
    post(server.otlp_http_url, plain)
    post(server.otlp_http_url, gzip.compress(zipped), **{"content-encoding": "gzip"})
    with grpc.insecure_channel(server.otlp_grpc_address) as channel:
        call = exporter(channel)
        call(by_grpc, timeout=30)
        call(by_grpc_zipped, compression=grpc.Compression.Gzip, timeout=30)
    found = [stored(server, f"{trace:x}") for trace in ids]
    for trace in found:
        del trace["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"]
    assert found == [found[0]] * len(ids)


def test_a_body_that_inflates_to_a_gigabyte_is_refused_while_it_is_small(server: RunningServer) -> None:
    """S21: memory grows by no more than the limit and a margin, and the next request works."""
    bomb = gigabyte_of_zeros()
    assert len(bomb) < 1 << 20
    before = peak_memory(server)
    answer = post(server.otlp_http_url, bomb, **{"content-encoding": "gzip"})
    assert answer.status_code == 413
    assert "max_request_bytes" in Status.FromString(answer.content).message
    assert peak_memory(server) - before < 64 << 20
    assert post(server.otlp_http_url, request(span()).SerializeToString()).status_code == 200


def gigabyte_of_zeros() -> bytes:
    """A gzip body: one piece of 16 MiB is packed, and repeated."""
    packer = zlib.compressobj(9, wbits=-15)
    piece = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    header, end, checksum = gzip.compress(b"", mtime=0)[:10], packer.flush(), bytes(4)  # nobody comes as far as the checksum
    return header + piece * 64 + end + checksum + (1 << 30).to_bytes(4, "little")


def peak_memory(server: RunningServer) -> int:
    """The most bytes that the process has held in memory so far."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


@pytest.mark.parametrize("state", [State.LIVE, State.FLUSHED, State.KILLED], ids=lambda state: state.word)
def test_one_span_that_cannot_be_read_costs_itself_only(stores: Stores, state: State) -> None:
    """S22: of 100 spans 99 are stored, and the answer carries the count and the reason."""
    good = request(*(span(f"good {number:02}", trace=1) for number in range(99))).SerializeToString()
    no_utf8_no_message = protobuf.key_value(b"broken", protobuf.delimited(5, b"\xff"))
    bad = protobuf.request(protobuf.span(protobuf.delimited(9, no_utf8_no_message)))
    (exported,) = stores.export(good + bad)
    assert (exported.accepted, exported.rejected) == (99, 1)
    assert exported.reasons == (("invalid_attribute", 1),)
    assert exported.message
    assert matched(stores.into(state)) == [f"good {number:02}" for number in range(99)]


def test_a_request_of_which_nothing_is_stored_says_so(stores: Stores) -> None:
    """S22: a plain success with nothing stored is a failure."""
    (exported,) = stores.export(request(span(trace=b"short")))
    assert (exported.accepted, exported.rejected) == (0, 1)


def test_rejected_spans_are_counted_by_reason(server: RunningServer) -> None:
    """S22: in the metrics of the server."""
    name = 'tempo_discarded_spans_total{reason="invalid_span_id",tenant="single-tenant"}'
    before = metric(server, name)
    post(server.otlp_http_url, request(span(id=b"short"), span(id=b""), span()).SerializeToString())
    assert metric(server, name) == before + 2


def metric(server: RunningServer, name: str) -> float:
    """A sample of /metrics, 0 where it is not there yet."""
    lines = httpx.get(f"{server.http_url}/metrics").text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)), 0.0)


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json; charset=utf-8", 200),
        ("Application/JSON", 200),
        ("application/json;charset=UTF-8", 200),
        ("text/plain", 415),
        ("application/xml", 415),
        (None, 415),
    ],
)
def test_a_content_type_is_read_as_http_means_it(server: RunningServer, content_type: str | None, status: int) -> None:
    """S23: parameters and case do not matter; what is not read is a 415 that names what is."""
    answer = post(server.otlp_http_url, as_json(request(span())), content_type)
    assert answer.status_code == status
    assert status == 200 or (PROTOBUF in answer.text and JSON in answer.text)


def test_the_common_name_of_protobuf_is_taken_too(server: RunningServer) -> None:
    """S23: application/protobuf is accepted."""
    assert post(server.otlp_http_url, request(span(trace=0x23)).SerializeToString(), "application/protobuf").status_code == 200
    assert stored(server, "23")


def test_json_numbers_may_be_texts_enums_are_numbers_and_unknown_fields_are_ignored(server: RunningServer) -> None:
    """S24: as the OTLP specification has it."""
    made = {
        "traceId": "24".rjust(32, "0"),
        "spanId": "24".rjust(16, "0"),
        "kind": 2,
        "startTimeUnixNano": "1760000000000000000",
        "endTimeUnixNano": 1760000000001000000,
        "attributes": [{"key": "text", "value": {"intValue": "42"}}, {"key": "number", "value": {"intValue": 42}}],
        "sparkle": {"deep": [1, 2]},
    }
    body = {"resourceSpans": [{"glitter": True, "resource": {"attributes": []}, "scopeSpans": [{"spans": [made]}]}], "more": None}
    assert post(server.otlp_http_url, json.dumps(body).encode(), JSON).status_code == 200
    answer = httpx.get(
        f"{server.http_url}/api/search", params={"q": '{ trace:id = "24" && kind = server && span.text = 42 && span.number = 42 }'}
    )
    assert [found["traceID"] for found in answer.json()["traces"]] == ["24"]
    assert answer.json()["traces"][0]["startTimeUnixNano"] == "1760000000000000000"


@pytest.mark.parametrize("signal", ["metrics", "logs"])
def test_other_signals_are_refused_quietly_and_for_good(server: RunningServer, signal: str) -> None:
    """S25: 404 and UNIMPLEMENTED with one line; traces of the same client are not affected."""
    for _ in range(3):
        answer = httpx.post(f"{server.otlp_http_url}/v1/{signal}", content=b"", headers={"content-type": PROTOBUF})
        assert answer.status_code in (404, 405)
        assert answer.text.count("\n") == 1
        assert "/v1/traces" in answer.text
    with grpc.insecure_channel(server.otlp_grpc_address) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            exporter(channel, signal)(b"", timeout=30)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert "traces" in caught.value.details()
        exporter(channel)(request(span(trace=0x25)).SerializeToString(), timeout=30)
    assert stored(server, "25")
