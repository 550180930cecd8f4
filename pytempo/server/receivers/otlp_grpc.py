"""OTLP/gRPC: raw bytes in, raw bytes out, no Python object for any span.

Messages are taken as they were sent (`grpc.per_message_decompression` 0) and inflated here, by the code and the limit of OTLP/HTTP;
so one setting governs both, and a refusal can name it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

import grpc

from pytempo.errors import Overloaded
from pytempo.otlp import export_response, status_message
from pytempo.server.receivers.bodies import inflate_message, is_compressed
from pytempo.server.receivers.intake import Intake
from pytempo.server.receivers.notices import Notices, only_traces
from pytempo.server.service import Service
from pytempo.server.status import Refusal, refusal_of
from pytempo.server.tenancy import metadata_values

TRACES = "opentelemetry.proto.collector.trace.v1.TraceService"

OTHER_SIGNALS = {
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
    "profiles": "opentelemetry.proto.collector.profiles.v1development.ProfilesService",
}
"""Services that OTLP clients may send to and that are not served."""

WORKERS = 32
"""Threads; each carries one request until it is durable, and those that wait together share one `fdatasync`."""

KEEP_ALIVE_MS = 60_000
"""Time without a word from a client after which it is asked whether it is there."""

SLACK = 2
"""gRPC itself refuses messages beyond this multiple of the limit, in words of its own; up to there we do, and name the setting."""

Handler = Callable[[Iterator[bytes], grpc.ServicerContext], bytes]
"""Takes its one message from an iterator, since only so it can be told when a client sends none."""


def otlp_grpc_server(service: Service, intake: Intake) -> grpc.Server:
    """A gRPC server that takes traces; it still needs a port and `start()`."""
    options = [
        ("grpc.max_receive_message_length", intake.limit * SLACK),
        ("grpc.max_metadata_size", 64 * 1024),
        ("grpc.per_message_decompression", 0),
        ("grpc.so_reuseport", 0),  # two servers on one port would each get half of the spans
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.keepalive_time_ms", KEEP_ALIVE_MS),  # a client that is gone without a word is noticed, and its connection ends
        ("grpc.keepalive_timeout_ms", KEEP_ALIVE_MS // 3),
    ]
    server = grpc.server(ThreadPoolExecutor(WORKERS, thread_name_prefix="pytempo-otlp-grpc"), options=options)
    notices = Notices(service.logger, service.clock)
    server.add_generic_rpc_handlers((_method(TRACES, _export(service, intake)),))
    server.add_generic_rpc_handlers(tuple(_method(name, _other_signal(signal, notices)) for signal, name in OTHER_SIGNALS.items()))
    return server


def _method(service_name: str, answer: Handler) -> grpc.GenericRpcHandler[bytes, bytes]:
    """The one method that every OTLP service has, on bytes."""
    return grpc.method_handlers_generic_handler(service_name, {"Export": grpc.stream_unary_rpc_method_handler(answer)})


def _export(service: Service, intake: Intake) -> Handler:
    def export(messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        message = receive(messages, context)
        if message is None:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{TRACES}/Export takes one message, and none was sent")
        try:
            with intake.arriving.holds(len(message)):
                tenant = service.tenancy.writer(metadata_values(context))
                most = max(len(message), intake.limit) if is_compressed(message) else len(message)
                return export_response(intake.work_on(most, lambda: inflate_message(message, intake.limit), "grpc", tenant))
        except Exception as error:
            abort(context, refusal_of(error, service.logger, f"{TRACES}/Export"))

    def receive(messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes | None:
        try:
            with intake.arriving.waits(context):
                return next(messages, None)
        except Overloaded as error:
            intake.crowded_out("grpc")
            abort(context, refusal_of(error, service.logger, f"{TRACES}/Export"))

    return export


def _other_signal(signal: str, notices: Notices) -> Handler:
    def refuse(messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        notices.say(client_of(context), only_traces(signal))
        context.abort(grpc.StatusCode.UNIMPLEMENTED, only_traces(signal))

    return refuse


def abort(context: grpc.ServicerContext, refusal: Refusal) -> NoReturn:
    """End the call with the refusal; with RetryInfo where it says when to ask again."""
    if refusal.retry_after is not None:
        status = status_message(refusal.grpc.value[0], refusal.text, refusal.retry_after)
        context.set_trailing_metadata((("grpc-status-details-bin", status),))
    context.abort(refusal.grpc, refusal.text)


def client_of(context: grpc.ServicerContext) -> str:
    """The client's host, without its port."""
    return re.sub(r":\d+$", "", str(context.peer()))
