"""Protobuf bytes to nested Arrow: by ptars (Rust) where it is installed, by protobuf's own parser otherwise. Both give equal columns."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from google.protobuf import message_factory
from google.protobuf.message import DecodeError

from pytempo.errors import BadRequest
from pytempo.model.arrays import Bools
from pytempo.otlp.descriptors import message

ptars: Any
try:
    import ptars
except ImportError:  # no wheel for this platform: slower, same columns
    ptars = None


PANIC = "PanicException"
"""The class of what ptars raises where it fails an assumption of its own."""


def read(name: str, payloads: Sequence[bytes]) -> Any:
    """Messages of one type [n] as a struct array [n] whose fields are those of otlp/descriptors.py.

    Raises BadRequest where any payload is no such message; it does not say which. What protobuf itself takes is never refused: a request
    may have been acknowledged by its word (otlp/outline.py).
    """
    if ptars is not None:
        with suppress(BadRequest):
            return read_fast(name, payloads)
    return read_plain(name, payloads)


def read_each(name: str, payloads: Any) -> tuple[Any, Bools]:
    """`read` for a binary column [n] in which some may be no such message: these read as empty ones and stand in the mask [n]."""
    try:
        return read(name, payloads.to_pylist()), np.zeros(len(payloads), np.bool_)
    except BadRequest:
        kind = message_class(name)
        bad = np.array([not _readable(kind, payload) for payload in payloads.to_pylist()], np.bool_)
        kept = [b"" if broken else payload for payload, broken in zip(payloads.to_pylist(), bad, strict=True)]
        return read(name, kept), bad


def _readable(kind: Any, payload: bytes) -> bool:
    try:
        kind.FromString(payload)
    except DecodeError:
        return False
    return True


def read_fast(name: str, payloads: Sequence[bytes]) -> Any:
    """`read` by ptars. It holds the GIL: about 0.6 us a span and 0.1 ms a call."""
    try:
        batch = _handler(name).list_to_record_batch(list(payloads))
    except ValueError as error:
        raise BadRequest(f"not a valid protobuf {name}: {error}") from error
    except BaseException as error:  # a panic of Rust, as at lengths of near 2^64, is no Exception, and its class has no name to import
        if type(error).__name__ != PANIC:
            raise
        raise BadRequest(f"not a valid protobuf {name}: the parser gave up: {error}") from error
    return batch.to_struct_array()


@cache
def _handler(name: str) -> Any:
    descriptor = message(name)
    return ptars.HandlerPool([descriptor.file]).get_for_message(descriptor)


def read_plain(name: str, payloads: Sequence[bytes]) -> Any:
    """`read` by protobuf's parser and a walk over its objects: some 20 us a span."""
    kind = message_class(name)
    try:
        rows = [_row(kind.FromString(bytes(payload))) for payload in payloads]
    except DecodeError as error:
        raise BadRequest(f"not a valid protobuf {name}: {error}") from error
    return pa.array(rows, arrow_type(name))


@cache
def message_class(name: str) -> Any:
    """The protobuf class of one of our messages."""
    return message_factory.GetMessageClass(message(name))


def _row(value: Any) -> dict[str, Any]:
    return {field.name: _field(value, field) for field in value.DESCRIPTOR.fields}


def _field(value: Any, field: Any) -> Any:
    inner = getattr(value, field.name)
    if field.is_repeated:
        return list(inner) if field.message_type is None else [_row(item) for item in inner]
    if field.has_presence and not value.HasField(field.name):
        return None
    return _row(inner) if field.message_type is not None else inner


@cache
def arrow_type(name: str) -> pa.DataType:
    """The struct type of a message's columns."""
    return pa.struct([_arrow_field(field) for field in message(name).fields])


def _arrow_field(field: Any) -> pa.Field:
    one = _arrow_value(field)
    if field.is_repeated:
        return pa.field(field.name, pa.list_(pa.field("item", one, nullable=False)), nullable=False)
    return pa.field(field.name, one, nullable=field.has_presence)


def _arrow_value(field: Any) -> pa.DataType:
    if field.message_type is not None:
        return arrow_type(field.message_type.name)
    scalar = {"BYTES": pa.binary(), "BOOL": pa.bool_(), "INT32": pa.int32(), "INT64": pa.int64()}
    scalar |= {"UINT32": pa.uint32(), "DOUBLE": pa.float64(), "FIXED64": pa.uint64()}
    return scalar[next(word for word in scalar if getattr(field, f"TYPE_{word}") == field.type)]
