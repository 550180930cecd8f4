"""Key-values in columns: whatever form a message has on the wire, it reads as protobuf's own parser reads it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from pytempo.model.attributes import TYPED
from pytempo.otlp import key_values
from pytempo.otlp.key_values import read_varints, take_apart
from pytempo.otlp.wire import message_class
from tests.otlp.protobuf import delimited, fixed64, number, varint

FIELDS = {
    "string_value": key_values.STRING,
    "bool_value": key_values.BOOL,
    "int_value": key_values.INT,
    "double_value": key_values.DOUBLE,
    "array_value": key_values.ARRAY,
    "kvlist_value": key_values.MAP,
    "bytes_value": key_values.BYTES,
}


def expected(name: str, payload: bytes) -> Any:
    """Key, tag and value as protobuf reads them; None where it cannot."""
    try:
        message = message_class(name).FromString(payload)
    except DecodeError:
        return None
    value = message.value if name == "KeyValue" else message
    which = value.WhichOneof("value")
    content = None if which is None else getattr(value, which)
    return (message.key if name == "KeyValue" else b""), FIELDS.get(which, 0), repr(content)


def found(name: str, payloads: list[bytes]) -> list[Any]:
    """Key, tag and value as the columns have them."""
    pieces, bad = take_apart(name, pa.array(payloads, pa.binary()))
    values: dict[int, Any] = {}
    for kind in TYPED:
        rows = (pieces.kinds == kind).nonzero()[0]
        listed = pieces.contents(rows) if kind is TYPED[0] else pieces.values(kind, rows)
        values |= dict(zip(rows.tolist(), listed.tolist(), strict=True))
    for tag in (key_values.ARRAY, key_values.MAP, key_values.BYTES):
        rows = pieces.tagged(tag)
        values |= dict(zip(rows.tolist(), pieces.contents(rows).to_pylist(), strict=True))
    keys, tags = pieces.keys().to_pylist(), pieces.tags.tolist()
    return [None if bad[row] else (keys[row], tags[row], repr(values.get(row))) for row in range(len(payloads))]


def value_fields() -> st.SearchStrategy[bytes]:
    """One field of an AnyValue, known or not, in a common or an uncommon form."""
    text = st.binary(max_size=3) | st.just(b"x" * 200)
    return st.one_of(
        st.builds(delimited, st.sampled_from([1, 5, 6, 7, 9]), text),
        st.builds(number, st.sampled_from([2, 3, 8]), st.sampled_from([0, 1, 2, 127, 128, 2**31, 2**63 - 1, -1, -(2**63)])),
        st.builds(fixed64, st.just(4), st.binary(min_size=8, max_size=8)),
        st.builds(lambda value, size: b"\x18" + varint(value, size), st.integers(0, 300), st.integers(1, 11)),
    )


def any_values() -> st.SearchStrategy[bytes]:
    return st.lists(value_fields(), max_size=2).map(b"".join)


def key_value_messages() -> st.SearchStrategy[bytes]:
    """KeyValues with fields once or more, in any order, some cut short."""
    field = st.one_of(
        st.builds(delimited, st.just(1), st.binary(max_size=3) | st.just(b"k" * 300)),
        st.builds(delimited, st.just(2), any_values()),
        st.builds(delimited, st.just(2), any_values()),
        st.builds(number, st.just(3), st.integers(0, 3)),
    )
    whole = st.lists(field, max_size=3).map(b"".join)
    return st.one_of(whole, st.builds(lambda payload, cut: payload[:cut], whole, st.integers(0, 12)))


@given(st.lists(key_value_messages(), max_size=6))
def test_key_values_read_as_protobuf_reads_them(payloads: list[bytes]) -> None:
    assert found("KeyValue", payloads) == [expected("KeyValue", payload) for payload in payloads]


@given(st.lists(any_values(), max_size=6))
def test_values_read_as_protobuf_reads_them(payloads: list[bytes]) -> None:
    assert found("AnyValue", payloads) == [expected("AnyValue", payload) for payload in payloads]


@given(st.lists(st.binary(max_size=14), max_size=6))
def test_any_bytes_read_as_protobuf_reads_them(payloads: list[bytes]) -> None:
    assert found("KeyValue", payloads) == [expected("KeyValue", payload) for payload in payloads]


@pytest.mark.parametrize(
    "payload",
    [
        b"",  # neither key nor value
        b"\x0a\x00\x12\x00",  # both empty
        b"\x0a\x01k",  # no value
        b"\x12\x03\x0a\x01v",  # no key
        b"\x12\x03\x0a\x01v\x0a\x01k",  # value first
        b"\x0a\x01a\x0a\x01b\x12\x02\x18\x01",  # two keys
        b"\x0a\x01k\x12\x04\x18\x01\x10\x01",  # two values in a oneof
        b"\x0a\x81\x00k\x12\x02\x18\x01",  # a length longer than needed
        b"\x0a\x01k\x12\x02\x10\x07",  # a bool that is neither 0 nor 1
        b"\x0a\x01k\x12\x0b\x18" + b"\xff" * 9 + b"\x7f",  # more than 64 bits
        b"\x0a\x01k\x12\x09\x21\x00\x00\x00\x00\x00\x00\xf8\x7f",  # NaN
        b"\x0a\x05k",  # cut off within the key
        b"\x0a\x01k\x12",  # cut off after a tag
        b"\x0a\x01k\x12\x02\x0a\x05",  # cut off within the value
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # a length of 2^64 - 1
        b"\x0a" + b"\xff" * 12,  # a length that never ends
        b"\x00\x00",  # tag 0 is no field
    ],
)
def test_a_message_out_of_the_usual_form_reads_as_protobuf_reads_it(payload: bytes) -> None:
    usual = b"\x0a\x01n\x12\x02\x18\x05"
    assert found("KeyValue", [usual, payload, usual]) == [expected("KeyValue", one) for one in (usual, payload, usual)]


@given(st.lists(st.integers(0, 2**64 - 1), max_size=8))
def test_varints_of_every_size_are_read(numbers: list[int]) -> None:
    written = [varint(value) for value in numbers]
    pieces, _ = take_apart("AnyValue", pa.array([b"\x18" + one for one in written], pa.binary()))
    assert pieces.integers.view("u8").tolist() == numbers
    at = pieces.places[:, 2]
    assert read_varints(pieces.data, at)[1].tolist() == [len(one) for one in written]


def test_a_column_that_is_a_slice_of_another_is_read() -> None:
    column = pa.array([b"\x0a\x01a\x12\x02\x18\x01", b"\x0a\x01b\x12\x02\x18\x02", b"\x0a\x01c\x12\x02\x18\x03"], pa.binary())
    pieces, bad = take_apart("KeyValue", column.slice(1, 1))
    assert pieces.keys().to_pylist() == [b"b"]
    assert pieces.integers.tolist() == [2]
    assert not bad.any()
