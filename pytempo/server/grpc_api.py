"""The port of Tempo's gRPC services: health; streaming queries are still to come and say so."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc

from pytempo.server.service import Service

HEALTH = "grpc.health.v1.Health"
SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"
"""`HealthCheckResponse` with its one field, `status`."""

STREAMING = "tempopb.StreamingQuerier"
METHODS = ("Search", "SearchTags", "SearchTagsV2", "SearchTagValues", "SearchTagValuesV2", "MetricsQueryRange", "MetricsQueryInstant")


def grpc_api_server(service: Service) -> grpc.Server:
    """A gRPC server; it still needs a port and `start()`."""

    def health(message: bytes, context: grpc.ServicerContext) -> bytes:
        return SERVING if service.not_ready() is None else NOT_SERVING

    server = grpc.server(ThreadPoolExecutor(4, thread_name_prefix="pytempo-grpc"), options=[("grpc.so_reuseport", 0)])
    check = {"Check": grpc.unary_unary_rpc_method_handler(health)}
    streams = {method: grpc.unary_unary_rpc_method_handler(_not_yet) for method in METHODS}
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(HEALTH, check), grpc.method_handlers_generic_handler(STREAMING, streams))
    )
    return server


def _not_yet(message: bytes, context: grpc.ServicerContext) -> bytes:
    context.abort(grpc.StatusCode.UNIMPLEMENTED, "not supported yet: streaming queries; ask /api/search on the HTTP port")
