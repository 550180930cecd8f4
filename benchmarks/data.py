"""Deterministic trace data: the same seed gives the same requests, byte for byte.

8-span traces over 100 s, 10 services, 7 attributes a span (method, status code, route, peer, thread id, one of 50,000 user ids, a
random 64-bit request id), 3 % errors: about 270 bytes of OTLP a span. The mix `wide` has, beside that, an exception event on 5 % of the
spans, a link on 5 %, an array of texts on each and 2 KB of a statement on each tenth.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span

SPANS_PER_TRACE = 8
SECOND = 1_000_000_000
SERVICES = tuple(f"service-{number}" for number in range(10))
ROUTES = tuple(f"/api/v1/resource-{number}/{{id}}" for number in range(20))
METHODS = ("GET", "POST", "PUT")
STATUS_CODES = (200,) * 12 + (201, 304, 404, 500)


@dataclass
class Corpus:
    """Requests, and a few things in them that questions ask for."""

    spans: int
    spans_per_request: int = 512
    seed: int = 1
    mix: str = "plain"
    """`plain` or `wide`."""
    base: int = 1_795_593_600 * SECOND
    """Unix nanoseconds of the earliest span."""
    window: int = 3600
    """Seconds from there on that questions over HTTP ask for. It holds the time at which the spans come in as well, since Tempo moves the
    times of blocks there whose spans are more than two minutes older."""
    trace_ids: list[str] = field(default_factory=list)
    """Some trace ids, hex."""
    request_ids: list[str] = field(default_factory=list)
    """Some values of `request.id`, each on one span."""

    @property
    def asked(self) -> tuple[int, int]:
        """The window of questions, from and to, in unix seconds."""
        return self.base // SECOND, self.base // SECOND + self.window

    def step(self, number: int) -> int:
        """Seconds between the points of series in the question with this number, about a hundred. No two have the same, since Tempo keeps
        what it has answered about a block."""
        return max(self.window // 100, 1) + number

    @property
    def traces(self) -> int:
        """How many there are in all requests."""
        full, rest = divmod(self.spans, self.spans_per_request)
        return sum(count * max(spans // SPANS_PER_TRACE, 1) for count, spans in ((full, self.spans_per_request), (rest > 0, rest)))

    def requests(self) -> Iterator[bytes]:
        """Serialized export requests."""
        chance = random.Random(self.seed)
        left = self.spans
        while left > 0:
            request = _Request()
            count = min(left, self.spans_per_request)
            for _ in range(max(count // SPANS_PER_TRACE, 1)):
                self._add_trace(chance, request, min(count, SPANS_PER_TRACE))
            left -= count
            yield request.message.SerializeToString()

    def _add_trace(self, chance: random.Random, request: _Request, spans: int) -> None:
        trace_id = chance.randbytes(16)
        start = self.base + chance.randrange(100 * SECOND)
        span_ids = [chance.randbytes(8) for _ in range(spans)]
        for place, span_id in enumerate(span_ids):
            begin = start + place * 1_000_000
            span = request.span(chance.choice(SERVICES))
            span.trace_id, span.span_id = trace_id, span_id
            span.parent_span_id = span_ids[(place - 1) // 2] if place else b""
            span.name = f"{chance.choice(METHODS)} operation-{chance.randrange(10)}"
            span.kind = chance.randrange(1, 6)
            span.start_time_unix_nano, span.end_time_unix_nano = begin, begin + chance.randrange(SECOND)
            request_id = f"{chance.getrandbits(64):016x}"
            span.attributes.extend(_attributes(chance, request_id))
            if self.mix == "wide":
                _widen(chance, span)
            if chance.random() < 0.03:
                span.status.code = 2
            if len(self.request_ids) < 50 and chance.random() < 0.002:
                self.request_ids.append(request_id)
                self.trace_ids.append(trace_id.hex())


def _widen(chance: random.Random, span: Span) -> None:
    if chance.random() < 0.05:
        event = span.events.add(name="exception", time_unix_nano=span.start_time_unix_nano + 1000)
        event.attributes.extend([_pair("exception.type", "TimeoutError"), _pair("exception.message", f"{chance.random():.3f} s")])
    if chance.random() < 0.05:
        span.links.add(trace_id=chance.randbytes(16), span_id=chance.randbytes(8)).attributes.append(_pair("link.kind", "follows"))
    tags = KeyValue(key="tags")
    tags.value.array_value.values.extend(_pair("", f"tag-{chance.randrange(30)}").value for _ in range(3))
    span.attributes.append(tags)
    if chance.random() < 0.1:
        words = (f"column_{chance.randrange(1000)}" for _ in range(160))
        span.attributes.append(_pair("db.statement", f"SELECT {', '.join(words)} FROM orders"[:2048]))


def request_id(request: bytes) -> str:
    """The `request.id` of the first span of a serialized request."""
    span = ExportTraceServiceRequest.FromString(request).resource_spans[0].scope_spans[0].spans[0]
    return next(pair.value.string_value for pair in span.attributes if pair.key == "request.id")


class _Request:
    """One export request, with one entry for each service in it."""

    def __init__(self) -> None:
        self.message = ExportTraceServiceRequest()
        self._entries: dict[str, ScopeSpans] = {}

    def span(self, service: str) -> Span:
        if service not in self._entries:
            resource_spans = self.message.resource_spans.add()
            described = {"service.name": service, "k8s.pod.name": f"{service}-0", "host.name": "node-1"}
            resource_spans.resource.attributes.extend(_pair(key, value) for key, value in described.items())
            entry = resource_spans.scope_spans.add()
            entry.scope.name, entry.scope.version = "benchmark", "1.0"
            self._entries[service] = entry
        return self._entries[service].spans.add()


def _attributes(chance: random.Random, request_id: str) -> list[KeyValue]:
    return [
        _pair("http.request.method", chance.choice(METHODS)),
        _pair("http.status_code", chance.choice(STATUS_CODES)),
        _pair("http.route", chance.choice(ROUTES)),
        _pair("net.peer.name", f"peer-{chance.randrange(50)}"),
        _pair("thread.id", chance.randrange(64)),
        _pair("user.id", f"u{chance.randrange(50_000)}"),
        _pair("request.id", request_id),
    ]


def _pair(key: str, value: str | int) -> KeyValue:
    pair = KeyValue(key=key)
    if isinstance(value, int):
        pair.value.int_value = value
    else:
        pair.value.string_value = value
    return pair
