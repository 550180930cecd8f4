"""The Arrow schema of a vParquet4 data.parquet, column for column as Tempo reads it; the paths of its leaves stand in `paths`.

Everything is non-null except where `optional` says otherwise, and so is every list element: Tempo stops working on a file whose
definition levels go higher than it expects. The order of fields is part of the format.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

RESOURCE_COLUMNS = {
    "cluster": "Cluster",
    "namespace": "Namespace",
    "pod": "Pod",
    "container": "Container",
    "k8s.cluster.name": "K8sClusterName",
    "k8s.namespace.name": "K8sNamespaceName",
    "k8s.pod.name": "K8sPodName",
    "k8s.container.name": "K8sContainerName",
}
"""Resource attributes with an optional column of their own, beside `service.name`; only strings move there."""

SPAN_STRING_COLUMNS = {"http.method": "HttpMethod", "http.url": "HttpUrl"}
"""Span attributes that move into an optional string column if they are strings."""

SPAN_INT_COLUMNS = {"http.status_code": "HttpStatusCode"}
"""Span attributes that move into an optional integer column if they are integers."""

DEDICATED_COLUMNS = tuple(f"String{number:02d}" for number in range(1, 11))
"""Columns of a resource and of a span for the attributes that meta.json lists; always in the file, null where unused."""


def _required(name: str, type: pa.DataType) -> pa.Field:
    return pa.field(name, type, nullable=False)


def _optional(name: str, type: pa.DataType) -> pa.Field:
    return pa.field(name, type, nullable=True)


def _list_of(type: pa.DataType) -> pa.DataType:
    return pa.list_(_required("element", type))


_TEXT, _BYTES, _BOOL, _DOUBLE = pa.string(), pa.binary(), pa.bool_(), pa.float64()
_I32, _I64, _U32, _U64 = pa.int32(), pa.int64(), pa.uint32(), pa.uint64()

_DEDICATED = _required("DedicatedAttributes", pa.struct([_optional(name, _TEXT) for name in DEDICATED_COLUMNS]))

ATTRIBUTE = pa.struct(
    [
        _required("Key", _TEXT),
        _required("IsArray", _BOOL),
        _required("Value", _list_of(_TEXT)),
        _required("ValueInt", _list_of(_I64)),
        _required("ValueDouble", _list_of(_DOUBLE)),
        _required("ValueBool", _list_of(_BOOL)),
        _optional("ValueUnsupported", _TEXT),
    ]
)
"""One attribute: a scalar is one element in one of the lists, an array of one type all its elements and `IsArray`; anything
else (maps, bytes, mixed arrays) is its protobuf JSON in `ValueUnsupported`."""

_ATTRIBUTES = _required("Attrs", _list_of(ATTRIBUTE))
_DROPPED_ATTRIBUTES = _required("DroppedAttributesCount", _I32)

EVENT = pa.struct([_required("TimeSinceStartNano", _U64), _required("Name", _TEXT), _ATTRIBUTES, _DROPPED_ATTRIBUTES])
"""An event of a span; its time counts from the span's start, modulo 2^64."""

LINK = pa.struct(
    [_required("TraceID", _BYTES), _required("SpanID", _BYTES), _required("TraceState", _TEXT), _ATTRIBUTES, _DROPPED_ATTRIBUTES]
)
"""A link of a span to another one."""

SPAN = pa.struct(
    [
        _required("SpanID", _BYTES),
        _required("ParentSpanID", _BYTES),
        _required("ParentID", _I32),
        _required("NestedSetLeft", _I32),
        _required("NestedSetRight", _I32),
        _required("Name", _TEXT),
        _required("Kind", _I64),
        _required("TraceState", _TEXT),
        _required("StartTimeUnixNano", _U64),
        _required("DurationNano", _U64),
        _required("StatusCode", _I64),
        _required("StatusMessage", _TEXT),
        _ATTRIBUTES,
        _DROPPED_ATTRIBUTES,
        _required("Events", _list_of(EVENT)),
        _required("DroppedEventsCount", _I32),
        _required("Links", _list_of(LINK)),
        _required("DroppedLinksCount", _I32),
        *(_optional(name, _TEXT) for name in SPAN_STRING_COLUMNS.values()),
        *(_optional(name, _I64) for name in SPAN_INT_COLUMNS.values()),
        _DEDICATED,
    ]
)
"""A span; `ParentSpanID` is empty and `ParentID` -1 for a root, `ParentID` is otherwise the parent's `NestedSetLeft`."""

SCOPE = pa.struct([_required("Name", _TEXT), _required("Version", _TEXT), _ATTRIBUTES, _DROPPED_ATTRIBUTES])
"""An instrumentation scope."""

SCOPE_SPANS = pa.struct([_required("Scope", SCOPE), _required("Spans", _list_of(SPAN))])
"""A scope with its spans."""

RESOURCE = pa.struct(
    [
        _ATTRIBUTES,
        _DROPPED_ATTRIBUTES,
        _required("ServiceName", _TEXT),
        *(_optional(name, _TEXT) for name in RESOURCE_COLUMNS.values()),
        _DEDICATED,
    ]
)
"""A resource; `ServiceName` is empty where `service.name` is absent or no string."""

RESOURCE_SPANS = pa.struct([_required("Resource", RESOURCE), _required("ss", _list_of(SCOPE_SPANS))])
"""A resource with its scopes."""

SERVICE_STATS = pa.map_(_TEXT, _required("value", pa.struct([_required("SpanCount", _U32), _required("ErrorCount", _U32)])))
"""Service name to its number of spans and of spans with status error."""

SCHEMA = pa.schema(
    [
        _required("TraceID", _BYTES),
        _required("TraceIDText", _TEXT),
        _required("StartTimeUnixNano", _U64),
        _required("EndTimeUnixNano", _U64),
        _required("DurationNano", _U64),
        _required("RootServiceName", _TEXT),
        _required("RootSpanName", _TEXT),
        _required("ServiceStats", SERVICE_STATS),
        _required("rs", _list_of(RESOURCE_SPANS)),
    ]
)
"""One row is one trace; rows ascend by `TraceID` (16 bytes) over the whole file."""


def _leaves(field: pa.Field, above: str = "") -> Iterator[tuple[str, pa.DataType]]:
    """Parquet's paths of the leaves under an Arrow field, with their types."""
    path, type = above + field.name, field.type
    if pa.types.is_map(type):
        yield from _leaves(pa.field("key", type.key_type), f"{path}.key_value.")
        yield from _leaves(pa.field("value", type.item_type), f"{path}.key_value.")
    elif pa.types.is_list(type):
        yield from _leaves(pa.field("element", type.value_type), f"{path}.list.")
    elif pa.types.is_struct(type):
        for child in type:
            yield from _leaves(child, f"{path}.")
    else:
        yield path, type


LEAVES: dict[str, pa.DataType] = {path: type for field in SCHEMA for path, type in _leaves(field)}
"""Dotted path of each leaf column, in the order of the file, and its Arrow type."""
