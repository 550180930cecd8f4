"""Random OTLP export requests: every value type, nesting, empty and odd fields, in the official classes. For any test that needs spans."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

TRACE_IDS = [bytes(8) + bytes([0] * 7 + [7]), b"A" * 15 + b"1", b"A" * 15 + b"2", b"A" * 8 + b"B" * 8, b"\xff" * 16]
"""Few, so that spans meet in traces; some share their first half."""
SPAN_IDS = [bytes([0] * 7 + [place]) for place in range(1, 7)] + [b"\xff" * 8]
ODD_TRACE_IDS = [b"", bytes(16), b"A" * 15, b"A" * 17, b"A" * 32]
ODD_SPAN_IDS = [b"", bytes(8), b"B" * 7, b"B" * 9, b"B" * 16]
ODD_PARENT_IDS = [b"C", b"C" * 7, b"C" * 16]
KEYS = ["service.name", "http.method", "a", "b", "none", "", "名前", "nul\0key", "k" * 130]

small_text = st.sampled_from(["", "a", "b", "GET", "\0", "ü", "\U0001f600", "0", "long " * 40])
int64 = st.sampled_from([0, 1, 127, 128, 2**21, 2**35, 2**62, -1, 2**63 - 1, -(2**63)])
uint32 = st.sampled_from([0, 0, 1, 300, 2**32 - 1])
uint64 = st.sampled_from([0, 1, 1_795_593_600 * 10**9, 1_795_593_600 * 10**9 + 1, 2**63, 2**64 - 1])
doubles = st.sampled_from([0.0, -0.0, 1.5, 1e300, 5e-324, float("nan"), float("inf"), float("-inf"), 3.0])


def scalars() -> st.SearchStrategy[AnyValue]:
    return st.one_of(*of_each_kind())


def of_each_kind() -> list[st.SearchStrategy[AnyValue]]:
    return [
        small_text.map(lambda value: AnyValue(string_value=value)),
        int64.map(lambda value: AnyValue(int_value=value)),
        doubles.map(lambda value: AnyValue(double_value=value)),
        st.booleans().map(lambda value: AnyValue(bool_value=value)),
    ]


def _array(values: list[AnyValue]) -> AnyValue:
    return AnyValue(array_value=ArrayValue(values=values))


def _map(values: list[KeyValue]) -> AnyValue:
    return AnyValue(kvlist_value=KeyValueList(values=values))


def any_values() -> st.SearchStrategy[AnyValue]:
    """Scalars mostly; arrays of one kind, mixed and empty ones, maps, bytes, nested values, and values with nothing set."""
    plain_arrays = st.one_of(*[st.lists(kind, max_size=4).map(_array) for kind in of_each_kind()])
    rest = st.one_of(st.binary(max_size=5).map(lambda value: AnyValue(bytes_value=value)), st.builds(AnyValue))
    nested = st.recursive(
        st.one_of(scalars(), rest),
        lambda inner: st.one_of(st.lists(inner, max_size=3).map(_array), st.lists(key_values(inner), max_size=3).map(_map)),
        max_leaves=6,
    )
    return st.one_of(scalars(), scalars(), plain_arrays, rest, nested)


def key_values(values: st.SearchStrategy[AnyValue]) -> st.SearchStrategy[KeyValue]:
    """A key with a value or, now and then, without one."""
    return st.builds(_key_value, st.sampled_from(KEYS), st.one_of(values, values, values, st.none()))


def _key_value(key: str, value: AnyValue | None) -> KeyValue:
    return KeyValue(key=key) if value is None else KeyValue(key=key, value=value)


def attributes(largest: int = 4) -> st.SearchStrategy[list[KeyValue]]:
    """Attribute lists, keys of which may come twice."""
    return st.lists(key_values(any_values()), max_size=largest)


def events() -> st.SearchStrategy[Span.Event]:
    return st.builds(Span.Event, time_unix_nano=uint64, name=small_text, attributes=attributes(2), dropped_attributes_count=uint32)


def links() -> st.SearchStrategy[Span.Link]:
    return st.builds(
        Span.Link,
        trace_id=st.sampled_from(TRACE_IDS + ODD_TRACE_IDS),
        span_id=st.sampled_from(SPAN_IDS + ODD_SPAN_IDS),
        trace_state=small_text,
        attributes=attributes(2),
        dropped_attributes_count=uint32,
        flags=uint32,
    )


def spans(*, odd: bool = True) -> st.SearchStrategy[Span]:
    """Spans; `odd` ones may have ids, that is lengths of ids, which are refused."""
    often, extra = (6, True) if odd else (1, False)
    return st.builds(
        Span,
        trace_id=st.sampled_from(TRACE_IDS * often + (ODD_TRACE_IDS if extra else [])),
        span_id=st.sampled_from(SPAN_IDS * often + (ODD_SPAN_IDS if extra else [])),
        parent_span_id=st.sampled_from(([b"", *SPAN_IDS, bytes(8)]) * often + (ODD_PARENT_IDS if extra else [])),
        trace_state=small_text,
        name=small_text,
        kind=st.integers(0, 5),
        start_time_unix_nano=uint64,
        end_time_unix_nano=uint64,
        attributes=attributes(),
        dropped_attributes_count=uint32,
        events=st.lists(events(), max_size=1),
        dropped_events_count=uint32,
        links=st.lists(links(), max_size=1),
        dropped_links_count=uint32,
        status=st.one_of(st.none(), st.builds(Status, code=st.integers(0, 2), message=small_text)),
        flags=uint32,
    )


def _scope_spans(odd: bool) -> st.SearchStrategy[ScopeSpans]:
    scope = st.builds(InstrumentationScope, name=small_text, version=small_text, attributes=attributes(2), dropped_attributes_count=uint32)
    return st.builds(ScopeSpans, scope=st.one_of(st.none(), scope), spans=st.lists(spans(odd=odd), max_size=3), schema_url=small_text)


def requests(*, odd: bool = True) -> st.SearchStrategy[ExportTraceServiceRequest]:
    """Export requests of a few spans; without `odd` ones every span is accepted."""
    resource = st.builds(Resource, attributes=attributes(3), dropped_attributes_count=uint32)
    under = st.builds(
        ResourceSpans, resource=st.one_of(st.none(), resource), scope_spans=st.lists(_scope_spans(odd), max_size=2), schema_url=small_text
    )
    return st.builds(ExportTraceServiceRequest, resource_spans=st.lists(under, max_size=2))


def payloads(*, odd: bool = True, most: int = 3) -> st.SearchStrategy[list[bytes]]:
    """Several requests as bytes."""
    return st.lists(requests(odd=odd).map(_serialized), max_size=most)


def _serialized(message: Any) -> bytes:
    out: bytes = message.SerializeToString()
    return out
