"""The two doors for spans, on bytes: OTLP over gRPC and over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import httpx

from tests.waiting import PATIENCE

EXPORT = "/opentelemetry.proto.collector.{0}.v1.{1}Service/Export"
"""The one method of the services for traces, metrics and logs."""

PROTOBUF, JSON = "application/x-protobuf", "application/json"


def exporter(channel: grpc.Channel, signal: str = "trace") -> Callable[..., bytes]:
    """Sends the bytes of a request over gRPC, gives those of the answer; `signal` is trace, metrics or logs."""
    name = EXPORT.format(signal, signal.capitalize())
    export: Callable[..., bytes] = channel.unary_unary(name, request_serializer=None, response_deserializer=None)
    return export


def send(address: str, *payloads: bytes, tenant: str | None = None) -> None:
    """Export requests over gRPC, one after the other, each acknowledged."""
    with grpc.insecure_channel(address) as channel:
        for payload in payloads:
            exporter(channel)(payload, timeout=PATIENCE, metadata=as_tenant(tenant))


def as_tenant(tenant: str | None) -> tuple[tuple[str, str], ...]:
    """The metadata of a gRPC call that names a tenant, or none."""
    return () if tenant is None else (("x-scope-orgid", tenant),)


def post(url: str, body: bytes, content_type: str | None = PROTOBUF, **headers: str) -> httpx.Response:
    """Send a request to an OTLP/HTTP server."""
    given = {"content-type": content_type} if content_type is not None else {}
    sent = [(name.encode(), value.encode()) for name, value in (given | headers).items()]
    return httpx.post(f"{url}/v1/traces", content=body, headers=sent, timeout=PATIENCE)
