"""What can be told of a request without making columns of it: that all of its spans are good, how many they are, and of how many traces.

Making columns costs a millisecond a call, however little the request holds. A parse by protobuf takes half a microsecond a span, and shows
all that `decode` would find fault with, or that something is odd enough to look closer: then nothing is told, and the request is decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from pytempo.otlp.descriptors import message
from pytempo.otlp.pieces import varint

PACKAGE = "pytempo.outline"

LEVELS = 2
"""Messages around the request while it is parsed: so a value at any place lies as deep as `nested.as_json` puts it, or deeper."""

_scope_spans, _spans = attrgetter("scope_spans"), attrgetter("spans")
_trace_id, _span_id, _parent_id = attrgetter("trace_id"), attrgetter("span_id"), attrgetter("parent_span_id")


@dataclass(frozen=True, slots=True)
class Outline:
    """Of requests whose spans are all good."""

    spans: int
    traces: frozenset[bytes]
    """Their ids."""


def outline(payloads: Sequence[bytes]) -> Outline | None:
    """The outline of ExportTraceServiceRequest messages; None where `decode` has to say what they hold, as it always does for no spans."""
    spans: list[Any] = []
    for payload in payloads:
        request = _parsed(payload)
        if request is None or request.refused:
            return None
        spans += chain.from_iterable(map(_spans, chain.from_iterable(map(_scope_spans, request.resource_spans))))
    traces, ids = frozenset(map(_trace_id, spans)), set(map(_span_id, spans))
    lengths = set(map(len, traces)), set(map(len, ids)), set(map(len, map(_parent_id, spans)))
    if lengths[0] != {16} or lengths[1] != {8} or not lengths[2] <= {0, 8} or bytes(16) in traces or bytes(8) in ids:
        return None
    return Outline(len(spans), traces)


def _parsed(payload: bytes) -> Any:
    """The request with everything in it, None where something cannot be read or nests too deep."""
    for _ in range(LEVELS):
        payload = b"\x0a" + varint(len(payload)) + payload
    try:
        return _envelope().FromString(payload).inner.request
    except DecodeError:
        return None


@cache
def _envelope() -> Any:
    """The class of the outer message: the request lies LEVELS deep in it, and has the field of ours beside those of OTLP."""
    pool = descriptor_pool.DescriptorPool()
    for module in (common_pb2, resource_pb2, trace_pb2, trace_service_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(name="pytempo/outline.proto", package=PACKAGE, syntax="proto3")
    file.dependency.append(trace_pb2.DESCRIPTOR.name)
    _add_message(file, "Outer", ("inner", 1, f".{PACKAGE}.Inner"))
    _add_message(file, "Inner", ("request", 1, f".{PACKAGE}.Request"))
    request = _add_message(file, "Request", ("resource_spans", 1, f".{trace_pb2.ResourceSpans.DESCRIPTOR.full_name}"))
    request.field[0].label = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
    mark = message("Request").fields_by_name["refused"]
    request.field.add(name=mark.name, number=mark.number, type=mark.type, label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL)
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.Outer"))


def _add_message(file: descriptor_pb2.FileDescriptorProto, name: str, field: tuple[str, int, str]) -> descriptor_pb2.DescriptorProto:
    """A message with one field that is a message."""
    kind = descriptor_pb2.FieldDescriptorProto
    out = file.message_type.add(name=name)
    out.field.add(name=field[0], number=field[1], type_name=field[2], type=kind.TYPE_MESSAGE, label=kind.LABEL_OPTIONAL)
    return out
