"""OTLP/JSON export requests to OTLP's wire format, so that one decoder reads both.

OTLP/JSON is proto3 JSON with three turns of its own: trace and span ids are hex, enums are numbers, and unknown fields are ignored (OTLP
1.5 specification, JSON Protobuf Encoding). Names of enums, and of fields as the .proto files spell them, are accepted too.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable
from functools import cache, partial
from typing import Any, TypeAlias

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pytempo.errors import BadRequest

Reader: TypeAlias = Callable[[Any, int], Any]
"""Turns a JSON value, which lies so many messages deep, into what protobuf's classes take. Raises `_Wrong`."""

DEEPEST = 100
"""Messages in messages; protobuf's parsers, ours and those of the clients, read no deeper."""

LONGEST_PATH = 24
"""Steps of a path that a message shows."""

UNREADABLE_ID = b"no hexadecimal!"
"""Stands for an id that is no hex: of no length that an id may have, so that decoding leaves the span out and counts it."""

INTEGER = re.compile(r"-?[0-9]{1,20}")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
RANGES = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED64: (0, 2**64 - 1),
}


class _Wrong(Exception):
    """A value that does not fit its field; `path` grows on the way out."""

    def __init__(self, expected: str, value: Any) -> None:
        self.path: list[str | int] = []
        super().__init__(f"{expected} is expected, not {_shown(value)}")

    @property
    def where(self) -> str:
        """The path as people write it: `resourceSpans[0].scopeSpans[1]`."""
        steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in reversed(self.path)]
        shown = steps if len(steps) <= LONGEST_PATH else [*steps[:LONGEST_PATH], "..."]
        return "".join(shown).removeprefix(".") or "the body"


def _shown(value: Any) -> str:
    """A value in a message: whole where it is small, by its sort where it is not."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:40] + "..."


def request_from_json(body: bytes) -> bytes:
    """An export request in OTLP/JSON as ExportTraceServiceRequest bytes.

    A span with an id that is no hex gets UNREADABLE_ID in its place. Raises BadRequest that says what is wrong and where: the body is no
    JSON, or a value is not of its field's type.
    """
    document = _parsed(body)
    try:
        fields = _message(ExportTraceServiceRequest.DESCRIPTOR, document, 0)
    except _Wrong as wrong:
        raise BadRequest(f"{wrong.where}: {wrong}") from None
    return ExportTraceServiceRequest(**fields).SerializeToString()


def _parsed(body: bytes) -> Any:
    """The JSON document; bytes that are no UTF-8 become U+FFFD, as in the protobuf form."""
    try:
        return json.loads(body.decode("utf-8-sig", errors="replace"), parse_constant=_refuse_constant)
    except RecursionError:
        raise BadRequest("the body nests too deeply to be read as JSON") from None
    except ValueError as error:
        raise BadRequest(f"the body cannot be read as JSON: {error}") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f'{name} is no JSON; OTLP/JSON writes it as the string "{name}"')


def _message(descriptor: Descriptor, value: Any, depth: int) -> dict[str, Any]:
    """The keyword arguments that make a message of its class."""
    if not isinstance(value, dict):
        raise _Wrong("an object", value)
    if depth >= DEEPEST:
        raise _Wrong(f"nesting of at most {DEEPEST} levels", value)
    known, out = _fields(descriptor), {}
    for key, item in value.items():
        if key in known and item is not None:
            name, read = known[key]
            try:
                out[name] = read(item, depth + 1)
            except _Wrong as wrong:
                wrong.path.append(key)
                raise
    return out


def _span(descriptor: Descriptor, value: Any, depth: int) -> dict[str, Any]:
    """A span, which an unreadable id in one of its links costs as much as one of its own."""
    span = _message(descriptor, value, depth)
    for link in span.get("links", ()):
        span |= {name: UNREADABLE_ID for name in ("trace_id", "span_id") if link.get(name) is UNREADABLE_ID}
    return span


@cache
def _fields(descriptor: Descriptor) -> dict[str, tuple[str, Reader]]:
    """By JSON name and by .proto name: the name of a message's field and how to read it."""
    found = {}
    for field in descriptor.fields:
        reader = _reader(field)
        found[field.name] = found[field.json_name] = field.name, partial(_list, reader) if field.is_repeated else reader
    return found


def _reader(field: FieldDescriptor) -> Reader:
    if field.message_type is not None:
        return partial(_span if field.message_type.name == "Span" else _message, field.message_type)
    if field.enum_type is not None:
        return partial(_enum, field.enum_type)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _id if field.name.endswith("_id") else _bytes
    if field.type in RANGES:
        return partial(_integer, *RANGES[field.type])
    return {FieldDescriptor.TYPE_STRING: _text, FieldDescriptor.TYPE_BOOL: _bool, FieldDescriptor.TYPE_DOUBLE: _double}[field.type]


def _list(read: Reader, value: Any, depth: int) -> list[Any]:
    if not isinstance(value, list):
        raise _Wrong("an array", value)
    out: list[Any] = []
    for item in value:
        try:
            out.append(read(item, depth))
        except _Wrong as wrong:
            wrong.path.append(len(out))
            raise
    return out


def _text(value: Any, depth: int) -> str:
    if not isinstance(value, str):
        raise _Wrong("a string", value)
    if value.isascii():
        return value
    # half of a surrogate pair, which JSON can escape but UTF-8 cannot say, becomes U+FFFD
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _bool(value: Any, depth: int) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("true or false", value)
    return value


def _integer(lowest: int, highest: int, value: Any, depth: int) -> int:
    written = isinstance(value, str) and INTEGER.fullmatch(value)
    number = int(value) if written or (isinstance(value, float) and value.is_integer()) else value
    if not isinstance(number, int) or isinstance(number, bool) or not lowest <= number <= highest:
        raise _Wrong(f"an integer from {lowest} to {highest}", value)
    return number


def _double(value: Any, depth: int) -> float:
    if isinstance(value, str):
        if value in NOT_FINITE:
            return NOT_FINITE[value]
        if NUMBER.fullmatch(value):
            return float(value)
    if not isinstance(value, int | float) or isinstance(value, bool) or (isinstance(value, int) and value.bit_length() > 1024):
        raise _Wrong("a number", value)
    return float(value)


def _enum(descriptor: EnumDescriptor, value: Any, depth: int) -> int:
    if isinstance(value, str) and value in descriptor.values_by_name:
        number: int = descriptor.values_by_name[value].number
        return number
    return _integer(*RANGES[FieldDescriptor.TYPE_INT32], value, depth)


def _id(value: Any, depth: int) -> bytes:
    try:
        identifier = bytes.fromhex(value)
    except (TypeError, ValueError):
        return UNREADABLE_ID
    return identifier if len(value) == 2 * len(identifier) else UNREADABLE_ID


def _bytes(value: Any, depth: int) -> bytes:
    """Base64 of either alphabet, padded or not."""
    try:
        text = value.replace("-", "+").replace("_", "/").rstrip("=")
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (AttributeError, ValueError):
        raise _Wrong("a base64 string", value) from None
