"""Batches back to OTLP's wire format: TracesData, which is byte-compatible with ExportTraceServiceRequest and with Tempo's Trace.

What decoding leaves out does not come back: flags, schema URLs, all but the last of a key's values, the difference between an end before
its start and an end at its start.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.json_format import ParseError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from pytempo.model.arrays import Array, Ints
from pytempo.model.attributes import Kind
from pytempo.model.batch import Batch
from pytempo.otlp.nested import from_json
from pytempo.otlp.records import Form, walk

FIELDS: dict[int, str] = {Kind.STRING: "string_value", Kind.INT: "int_value", Kind.DOUBLE: "double_value", Kind.BOOL: "bool_value"}
"""The AnyValue field of each typed kind."""


def encode(batch: Batch, spans: Ints | None = None) -> bytes:
    """The spans of a batch (all, or these rows) as TracesData bytes."""
    return messages(batch, spans).SerializeToString()


def messages(batch: Batch, spans: Ints | None = None) -> TracesData:
    """The spans of a batch (all, or these rows) as a TracesData message.

    Resource spans are grouped by trace, resource and scope, in the order of a block. `resource`, `scope` and `status` are there in every
    entry, even empty. An attribute with a nil value has a `value` with nothing set.
    """
    out = TracesData()
    for resource, scope, span in walk(batch, spans, PROTOBUF):
        if resource is not None:
            out.resource_spans.add(resource=resource)
        if scope is not None:
            add_span = out.resource_spans[-1].scope_spans.add(scope=scope).spans.add
        add_span(**span)
    return out


def _value(kind: int, content: Any) -> Any:
    field = FIELDS.get(kind)
    if field is None:
        return {} if kind == Kind.NIL else {"array_value": {}} if kind == Kind.EMPTY else _other(content)
    if isinstance(content, list):
        return {"array_value": {"values": [{field: element} for element in content]}}
    return {field: content}


def _other(text: str) -> AnyValue:
    """What a stored JSON text stands for; a text of another writer that protobuf cannot read comes back as it is, so that it is seen."""
    try:
        return from_json(text)
    except ParseError:
        return AnyValue(string_value=text)


def _listed(column: Array) -> list[Any]:
    out: list[Any] = column.tolist()
    return out


PROTOBUF = Form(name=str, identifiers=list, times=_listed, kinds=_listed, codes=_listed, value=_value)
"""The form of protobuf messages, as keyword arguments of their classes."""
