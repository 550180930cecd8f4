"""Protobuf written by hand, for messages that no library would write so."""

from __future__ import annotations


def varint(number: int, size: int = 0) -> bytes:
    """A varint, padded to `size` bytes if that is longer than it needs."""
    out = bytearray()
    while number >= 0x80 or len(out) + 1 < size:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def delimited(field: int, payload: bytes) -> bytes:
    """A length-delimited field."""
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def number(field: int, value: int) -> bytes:
    """A varint field."""
    return varint(field << 3) + varint(value % 2**64)


def fixed64(field: int, payload: bytes) -> bytes:
    """A field of 8 bytes."""
    return varint(field << 3 | 1) + payload


def key_value(key: bytes, value: bytes) -> bytes:
    """A KeyValue around an AnyValue's bytes."""
    return delimited(1, key) + delimited(2, value)


def span(*fields: bytes, trace_id: bytes = b"T" * 16, span_id: bytes = b"S" * 8) -> bytes:
    """A Span with these ids and fields."""
    return delimited(1, trace_id) + delimited(2, span_id) + b"".join(fields)


def request(*spans: bytes, resource: bytes = b"", scope: bytes = b"") -> bytes:
    """An export request of spans under one resource and one scope."""
    scope_spans = delimited(1, scope) + b"".join(delimited(2, payload) for payload in spans)
    return delimited(1, delimited(1, resource) + delimited(2, scope_spans))
