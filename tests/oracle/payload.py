"""Spans as an OTLP request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.oracle.spans import Attributes, Other, Resource, Scope, Span


def in_groups(spans: Iterable[Span]) -> dict[int, tuple[Resource, dict[int, tuple[Scope, list[Span]]]]]:
    """Spans by resource and scope (by identity), each as they first come: so they lie in a request, and so they arrive."""
    groups: dict[int, tuple[Resource, dict[int, tuple[Scope, list[Span]]]]] = {}
    for span in spans:
        _, scopes = groups.setdefault(id(span.resource), (span.resource, {}))
        scopes.setdefault(id(span.scope), (span.scope, []))[1].append(span)
    return groups


def in_order_of_arrival(spans: Iterable[Span]) -> list[Span]:
    """The spans of a request from front to back."""
    return [span for _, scopes in in_groups(spans).values() for _, together in scopes.values() for span in together]


def request(spans: Iterable[Span]) -> bytes:
    """One ExportTraceServiceRequest."""
    message = ExportTraceServiceRequest()
    for resource, scopes in in_groups(spans).values():
        resource_spans = message.resource_spans.add()
        _fill(resource_spans.resource.attributes, resource.attributes)
        for scope, together in scopes.values():
            scope_spans = resource_spans.scope_spans.add()
            scope_spans.scope.name, scope_spans.scope.version = scope.name, scope.version
            _fill(scope_spans.scope.attributes, scope.attributes)
            for span in together:
                _fill_span(scope_spans.spans.add(), span)
    return message.SerializeToString()


def _fill_span(message: Any, span: Span) -> None:
    message.trace_id, message.span_id, message.parent_span_id = span.trace_id, span.span_id, span.parent_id
    message.name, message.kind = span.name, span.kind
    message.start_time_unix_nano, message.end_time_unix_nano = span.start, span.end
    message.status.code, message.status.message = span.status, span.message
    _fill(message.attributes, span.attributes)
    for event in span.events:
        _fill(message.events.add(name=event.name, time_unix_nano=event.time).attributes, event.attributes)
    for link in span.links:
        _fill(message.links.add(trace_id=link.trace_id, span_id=link.span_id).attributes, link.attributes)


def _fill(table: Any, attributes: Attributes) -> None:
    for key, value in attributes.items():
        _set(table.add(key=key).value, value)


def _set(message: Any, value: Any) -> None:
    match value:
        case Other(content):
            _set(message, content)
        case bool():
            message.bool_value = value
        case int():
            message.int_value = value
        case float():
            message.double_value = value
        case str():
            message.string_value = value
        case bytes():
            message.bytes_value = value
        case tuple():
            message.array_value.SetInParent()
            for element in value:
                _set(message.array_value.values.add(), element)
        case dict():
            message.kvlist_value.SetInParent()
            for key, element in value.items():
                _set(message.kvlist_value.values.add(key=key).value, element)
        case None:
            message.SetInParent()
        case _:
            raise TypeError(f"{value!r} is no value of an attribute")
