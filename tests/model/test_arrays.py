"""The whole-array moves, each against the loop that it stands for."""

from __future__ import annotations

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytempo.model.arrays import (
    any_by_row,
    byte_ranges,
    coded,
    concat_text,
    empty_text,
    offsets_of,
    owners_of,
    ranges,
    run_heads,
    take,
    take_ragged,
)

lengths = st.lists(st.integers(0, 4), max_size=8)


@given(lengths)
def test_owners_and_offsets_describe_the_same_rows(counts: list[int]) -> None:
    offsets = offsets_of(np.array(counts, np.int64))
    assert offsets.tolist() == [sum(counts[:row]) for row in range(len(counts) + 1)]
    assert owners_of(offsets).tolist() == [row for row, count in enumerate(counts) for _ in range(count)]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 4)), max_size=8))
def test_ranges_count_up_from_each_first(rows: list[tuple[int, int]]) -> None:
    first, counts = np.array([row[0] for row in rows], np.int32), np.array([row[1] for row in rows], np.int32)
    assert ranges(first, counts).tolist() == [first + step for first, count in rows for step in range(count)]


@given(lengths, st.data())
def test_a_ragged_take_follows_the_chosen_rows(counts: list[int], data: st.DataObject) -> None:
    offsets = offsets_of(np.array(counts, np.int64))
    rows = data.draw(st.lists(st.integers(0, len(counts) - 1), max_size=6)) if counts else []
    chosen, positions = take_ragged(offsets, np.array(rows, np.int64))
    assert np.diff(chosen).tolist() == [counts[row] for row in rows]
    assert positions.tolist() == [place for row in rows for place in range(offsets[row], offsets[row + 1])]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=10))
def test_run_heads_mark_where_a_key_changes(pairs: list[tuple[int, int]]) -> None:
    pairs.sort()
    heads = run_heads(np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs]))
    assert heads.tolist() == [place == 0 or pairs[place] != pairs[place - 1] for place in range(len(pairs))]


def test_a_row_is_hit_by_any_of_its_own() -> None:
    assert any_by_row(np.array([0, 0, 2, 2]), np.array([False, False, True, False]), 4).tolist() == [False, False, True, False]


@pytest.mark.parametrize("column", [pa.array(["a", "", "bc"]), pa.array([b"x", b"a", b"", b"bc"]).slice(1)])
def test_byte_ranges_give_every_value_without_a_copy(column: pa.Array) -> None:
    offsets, data = byte_ranges(column)
    assert [data[begin:end].tobytes() for begin, end in itertools.pairwise(offsets)] == [b"a", b"", b"bc"]
    assert byte_ranges(column.slice(0, 0))[0].tolist() == [0]


def test_text_columns_of_both_sorts_are_taken_coded_and_joined() -> None:
    plain, encoded = pa.array(["a", "b", "a"]), pa.array(["b", "", "b"]).dictionary_encode()
    assert take(plain, np.array([2, 1])).to_pylist() == ["a", "b"]
    assert take(np.array([5, 6]), np.array([1, 1])).tolist() == [6, 6]
    assert concat_text([plain, encoded]).to_pylist() == ["a", "b", "a", "b", "", "b"]
    codes, names = coded(encoded)
    assert [names[code].as_py() for code in codes.tolist()] == ["b", "", "b"]
    assert empty_text(3).to_pylist() == ["", "", ""]
