"""The one way from the receivers into the store: the size limit, the export, and the counters of both."""

from __future__ import annotations

import time
from collections.abc import Callable

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pytempo.errors import BadInput, RateLimited, Refused, RequestTooLarge
from pytempo.otlp import Exported
from pytempo.otlp.decode import PIECE
from pytempo.otlp.pieces import in_pieces
from pytempo.server.options import REQUEST_LIMIT
from pytempo.server.receivers.room import AT_ONCE, BODIES, Arriving, Bodies, WorkRoom
from pytempo.server.service import Service
from pytempo.telemetry import ReceiverMetrics

REASONS = {RateLimited: "rate_limited", Refused: "refused", BadInput: "invalid_request"}
"""Why a whole request is not taken: the label of tempo_discarded_spans_total, by error."""


class Intake:
    """Takes the bytes of export requests; safe to use from many threads."""

    def __init__(self, service: Service) -> None:
        self._service, self._metrics = service, ReceiverMetrics(service.registry)
        self.limit = service.request_limit
        self._room = WorkRoom(self.limit * AT_ONCE)
        self.arriving = Arriving(service.options.receive_timeout, self.limit)
        self.bodies = Bodies(self.limit * BODIES)

    def check_size(self, size: int) -> None:
        """Raises RequestTooLarge for a request beyond the limit."""
        if size > self.limit:
            raise RequestTooLarge(size, self.limit, REQUEST_LIMIT)

    def work_on(self, most: int, read: Callable[[], bytes], transport: str, tenant: str) -> Exported:
        """Store the request that `read` makes, which takes at most so many bytes; returns when it is durable.

        What is worked on at the same time takes a bounded size together. Raises as `read` and `take`.
        """
        with self._room.hold(most) as held:
            payload = read()
            held.shrink(len(payload))
            return self.take(payload, transport, tenant)

    def crowded_out(self, transport: str) -> None:
        """Count a request that was not read, since there was no room for it."""
        self._metrics.crowded_out(transport)

    def take(self, payload: bytes, transport: str, tenant: str) -> Exported:
        """Store one request of a tenant; returns when it is durable. `transport` is grpc or http.

        Raises what `Store.export` raises, and RequestTooLarge.
        """
        started, stored = time.perf_counter(), False
        try:
            self.check_size(len(payload))
            exported = self._service.store.export(payload, tenant=tenant)
            stored = True
        except (BadInput, Refused) as error:
            reason = next(word for kind, word in REASONS.items() if isinstance(error, kind))
            self._metrics.refused(transport, tenant, count_spans(payload), reason)
            raise
        finally:
            self._metrics.pushed(tenant, len(payload), time.perf_counter() - started, stored=stored)
        self._metrics.accepted(transport, tenant, exported.accepted, len(payload))
        for reason, count in exported.reasons:
            self._metrics.refused(transport, tenant, count, reason)
        return exported


def count_spans(payload: bytes) -> int:
    """The number of spans in a request, 0 where it cannot be read. Only for requests that are refused: it parses them, piece by piece."""
    try:
        return sum(_spans_of(piece) for _, pieces in in_pieces([payload], PIECE) for piece in pieces)
    except DecodeError:
        return 0


def _spans_of(payload: bytes) -> int:
    request = ExportTraceServiceRequest.FromString(payload)
    return sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)
