"""A running server for the tests of its faces, and requests to send it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from tests.servers import RunningServer, serve

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

LIMIT = 1024 * 1024
"""The servers of these tests take requests up to this size."""


def request(
    *trace_ids: bytes, filler: int = 0, name: str = "GET /", service: str = "shop", now: int | None = None
) -> ExportTraceServiceRequest:
    """One span a trace id, a moment ago; `filler` bytes of an attribute make the request larger."""
    end = time.time_ns() if now is None else now
    spans = [
        Span(
            trace_id=trace_id,
            span_id=trace_id[-8:] or b"\1" * 8,
            name=name,
            kind=Span.SPAN_KIND_SERVER,
            start_time_unix_nano=end - 5_000_000,
            end_time_unix_nano=end,
            attributes=[KeyValue(key="filler", value=AnyValue(string_value="x" * filler))] if filler else [],
        )
        for trace_id in trace_ids
    ]
    resource = Resource(attributes=[KeyValue(key="service.name", value=AnyValue(string_value=service))])
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(resource=resource, scope_spans=[ScopeSpans(spans=spans)])])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a limit of `LIMIT` bytes a request, shared by the tests of a module."""
    data: Path = tmp_path_factory.mktemp("data")
    with serve(data, f"--otlp-max-request-bytes={LIMIT}") as running:
        yield running


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx.Client]:
    """A client of the query API."""
    with httpx.Client(base_url=server.http_url, timeout=30) as client:
        yield client


@pytest.fixture
def otlp_http(server: RunningServer) -> Iterator[httpx.Client]:
    """A client of OTLP/HTTP."""
    with httpx.Client(base_url=server.otlp_http_url, timeout=60) as client:
        yield client


@pytest.fixture
def export(server: RunningServer) -> Iterator[Callable[..., bytes]]:
    """Sends the bytes of a request over OTLP/gRPC; returns the bytes of the answer."""
    with grpc.insecure_channel(server.otlp_grpc_address, options=[("grpc.max_send_message_length", -1)]) as channel:
        call = channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=None)

        def send(payload: bytes, compression: grpc.Compression | None = None) -> bytes:
            answer: bytes = call(payload, compression=compression, timeout=60)
            return answer

        yield send
