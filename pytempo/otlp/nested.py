"""Values that are no scalar: arrays opened into typed values, and everything else as protobuf JSON of its AnyValue."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from pytempo.model.arrays import Bools, any_by_row, owners_of
from pytempo.model.attributes import TYPED, Kind
from pytempo.otlp.key_values import take_apart
from pytempo.otlp.pieces import varint
from pytempo.otlp.wire import read_each

ENVELOPE = (0x12, 0x1A, 0x5A, 0x12, 0x12, 0x0A)
"""The fields around a value where it lies deepest: in KeyValue, Event, Span, ScopeSpans, ResourceSpans, TracesData."""


@dataclass(frozen=True, slots=True)
class Arrays:
    """Array values [n]: the kind of each (a typed one, EMPTY, or OTHER), its length, and the typed values in order.

    OTHER are those whose elements do not share a typed kind, and those that cannot be read.
    """

    kinds: NDArray[np.uint8]
    counts: NDArray[np.int64]
    values: dict[Kind, Any]


def open_arrays(raw: Any) -> Arrays:
    """Open ArrayValue messages (a binary array without nulls)."""
    messages, unreadable = read_each("ArrayValue", raw)
    lists = messages.field("values")
    offsets = np.asarray(lists.offsets)
    counts, owners = np.diff(offsets).astype(np.int64), owners_of(offsets)
    pieces, broken = take_apart("AnyValue", lists.values)
    of_element = pieces.kinds
    mixed = unreadable | any_by_row(owners, broken, len(counts))
    kinds = np.where(mixed | (counts > 0), Kind.OTHER, Kind.EMPTY).astype(np.uint8)
    values = {}
    for kind in TYPED:
        mine = of_element == kind
        whole = (np.bincount(owners[mine], minlength=len(counts)) == counts) & (counts > 0) & ~mixed
        kinds[whole] = kind
        rows = np.flatnonzero(mine)
        values[kind] = _chosen(pieces.values(kind, rows), whole[owners[rows]])
    return Arrays(kinds, counts, values)


def _chosen(values: Any, mask: Bools) -> Any:
    return values[mask] if isinstance(values, np.ndarray) else values.filter(pa.array(mask))


def as_json(tag: int, payload: bytes) -> str | None:
    """An AnyValue as compact protobuf JSON; `payload` are the bytes that its field `tag` holds. None where it cannot be read.

    Unreadable is also what nests so deeply (protobuf reads 100 levels) that no client could read it in an answer.
    """
    value = _delimited(tag, payload)
    for field in ENVELOPE:
        value = _delimited(field, value)
    try:
        message = TracesData.FromString(value)
    except DecodeError:
        return None
    found = message.resource_spans[0].scope_spans[0].spans[0].events[0].attributes[0].value
    return json.dumps(json_format.MessageToDict(found), ensure_ascii=False, separators=(",", ":"))


def _delimited(tag: int, payload: bytes) -> bytes:
    """A length-delimited field of a message."""
    return bytes([tag]) + varint(len(payload)) + payload


def from_json(text: str) -> AnyValue:
    """The AnyValue that a stored JSON text stands for. Raises `google.protobuf.json_format.ParseError` where it stands for none."""
    return json_format.Parse(text, AnyValue())
