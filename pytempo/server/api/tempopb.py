"""Tempo's query messages, declared from a table of their fields; only what the HTTP and gRPC query APIs answer and ask.

Numbers and names are those of Tempo's package `tempopb`; common.v1 is OTLP's. Trace bodies stay bytes: `Trace` is OTLP's `TracesData`
on the wire, and protobuf gives bytes and messages the same wire type.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

PACKAGE = "tempopb"

MESSAGES = """
AnyValue        1 stringValue string?  2 boolValue bool?  3 intValue int64?  4 doubleValue double?  5 arrayValue ArrayValue?
AnyValue        6 kvlistValue KeyValueList?  7 bytesValue bytes?
ArrayValue      1 values AnyValue*
KeyValueList    1 values KeyValue*
KeyValue        1 key string  2 value AnyValue

SearchRequest          1 Tags map:string  2 MinDurationMs uint32  3 MaxDurationMs uint32  4 Limit uint32  5 start uint32  6 end uint32
SearchRequest          8 Query string  9 SpansPerSpanSet uint32
SearchResponse         1 traces TraceSearchMetadata*  2 metrics SearchMetrics
TraceSearchMetadata    1 traceID string  2 rootServiceName string  3 rootTraceName string  4 startTimeUnixNano uint64  5 durationMs uint32
TraceSearchMetadata    6 spanSet SpanSet  7 spanSets SpanSet*  8 serviceStats map:ServiceStats
ServiceStats           1 spanCount uint32  2 errorCount uint32
SpanSet                1 spans Span*  2 matched uint32  3 attributes KeyValue*
Span                   1 spanID string  2 name string  3 startTimeUnixNano uint64  4 durationNanos uint64  5 attributes KeyValue*
SearchMetrics          1 inspectedTraces uint32  2 inspectedBytes uint64  3 totalBlocks uint32  4 completedJobs uint32  5 totalJobs uint32
SearchMetrics          6 totalBlockBytes uint64  7 inspectedSpans uint64

SearchTagsRequest      1 scope string  2 query string  3 start uint32  4 end uint32  5 maxTagsPerScope uint32  6 staleValuesThreshold uint32
SearchTagsResponse     1 tagNames string*  2 metrics MetadataMetrics
SearchTagsV2Response   1 scopes SearchTagsV2Scope*  2 metrics MetadataMetrics
SearchTagsV2Scope      1 name string  2 tags string*
SearchTagValuesRequest     1 tagName string  2 query string  4 start uint32  5 end uint32  6 maxTagValues uint32
SearchTagValuesRequest     7 staleValueThreshold uint32
SearchTagValuesResponse    1 tagValues string*  2 metrics MetadataMetrics
SearchTagValuesV2Response  1 tagValues TagValue*  2 metrics MetadataMetrics
TagValue               1 type string  2 value string
MetadataMetrics        1 inspectedBytes uint64  2 totalJobs uint32  3 completedJobs uint32  4 totalBlocks uint32  5 totalBlockBytes uint64

QueryRangeRequest      1 query string  2 start uint64  3 end uint64  4 step uint64  16 exemplars uint32  17 maxSeries uint32
QueryRangeResponse     1 series TimeSeries*  2 metrics SearchMetrics  3 status PartialStatus  4 message string
TimeSeries             1 labels KeyValue*  2 samples Sample*  4 exemplars Exemplar*
Sample                 1 value double  2 timestamp_ms int64
Exemplar               1 labels KeyValue*  2 value double  3 timestamp_ms int64
QueryInstantRequest    1 query string  2 start uint64  3 end uint64
QueryInstantResponse   1 series InstantSeries*  2 metrics SearchMetrics  3 status PartialStatus  4 message string
InstantSeries          1 labels KeyValue*  2 value double

TraceByIDResponse      1 trace bytes?  2 metrics TraceByIDMetrics  3 status PartialStatus  4 message string
TraceByIDMetrics       1 inspectedBytes uint64
"""
"""One message a line (a long one continues): field number, name and type; `*` repeated, `?` one of a oneof, `map:T` a map to T."""

ENUMS = {"PartialStatus": ("COMPLETE", "PARTIAL")}
"""Their words, numbered from 0."""

_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bool": _FIELD.TYPE_BOOL,
    "bytes": _FIELD.TYPE_BYTES,
    "double": _FIELD.TYPE_DOUBLE,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
    "string": _FIELD.TYPE_STRING,
    "uint32": _FIELD.TYPE_UINT32,
    "uint64": _FIELD.TYPE_UINT64,
}


def encode(document: dict[str, Any], message: str) -> bytes:
    """The wire form of a proto-JSON document (the dictionaries of render.py)."""
    wire: bytes = parse(document, message).SerializeToString(deterministic=True)
    return wire


def parse(document: dict[str, Any], message: str) -> Any:
    """A message from its proto-JSON document."""
    return json_format.ParseDict(document, message_class(message)())


@cache
def message_class(name: str) -> Any:
    """The class of a message."""
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{PACKAGE}.{name}"))


@cache
def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(_file().SerializeToString())
    return pool


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="pytempo/tempopb.proto", package=PACKAGE, syntax="proto3")
    for name, words in ENUMS.items():
        values = [descriptor_pb2.EnumValueDescriptorProto(name=word, number=number) for number, word in enumerate(words)]
        file.enum_type.add(name=name, value=values)
    known: dict[str, descriptor_pb2.DescriptorProto] = {}
    for line in filter(None, MESSAGES.splitlines()):
        name, *fields = line.split()
        if name not in known:
            known[name] = file.message_type.add(name=name)
        for number, field, kind in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
            _add_field(known[name], int(number), field, kind)
    return file


def _add_field(message: descriptor_pb2.DescriptorProto, number: int, name: str, kind: str) -> None:
    field = message.field.add(name=name, json_name=_in_camel_case(name), number=number, label=_FIELD.LABEL_OPTIONAL)
    base = kind.rstrip("*?")
    if base.startswith("map:"):
        base = _add_map_entry(message, name, base.removeprefix("map:"))
        field.label = _FIELD.LABEL_REPEATED
    if kind.endswith("*"):
        field.label = _FIELD.LABEL_REPEATED
    if base in _SCALARS:
        field.type = _SCALARS[base]
    else:
        field.type, field.type_name = _FIELD.TYPE_ENUM if base in ENUMS else _FIELD.TYPE_MESSAGE, f".{PACKAGE}.{base}"
    if kind.endswith("?"):
        if not message.oneof_decl:
            message.oneof_decl.add(name="value")
        field.oneof_index = 0


def _in_camel_case(name: str) -> str:
    """The name of a field in JSON: `timestamp_ms` is `timestampMs`."""
    first, *more = name.split("_")
    return first + "".join(word.title() for word in more)


def _add_map_entry(message: descriptor_pb2.DescriptorProto, field: str, value: str) -> str:
    """The hidden message behind a map field; returns its name within the package."""
    entry = message.nested_type.add(name=f"{field[0].upper()}{field[1:]}Entry")
    entry.options.map_entry = True
    _add_field(entry, 1, "key", "string")
    _add_field(entry, 2, "value", value)
    return f"{message.name}.{entry.name}"
