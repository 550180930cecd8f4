"""A server that holds a large and a small service, and gRPC channels to it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from tests.server.conftest import EXPORT, request
from tests.servers import RunningServer, serve

PORTS = ("grpc", "http")
"""Both speak gRPC."""

SHOP_TRACES, SHOP_SPANS = 50, 4
"""50 traces of the service `shop`, each of 4 spans."""

LARGE_TRACES, LARGE_VALUE = 1000, 5000
"""Traces of the service `large`; each span has an attribute `large` of that many characters, a different one in each."""


def shop() -> ExportTraceServiceRequest:
    made = request(*(bytes([1]) + number.to_bytes(15) for number in range(SHOP_TRACES) for _ in range(SHOP_SPANS)))
    for number, span in enumerate(made.resource_spans[0].scope_spans[0].spans):
        span.span_id = (number + 1).to_bytes(8)
        span.attributes.add(key="number", value=AnyValue(int_value=number))
    return made


def large() -> ExportTraceServiceRequest:
    made = request(*(bytes([2]) + number.to_bytes(15) for number in range(1, LARGE_TRACES + 1)), service="large")
    for number, span in enumerate(made.resource_spans[0].scope_spans[0].spans):
        span.attributes.append(KeyValue(key="large", value=AnyValue(string_value=f"{number:0{LARGE_VALUE}}")))
    return made


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Holds both services, all of their spans of the last minute."""
    with serve(tmp_path_factory.mktemp("data"), "--max-tag-bytes=0") as running:
        with grpc.insecure_channel(running.otlp_grpc_address, options=[("grpc.max_send_message_length", -1)]) as channel:
            call = channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=None)
            for each in (shop(), large()):
                call(each.SerializeToString(), timeout=60)
        yield running


def address(server: RunningServer, port: str) -> str:
    """Where to dial a port of `PORTS`."""
    return server.addresses[port].removeprefix("http://")


@pytest.fixture(params=PORTS)
def channel(server: RunningServer, request: pytest.FixtureRequest) -> Iterator[grpc.Channel]:
    """A channel of a client with gRPC's own defaults, to either port."""
    with grpc.insecure_channel(address(server, request.param)) as opened:
        yield opened


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx.Client]:
    """A client of HTTP/1 on the port that speaks both."""
    with httpx.Client(base_url=server.http_url, timeout=60) as client:
        yield client


@pytest.fixture
def minutes() -> tuple[int, int]:
    """A window around everything, in unix seconds, at whole minutes."""
    now = int(time.time()) // 60 * 60
    return now - 600, now + 120
