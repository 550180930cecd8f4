"""OTLP's trace messages declared anew, wire-compatible and made for reading into columns.

Two liberties, both invisible on the wire, where text, bytes and messages share one wire type. Text is declared `bytes`, so that one
broken character cannot refuse a whole request. What is opened in a second step is declared `bytes` too: resources and scopes, once for all
equal ones; events and links, which most spans lack; key-values, which are many and small (otlp/key_values.py); arrays and maps, which nest
without end. A field that the wire holds twice counts with its last bytes. Field numbers: opentelemetry-proto 1.5, trace.proto,
common.proto, resource.proto.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool

PACKAGE = "pytempo.otlp"

MESSAGES = """
AnyValue       1 string_value bytes?   2 bool_value bool?      3 int_value int64?   4 double_value double?
AnyValue       5 array_value bytes?    6 kvlist_value bytes?   7 bytes_value bytes?
KeyValue       1 key bytes             2 value AnyValue
ArrayValue     1 values bytes*
Resource       1 attributes bytes*     2 dropped_attributes_count uint32
Scope          1 name bytes            2 version bytes
Scope          3 attributes bytes*     4 dropped_attributes_count uint32
Event          1 time_unix_nano fixed64   2 name bytes
Event          3 attributes bytes*     4 dropped_attributes_count uint32
Link           1 trace_id bytes        2 span_id bytes         3 trace_state bytes
Link           4 attributes bytes*     5 dropped_attributes_count uint32
LinkSlice      1 links bytes*
Status         2 message bytes         3 code int32
Span           1 trace_id bytes        2 span_id bytes         3 trace_state bytes  4 parent_span_id bytes
Span           5 name bytes            6 kind int32            7 start_time_unix_nano fixed64   8 end_time_unix_nano fixed64
Span           9 attributes bytes*    10 dropped_attributes_count uint32
Span          11 events bytes*        12 dropped_events_count uint32
Span          13 links bytes*         14 dropped_links_count uint32
Span          15 status Status
ScopeSpans     1 scope bytes           2 spans Span*
ResourceSpans  1 resource bytes        2 scope_spans ScopeSpans*
Request        1 resource_spans ResourceSpans*
"""
"""One message a line (a long one continues): field number, name and type; `*` repeated, `?` one of a oneof."""

_FIELD = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "bytes": _FIELD.TYPE_BYTES,
    "bool": _FIELD.TYPE_BOOL,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
    "uint32": _FIELD.TYPE_UINT32,
    "double": _FIELD.TYPE_DOUBLE,
    "fixed64": _FIELD.TYPE_FIXED64,
}


@cache
def message(name: str) -> Any:
    """The descriptor of one of our messages."""
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(_file().SerializeToString())
    return pool.FindMessageTypeByName(f"{PACKAGE}.{name}")


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="pytempo/otlp.proto", package=PACKAGE, syntax="proto3")
    known: dict[str, descriptor_pb2.DescriptorProto] = {}
    for line in MESSAGES.strip().splitlines():
        name, *words = line.split()
        if name not in known:
            known[name] = file.message_type.add(name=name)
        for number, field, kind in zip(words[::3], words[1::3], words[2::3], strict=True):
            _add_field(known[name], int(number), field, kind)
    return file


def _add_field(message_type: descriptor_pb2.DescriptorProto, number: int, name: str, kind: str) -> None:
    label = _FIELD.LABEL_REPEATED if kind.endswith("*") else _FIELD.LABEL_OPTIONAL
    field = message_type.field.add(name=name, number=number, label=label)
    base = kind.rstrip("*?")
    if base in _TYPES:
        field.type = _TYPES[base]
    else:
        field.type, field.type_name = _FIELD.TYPE_MESSAGE, f".{PACKAGE}.{base}"
    if kind.endswith("?"):
        if not message_type.oneof_decl:
            message_type.oneof_decl.add(name="value")
        field.oneof_index = 0
