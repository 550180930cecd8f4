"""Ids: found by both halves, ordered as bytes, and read from what people paste."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytempo.errors import BadRequest
from pytempo.model import TraceIds, parse_trace_id
from pytempo.model.ids import short_hex, span_ids_from_bytes, span_ids_to_bytes

few_halves = st.sampled_from([b"\0" * 8, b"\0" * 7 + b"\1", b"A" * 8, b"B" * 8, b"\xff" * 8])
identifiers = st.one_of(st.builds(bytes.__add__, few_halves, few_halves), st.binary(min_size=16, max_size=16))
"""Some share their first or their last half."""


def ids(raw: list[bytes]) -> TraceIds:
    return TraceIds.from_bytes(np.frombuffer(b"".join(raw), np.uint8))


@given(st.lists(identifiers, max_size=12), st.lists(identifiers, max_size=12))
def test_find_says_where_each_id_is_or_that_it_is_not(known: list[bytes], wanted: list[bytes]) -> None:
    known = sorted(set(known))
    found = ids(known).find(ids(wanted + known)).tolist()
    assert found == [known.index(one) if one in known else -1 for one in wanted + known]


@given(st.lists(identifiers, max_size=12))
def test_distinct_ids_ascend_as_bytes_and_every_row_knows_its_own(raw: list[bytes]) -> None:
    distinct, codes = ids(raw).distinct()
    assert [row.tobytes() for row in distinct.to_bytes()] == sorted(set(raw))
    assert [sorted(set(raw))[code] for code in codes] == raw


@given(st.lists(identifiers, max_size=6))
def test_bytes_and_hex_are_the_same_id(raw: list[bytes]) -> None:
    together = ids(raw)
    assert together.to_bytes().tobytes() == b"".join(raw)
    assert [together.hex(row) for row in range(len(raw))] == [one.hex() for one in raw]
    assert all(TraceIds.of(one).hex(0) == one.hex() for one in raw)


@given(st.lists(identifiers, max_size=6), st.lists(identifiers, max_size=6))
def test_parts_follow_one_another(first: list[bytes], second: list[bytes]) -> None:
    assert TraceIds.concat([ids(first), ids(second)]).to_bytes().tobytes() == b"".join(first + second)
    assert len(TraceIds.concat([])) == 0


@given(st.lists(st.integers(0, 2**64 - 1), max_size=6))
def test_span_ids_are_their_bytes_read_big_endian(numbers: list[int]) -> None:
    raw = span_ids_to_bytes(np.array(numbers, np.uint64))
    assert raw.tobytes() == b"".join(number.to_bytes(8) for number in numbers)
    assert span_ids_from_bytes(raw).tolist() == numbers


@pytest.mark.parametrize("text", ["ab", "AB", "00ab", "0" * 30 + "ab", "0ab"])
def test_a_trace_id_is_read_as_people_paste_it(text: str) -> None:
    assert parse_trace_id(text) == bytes(15) + b"\xab"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a trace id is missing"),
        ("xyz", "invalid character 'x' at position 1"),
        (" ", "invalid character ' ' at position 1"),
        ("0x1f", "invalid character 'x' at position 2"),
        ("\uff11", "invalid character"),
        ("0" * 33, "33 hex digits given, at most 32 allowed"),
    ],
)
def test_a_malformed_trace_id_is_refused_with_the_fault(text: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        parse_trace_id(text)


def test_the_short_form_has_no_leading_zeros_but_at_least_a_digit() -> None:
    assert short_hex("0" * 30 + "ab") == "ab"
    assert short_hex("0" * 32) == "0"
