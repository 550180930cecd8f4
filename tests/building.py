"""OTLP requests in the words of a test: `request(span("GET /", kind="server", attributes={"n": 3}), service="cart")`.

Whatever is left out is plain and valid: an id of its own, a trace of its own, a start at `BASE`, a duration of 1 ms. Ids are given as whole
numbers, as hex digits, or as bytes, which are taken as they are.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

BASE = 1_760_000_000_000_000_000
"""When the spans of tests begin unless they say otherwise: 2025-10-09 08:53:20 UTC in unix nanoseconds."""

MICROSECOND, MILLISECOND, SECOND = 10**3, 10**6, 10**9
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 24 * 3600 * SECOND
"""Nanoseconds."""

Id: TypeAlias = int | str | bytes
Attributes: TypeAlias = Mapping[str, Any] | Iterable[tuple[str, Any]]
"""Keys and values; a list of pairs where a key comes twice."""

KINDS = {name.removeprefix("SPAN_KIND_").lower(): number for name, number in Span.SpanKind.items()}
STATUSES = {name.removeprefix("STATUS_CODE_").lower(): number for name, number in Status.StatusCode.items()}

_numbers = itertools.count(0x1000)


def span(
    name: str = "GET /",
    *,
    trace: Id | None = None,
    id: Id | None = None,
    parent: Id = b"",
    kind: str = "internal",
    status: str = "unset",
    message: str = "",
    start: int = BASE,
    duration: int = MILLISECOND,
    attributes: Attributes = (),
    events: Sequence[Span.Event] = (),
    links: Sequence[Span.Link] = (),
) -> Span:
    """A span; `start` is in unix nanoseconds, `duration` in nanoseconds and may be negative."""
    return Span(
        trace_id=trace_id(next(_numbers) if trace is None else trace),
        span_id=span_id(next(_numbers) if id is None else id),
        parent_span_id=span_id(parent),
        name=name,
        kind=KINDS[kind],
        status=Status(code=STATUSES[status], message=message),
        start_time_unix_nano=start,
        end_time_unix_nano=start + duration,
        attributes=key_values(attributes),
        events=events,
        links=links,
    )


def event(name: str = "", *, time: int = BASE, attributes: Attributes = ()) -> Span.Event:
    """An event of a span, at `time` in unix nanoseconds."""
    return Span.Event(name=name, time_unix_nano=time, attributes=key_values(attributes))


def link(trace: Id = 0xABC, id: Id = 0xDEF, *, attributes: Attributes = ()) -> Span.Link:
    """A link to another span."""
    return Span.Link(trace_id=trace_id(trace), span_id=span_id(id), attributes=key_values(attributes))


def request(
    *spans: Span,
    service: str | None = "shop",
    resource: Attributes = (),
    scope: str = "",
    version: str = "",
    scope_attributes: Attributes = (),
) -> ExportTraceServiceRequest:
    """Spans under one resource and one scope; `resource` is what the resource has beside its `service.name`."""
    named = [("service.name", service)] if service is not None else []
    library = InstrumentationScope(name=scope, version=version, attributes=key_values(scope_attributes))
    above = Resource(attributes=key_values([*named, *_pairs(resource)]))
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(resource=above, scope_spans=[ScopeSpans(scope=library, spans=spans)])])


def together(*requests: ExportTraceServiceRequest) -> ExportTraceServiceRequest:
    """Several requests as one."""
    return ExportTraceServiceRequest(resource_spans=[entry for request in requests for entry in request.resource_spans])


def one_by_one(request: ExportTraceServiceRequest) -> list[ExportTraceServiceRequest]:
    """A request for each span, under the resource and scope that it had."""
    return [
        ExportTraceServiceRequest(
            resource_spans=[ResourceSpans(resource=above.resource, scope_spans=[ScopeSpans(scope=entry.scope, spans=[each])])]
        )
        for above in request.resource_spans
        for entry in above.scope_spans
        for each in entry.spans
    ]


def trace_id(given: Id) -> bytes:
    """16 bytes of a number or of hex digits with leading zeros left out; bytes as they are."""
    return _identifier(given, 16)


def span_id(given: Id) -> bytes:
    """8 bytes of a number or of hex digits with leading zeros left out; bytes as they are."""
    return _identifier(given, 8)


def _identifier(given: Id, width: int) -> bytes:
    if isinstance(given, bytes):
        return given
    return given.to_bytes(width) if isinstance(given, int) else bytes.fromhex(given.rjust(2 * width, "0"))


def key_values(attributes: Attributes) -> list[KeyValue]:
    """Attributes of Python values; a value None is an AnyValue with nothing set."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in _pairs(attributes)]


def _pairs(attributes: Attributes) -> Iterable[tuple[str, Any]]:
    return attributes.items() if isinstance(attributes, Mapping) else attributes


def any_value(value: Any) -> AnyValue:
    """A value of the type that its Python type stands for: lists are arrays, dicts key-value lists."""
    match value:
        case None:
            return AnyValue()
        case AnyValue():
            return value
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=map(any_value, value)))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=key_values(value)))
    raise TypeError(f"no attribute value: {value!r}")
