"""OTLP/gRPC: what exporters send and what they are told."""

from __future__ import annotations

import logging
from collections.abc import Callable

import grpc
import httpx
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from pytempo.errors import Overloaded
from pytempo.server.receivers.otlp_grpc import SLACK, abort
from pytempo.server.status import refusal_of
from tests.server.conftest import EXPORT, LIMIT, request
from tests.servers import RunningServer

Export = Callable[..., bytes]


def is_stored(http: httpx.Client, trace_id: bytes) -> bool:
    return http.get(f"/api/traces/{trace_id.hex()}").status_code == 200


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_a_request_is_stored_however_it_is_compressed(export: Export, http: httpx.Client, compression: grpc.Compression) -> None:
    trace_id = f"compressed by {compression.value:2d}".encode()
    answer = export(request(trace_id, filler=4000).SerializeToString(), compression=compression)
    assert ExportTraceServiceResponse.FromString(answer) == ExportTraceServiceResponse()
    assert is_stored(http, trace_id)


def test_the_stock_exporter_delivers(server: RunningServer, http: httpx.Client) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=server.otlp_grpc_address, insecure=True)))
    with provider.get_tracer("test").start_as_current_span("from the stock exporter") as span:
        trace_id = span.get_span_context().trace_id
    provider.shutdown()
    assert is_stored(http, trace_id.to_bytes(16))


def test_a_request_without_spans_is_a_success(export: Export) -> None:
    assert export(b"") == b""


def test_a_bad_span_costs_only_itself(export: Export, http: httpx.Client) -> None:
    answer = export(request(b"the good span id", b"too short", bytes(16), b"").SerializeToString())
    partial = ExportTraceServiceResponse.FromString(answer).partial_success
    assert partial.rejected_spans == 3
    assert partial.error_message
    assert is_stored(http, b"the good span id")


@pytest.mark.parametrize("payload", [b"\xff\xff\xff", b"\x0a" + 9 * b"\xff" + b"\x01"], ids=["a cut number", "a length of 2^64 - 1"])
def test_bytes_that_are_no_request_are_refused(export: Export, payload: bytes) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        export(payload)
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_request_beyond_the_limit_is_refused_with_both_sizes_and_the_setting(export: Export) -> None:
    payload = request(b"x" * 16, filler=LIMIT).SerializeToString()
    with pytest.raises(grpc.RpcError) as raised:
        export(payload)
    error = raised.value
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert str(len(payload)) in error.details()
    assert str(LIMIT) in error.details()
    assert "--otlp-max-request-bytes" in error.details()
    assert "grpc-status-details-bin" not in dict(error.trailing_metadata())
    assert export(request(b"the one after it").SerializeToString()) == b""


def test_far_beyond_the_limit_the_transport_refuses_without_a_retry(export: Export) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        export(request(b"x" * 16, filler=LIMIT * SLACK).SerializeToString())
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "grpc-status-details-bin" not in dict(raised.value.trailing_metadata())
    assert export(request(b"the one after it").SerializeToString()) == b""


def test_a_bomb_is_refused_before_it_grows(export: Export, server: RunningServer) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        export(bytes(64 * LIMIT), compression=grpc.Compression.Gzip)
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "--otlp-max-request-bytes" in raised.value.details()
    assert export(request(b"after the bomb..").SerializeToString()) == b""


@pytest.mark.parametrize(("signal", "service"), [("metrics", "metrics.v1.MetricsService"), ("logs", "logs.v1.LogsService")])
def test_other_signals_are_unimplemented(server: RunningServer, signal: str, service: str) -> None:
    with grpc.insecure_channel(server.otlp_grpc_address) as channel:
        call = channel.unary_unary(f"/opentelemetry.proto.collector.{service}/Export", request_serializer=None, response_deserializer=None)
        with pytest.raises(grpc.RpcError) as raised:
            call(b"", timeout=30)
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert signal in raised.value.details()
    assert "\n" not in raised.value.details()


def test_received_spans_are_counted(export: Export, http: httpx.Client) -> None:
    def count(name: str) -> float:
        lines = [line for line in http.get("/metrics").text.splitlines() if line.startswith(f"{name}{{")]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)

    names = ("tempo_receiver_accepted_spans", "tempo_receiver_refused_spans", "tempo_discarded_spans_total")
    before = [count(name) for name in names]
    export(request(b"counted span one", b"counted span two", b"bad").SerializeToString())
    assert [count(name) - start for name, start in zip(names, before, strict=True)] == [2, 1, 1]


class Context:
    """The part of a call that `abort` uses."""

    def __init__(self) -> None:
        self.trailing: dict[str, bytes] = {}

    def set_trailing_metadata(self, metadata: tuple[tuple[str, bytes], ...]) -> None:
        self.trailing = dict(metadata)

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        self.ended = (code, details)


def test_an_overloaded_server_says_when_to_send_again() -> None:
    context = Context()
    abort(context, refusal_of(Overloaded("too much at once", retry_after=2.5), logging.getLogger("pytempo.test"), EXPORT))  # type: ignore[arg-type]
    assert context.ended == (grpc.StatusCode.RESOURCE_EXHAUSTED, "too much at once")
    status = Status.FromString(context.trailing["grpc-status-details-bin"])
    detail = RetryInfo()
    assert isinstance(status.details[0], AnyMessage)
    assert status.details[0].Unpack(detail)
    assert (detail.retry_delay.seconds, detail.retry_delay.nanos) == (2, 500_000_000)
