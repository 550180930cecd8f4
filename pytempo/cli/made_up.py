"""Traces of a shop that does not exist: requests that fan out over a few services, some slow, some failing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

MILLISECOND = 1_000_000

OPERATIONS: dict[str, tuple[str, ...]] = {
    "frontend": ("GET /", "GET /product/{id}", "POST /cart", "POST /checkout"),
    "catalog": ("Catalog/Get", "Catalog/List"),
    "cart": ("Cart/Add", "Cart/Get"),
    "checkout": ("Checkout/Place",),
    "payment": ("Payment/Charge",),
    "inventory": ("SELECT stock", "UPDATE stock"),
    "mail": ("Mail/Send",),
}
"""Names of spans by service; the first service is that of the roots."""

CALLS: dict[str, tuple[str, ...]] = {
    "frontend": ("catalog", "cart", "checkout"),
    "catalog": ("inventory",),
    "cart": ("inventory", "catalog"),
    "checkout": ("payment", "inventory", "mail", "cart"),
    "payment": ("payment",),
    "inventory": ("inventory",),
    "mail": ("mail",),
}
"""Whom a service calls."""

FAILURES = 0.03
"""Share of spans that fail."""


@dataclass(frozen=True, slots=True)
class MadeUpTrace:
    """One trace, its spans by service."""

    trace_id: bytes
    resource_spans: list[ResourceSpans]


def made_up_traces(random: Random, traces: int, spans: int, end: int) -> Iterator[MadeUpTrace]:
    """`traces` traces of `spans` spans, one a second up to `end` (unix nanoseconds)."""
    for number in range(traces):
        yield _trace(random, spans, end - (traces - 1 - number) * 1000 * MILLISECOND)


def request(traces: list[MadeUpTrace]) -> bytes:
    """The traces as an ExportTraceServiceRequest."""
    return ExportTraceServiceRequest(resource_spans=[part for trace in traces for part in trace.resource_spans]).SerializeToString()


def _trace(random: Random, spans: int, end: int) -> MadeUpTrace:
    trace_id = random.randbytes(16)
    duration = int(random.lognormvariate(4.0, 1.0) * MILLISECOND) + MILLISECOND
    made: list[tuple[str, Span]] = []
    for place in range(spans):
        service, parent = ("frontend", None) if not made else made[random.randrange(max(0, place - 6), place)]
        if parent is None:
            begin, last = max(end - duration, 0), end
        else:
            service = random.choice(CALLS[service])
            begin, last = _within(random, parent)
        made.append((service, _span(random, trace_id, service, parent, begin, last)))
    return MadeUpTrace(trace_id, [_by_service(random, service, made) for service in dict.fromkeys(name for name, _ in made)])


def _within(random: Random, parent: Span) -> tuple[int, int]:
    """A stretch inside the parent's."""
    length = parent.end_time_unix_nano - parent.start_time_unix_nano
    begin = parent.start_time_unix_nano + int(length * random.uniform(0.02, 0.4))
    return begin, begin + int((parent.end_time_unix_nano - begin) * random.uniform(0.3, 0.95))


def _span(random: Random, trace_id: bytes, service: str, parent: Span | None, begin: int, end: int) -> Span:
    failed = random.random() < FAILURES
    return Span(
        trace_id=trace_id,
        span_id=random.randbytes(8),
        parent_span_id=parent.span_id if parent is not None else b"",
        name=random.choice(OPERATIONS[service]),
        kind=Span.SPAN_KIND_CLIENT if service == "inventory" else Span.SPAN_KIND_SERVER,
        start_time_unix_nano=begin,
        end_time_unix_nano=end,
        attributes=_attributes(random, service, failed),
        status=Status(code=Status.STATUS_CODE_ERROR, message="upstream timed out") if failed else Status(),
    )


def _attributes(random: Random, service: str, failed: bool) -> list[KeyValue]:
    if service == "inventory":
        return [_text("db.system", "postgresql"), _whole("db.rows", random.randrange(200))]
    method = random.choice(("GET", "POST"))
    status = 500 if failed else random.choice((200, 200, 200, 201, 404))
    return [
        _text("http.method", method),
        _whole("http.status_code", status),
        _text("user.id", f"u{random.randrange(500)}"),
        KeyValue(key="cache.hit", value=AnyValue(bool_value=random.random() < 0.5)),
        KeyValue(key="ratio", value=AnyValue(double_value=round(random.random(), 3))),
    ]


def _by_service(random: Random, service: str, made: list[tuple[str, Span]]) -> ResourceSpans:
    resource = Resource(attributes=[_text("service.name", service), _text("k8s.pod.name", f"{service}-{random.randrange(3)}")])
    spans = [span for name, span in made if name == service]
    return ResourceSpans(resource=resource, scope_spans=[ScopeSpans(scope=InstrumentationScope(name="pytempo.generate"), spans=spans)])


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def _whole(key: str, value: int) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(int_value=value))
