"""The attribute table: choosing leaves every owner the attributes that it had, and values of one key are those of its owners."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from pytempo.model import Attributes, Kind
from pytempo.model.attribute_tables import concat_attributes
from pytempo.model.attributes import Part, Values
from tests.model.tables import listed, some, table_of, tables


@some
@given(tables(), st.data())
def test_take_gives_the_rows_that_were_asked_for(table: Attributes, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, len(table.offsets) - 2), max_size=6))
    taken = table.take(np.array(rows, np.int64))
    assert listed(taken) == [listed(table)[row] for row in rows]


@some
@given(tables(), st.data())
def test_where_keeps_every_owner_and_the_attributes_of_the_mask(table: Attributes, data: st.DataObject) -> None:
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=len(table), max_size=len(table))), np.bool_)
    kept = table.where(keep)
    assert len(kept.offsets) == len(table.offsets)
    assert kept.owners.tolist() == table.owners[keep].tolist()
    assert repr(kept.listed()[2]) == repr([value for value, wanted in zip(table.listed()[2], keep, strict=True) if wanted])


@some
@given(tables())
def test_the_values_of_a_key_are_those_of_its_rows(table: Attributes) -> None:
    keys, kinds, values = table.listed()
    for key in {*keys, "absent"}:
        of_key = [
            (row, kind, value) for row, name, kind, value in zip(table.owners.tolist(), keys, kinds, values, strict=True) if name == key
        ]
        found = table.values(key)
        assert np.flatnonzero(found.present).tolist() == [row for row, kind, _ in of_key if kind != Kind.NIL]
        for part in found.parts:
            flat = [
                (row, one) for row, kind, value in of_key if kind == part.kind for one in (value if isinstance(value, list) else [value])
            ]
            assert repr(list(zip(part.rows.tolist(), part.values.tolist(), strict=True))) == repr(flat)
        arrays = [row for row, _, value in of_key if isinstance(value, list)]
        assert (np.flatnonzero(found.is_array).tolist() if found.is_array is not None else []) == arrays


@some
@given(tables(), st.data())
def test_the_values_of_some_rows_are_those_picked_out_of_all(table: Attributes, data: st.DataObject) -> None:
    rows = np.array(data.draw(st.lists(st.integers(0, len(table.offsets) - 2), max_size=6)), np.int64)
    for key in {*table.key_names.to_pylist(), "absent"}:
        few, picked = table.some_values(key, rows), table.values(key).take(rows)
        assert few.present.tolist() == picked.present.tolist()
        assert _arrays(few) == _arrays(picked)
        assert [_told(part) for part in few.parts] == [_told(part) for part in picked.parts]


def _arrays(values: Values) -> list[int]:
    return [] if values.is_array is None else np.flatnonzero(values.is_array).tolist()


def _told(part: Part) -> tuple[Kind, list[int], str]:
    return part.kind, part.places.tolist(), repr(part.values.tolist())


def test_values_know_arrays_from_scalars_and_nil_from_anything() -> None:
    def owner(**value: Any) -> list[KeyValue]:
        return [KeyValue(key="k", value=value)]

    table = table_of(
        [owner(int_value=1), [], owner(array_value={"values": [{"int_value": 2}, {"int_value": 3}]}), owner(), owner(array_value={})]
    )
    values = table.values("k")
    (part,) = values.parts
    assert (part.kind, part.rows.tolist(), part.values.tolist()) == (Kind.INT, [0, 2, 2], [1, 2, 3])
    assert values.present.tolist() == [True, False, True, False, True]
    assert values.is_array is not None
    assert values.is_array.tolist() == [False, False, True, False, True]


def test_an_empty_table_has_owners_without_attributes() -> None:
    table = Attributes.empty(3)
    assert listed(table) == ["[]"] * 3
    assert table.code("k") == -1
    assert table.values("k").present.tolist() == [False] * 3
    assert listed(concat_attributes([table, table])) == ["[]"] * 6


def test_keys_are_found_by_name_in_a_dictionary_of_names() -> None:
    table = table_of([[KeyValue(key="a", value={"int_value": 1}), KeyValue(key="b", value={"int_value": 2})]])
    assert table.key_names.type == pa.string()
    assert [table.key_names[table.code(key)].as_py() for key in ("a", "b")] == ["a", "b"]


def whole(key: str, value: int) -> KeyValue:
    return KeyValue(key=key, value={"int_value": value})


def test_a_part_with_one_value_for_every_row_spells_no_rows_out() -> None:
    table = table_of([[whole("all", 1), whole("some", 2)], [whole("all", 3)], [whole("all", 4), whole("some", 5)]])
    assert [part.rows for part in table.values("all").dense().parts] == [None]
    (part,) = table.values("some").dense().parts
    assert part.rows is not None
    assert part.places.tolist() == [0, 2]
