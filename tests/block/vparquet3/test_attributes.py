"""vParquet3's three ways to keep a value, as the model's table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from pytempo.block.vparquet3.attributes import Keys, from_columns, from_messages
from pytempo.model.attributes import Kind


def keys(count: int) -> Keys:
    """`count` attributes of one row."""
    return Keys(np.array([0, count], np.int32), np.arange(count, dtype=np.int32), pa.array([f"k{number}" for number in range(count)]))


def test_scalars_come_from_the_column_that_is_not_null() -> None:
    scalars = {
        Kind.STRING: pa.array(["a", None, None, None]),
        Kind.INT: pa.array([None, 7, None, None]),
        Kind.DOUBLE: pa.array([None, None, 0.5, None]),
        Kind.BOOL: pa.array([None, None, None, False]),
    }
    table = from_columns(keys(4), scalars, [])
    assert table.listed()[2] == ["a", 7, 0.5, False]
    assert not table.is_array.any()


def test_a_value_of_which_nothing_is_left_is_nil() -> None:
    assert from_columns(keys(1), {Kind.STRING: pa.array([None], pa.string())}, []).kinds.tolist() == [Kind.NIL]


def test_arrays_are_opened_behind_the_scalars_of_their_kind() -> None:
    arrays = pa.array([None, '{"arrayValue":{"values":[{"stringValue":"x"},{"stringValue":"y"}]}}', '{"arrayValue":{}}'])
    table = from_columns(keys(3), {Kind.STRING: pa.array(["a", None, None])}, [arrays])
    assert table.listed()[2] == ["a", ["x", "y"], []]
    assert table.is_array.tolist() == [False, True, True]


def test_maps_stay_json() -> None:
    stored = '{"kvlistValue":{"values":[{"key":"a","value":{"intValue":"1"}}]}}'
    table = from_columns(keys(1), {}, [pa.array([stored])])
    assert (table.kinds.tolist(), table.listed()[2]) == ([Kind.OTHER], [stored])


def test_an_array_of_several_types_leaves_the_scalar_that_tempo_wrote() -> None:
    table = from_columns(keys(1), {Kind.DOUBLE: pa.array([1.0])}, [pa.array([""])])
    assert table.listed()[2] == [1.0]


def test_text_that_is_no_json_is_named() -> None:
    with pytest.raises(ValueError, match="no JSON of an AnyValue"):
        from_columns(keys(1), {}, [pa.array(["{"])])


def test_values_of_events_are_messages() -> None:
    messages = pa.array([AnyValue(string_value="a").SerializeToString(), AnyValue(bool_value=True).SerializeToString()], pa.binary())
    assert from_messages(keys(2), messages).listed()[2] == ["a", True]


def test_a_value_that_is_no_message_is_named() -> None:
    with pytest.raises(ValueError, match="attribute 1 is no AnyValue"):
        from_messages(keys(2), pa.array([b"\x18\x02", b"\x0a\xff"], pa.binary()))
