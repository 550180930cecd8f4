"""The port of Tempo's gRPC services: streaming queries and health."""

from __future__ import annotations

import grpc

from pytempo.server.service import Service
from pytempo.server.stream import streaming_handler

HEALTH = "grpc.health.v1.Health"
SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"
"""`HealthCheckResponse` with its one field, `status`."""

LARGEST_MESSAGE = 16 * 1024 * 1024
"""Bytes, both ways, as with Tempo. What is sent stays far below, since clients take less."""

OPTIONS = (
    ("grpc.max_receive_message_length", LARGEST_MESSAGE),
    ("grpc.max_send_message_length", LARGEST_MESSAGE),
    ("grpc.max_metadata_size", 64 * 1024),
    ("grpc.so_reuseport", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


def grpc_api_server(service: Service) -> grpc.aio.Server:
    """A gRPC server of the running event loop; it still needs a port and `start()`."""

    async def health(message: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        return SERVING if service.not_ready() is None else NOT_SERVING

    check = {"Check": grpc.unary_unary_rpc_method_handler(health)}
    server = grpc.aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(HEALTH, check), streaming_handler(service)))
    return server
