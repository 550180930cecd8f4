"""What decoding has to come to, read span by span with the official classes: slow, plain, and independent of the columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeVar

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

M = TypeVar("M", Resource, InstrumentationScope, Span)


def rejection(span: Span) -> str | None:
    """Why a span is refused, None where it is not."""
    if len(span.trace_id) != 16 or not any(span.trace_id):
        return "invalid_trace_id"
    if len(span.span_id) != 8 or not any(span.span_id):
        return "invalid_span_id"
    return "invalid_parent_span_id" if len(span.parent_span_id) not in (0, 8) else None


def walked(data: bytes) -> Iterator[tuple[Resource, InstrumentationScope, Span]]:
    """Every span of a request or trace, with its parents."""
    for resource_spans in TracesData.FromString(data).resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield resource_spans.resource, scope_spans.scope, span


def rejected(payloads: Iterable[bytes]) -> Counter[str]:
    """Refused spans by reason."""
    return Counter(reason for payload in payloads for _, _, span in walked(payload) if (reason := rejection(span)))


def accepted(payloads: Iterable[bytes]) -> list[tuple[bytes, bytes, bytes]]:
    """The accepted spans as (resource, scope, span) messages, without what the store does not keep; sorted."""
    kept = [entry for payload in payloads for entry in walked(payload) if rejection(entry[2]) is None]
    return sorted(tuple(_clean(message).SerializeToString(deterministic=True) for message in entry) for entry in kept)


def _clean(message: M) -> M:
    message = type(message).FromString(message.SerializeToString())
    _settle(message.attributes)
    if isinstance(message, Resource):
        message.ClearField("entity_refs")
    if isinstance(message, Span):
        _clean_span(message)
    return message


def _clean_span(span: Span) -> None:
    span.ClearField("flags")
    span.status.SetInParent()
    span.end_time_unix_nano = max(span.start_time_unix_nano, span.end_time_unix_nano)
    if not any(span.parent_span_id):
        span.ClearField("parent_span_id")
    if span.status.code not in (1, 2):
        span.status.ClearField("code")
    for link in span.links:
        link.ClearField("flags")
    for below in (*span.events, *span.links):
        _settle(below.attributes)


def _settle(attributes: list[KeyValue]) -> None:
    """The last value of each key; a missing value is one with nothing set."""
    last = {attribute.key: place for place, attribute in enumerate(attributes)}
    kept = [attribute for place, attribute in enumerate(attributes) if last[attribute.key] == place]
    kept = [KeyValue(key=attribute.key, value=attribute.value) for attribute in kept]
    del attributes[:]
    attributes.extend(kept)
