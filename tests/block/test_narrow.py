"""Columns that are kept in few bytes are the same when they are wide again, in whole and in part."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytempo.block.narrow import NarrowNumbers, NarrowText, narrow, widen, widen_at, widen_part
from pytempo.model import Kind, Values
from pytempo.model.attributes import Part

TYPES = ("int8", "uint8", "int16", "int32", "uint32", "int64", "uint64")


@st.composite
def numbers(draw: st.DrawFn) -> np.ndarray:
    limits = np.iinfo(draw(st.sampled_from(TYPES)))
    least = draw(st.integers(limits.min, limits.max))
    most = draw(st.sampled_from([limits.max, *(min(limits.max, least + 2**bits) for bits in (0, 7, 8, 16, 32, 39, 40, 41, 48))]))
    drawn = draw(st.lists(st.integers(least, most), max_size=20))
    return np.array(sorted(drawn) if draw(st.booleans()) else drawn, limits.dtype)


@given(numbers(), st.data())
def test_numbers_are_the_same_again_and_of_their_type(column: np.ndarray, data: st.DataObject) -> None:
    kept = narrow(column)
    assert kept.nbytes <= column.nbytes
    assert (widen(kept).dtype, widen(kept).tolist()) == (column.dtype, column.tolist())
    first = data.draw(st.integers(0, len(column)))
    last = data.draw(st.integers(first, len(column)))
    assert widen_part(kept, first, last).tolist() == column[first:last].tolist()
    rows = np.array(data.draw(st.lists(st.integers(0, len(column) - 1), max_size=5)) if len(column) else [], np.int64)
    assert (widen_at(kept, rows).dtype, widen_at(kept, rows).tolist()) == (column.dtype, column[rows].tolist())


@pytest.mark.parametrize(("most", "width"), [(255, 1), (256, 2), (65_535, 2), (65_536, 4), (2**32 - 1, 4), (2**32, 5), (2**40, 6)])
def test_numbers_take_as_many_bytes_as_their_range_needs(most: int, width: int) -> None:
    kept = narrow(np.array([1_000 + most, 1_000], np.uint64))
    assert isinstance(kept, NarrowNumbers)
    assert kept.nbytes == 2 * width


@given(st.lists(st.integers(0, 255), min_size=1, max_size=400), st.data())
def test_offsets_of_short_lists_take_a_byte_each(lengths: list[int], data: st.DataObject) -> None:
    column = np.cumsum([2**20, *lengths], dtype=np.int32)
    kept = narrow(column)
    assert kept.nbytes <= max(len(column), 4)
    first = data.draw(st.integers(0, len(column)))
    last = data.draw(st.integers(first, len(column)))
    assert widen_part(kept, first, last).dtype == np.int32
    assert widen_part(kept, first, last).tolist() == column[first:last].tolist()
    assert widen_at(kept, np.arange(first, last)).tolist() == column[first:last].tolist()


@given(st.lists(st.booleans(), max_size=40), st.data())
def test_eight_flags_take_a_byte(flags: list[bool], data: st.DataObject) -> None:
    kept = narrow(np.array(flags, np.bool_))
    assert kept.nbytes <= max(1, -(-len(flags) // 8))
    first = data.draw(st.integers(0, len(flags)))
    last = data.draw(st.integers(first, len(flags)))
    assert widen(kept).dtype == np.bool_
    assert widen_part(kept, first, last).tolist() == widen_at(kept, np.arange(first, last)).tolist() == flags[first:last]


def test_numbers_of_a_wide_range_stay_as_they_are() -> None:
    column = np.array([0, 2**50])
    assert narrow(column) is column


def test_texts_stay_a_dictionary() -> None:
    column = pa.array(["a", "b", "a", "c"] * 3).dictionary_encode()
    kept = narrow(column)
    assert isinstance(kept, NarrowText)
    assert widen(kept).equals(column)
    assert widen_part(kept, 1, 3).to_pylist() == ["b", "a"]
    assert widen_part(narrow(pa.array(["x", "y", "z"])), 1, 3).to_pylist() == ["y", "z"]


def test_values_of_an_attribute_keep_their_rows_and_types() -> None:
    parts: list[Any] = [Part(Kind.STRING, np.array([0, 2]), pa.array(["a", "a"]).dictionary_encode()), Part(Kind.DOUBLE, None, np.ones(4))]
    values = Values(4, tuple(parts), np.array([True, False, True, True]), np.zeros(4, np.bool_))
    again = widen(narrow(values))
    assert narrow(values).nbytes < values.nbytes
    assert again.parts[0].rows.tolist() == [0, 2]
    assert again.parts[0].values.equals(parts[0].values)
    assert (again.parts[1].rows, again.parts[1].values.tolist()) == (None, [1.0] * 4)
    assert (again.present.tolist(), again.is_array.tolist()) == (values.present.tolist(), [False] * 4)
