"""Thrift's compact protocol, read from bytes that are spelled out."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytempo.block.thrift import CompactReader


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ("00", {}),
        ("15 8020 00", {1: 2048}),  # field 1, i32, zigzag
        ("15 01 00", {1: -1}),
        ("11 12 00", {1: True, 2: False}),
        ("13 7f 00", {1: 127}),
        ("17 000000000000f83f 00", {1: 1.5}),
        ("28 03 616263 00", {2: b"abc"}),
        ("f5 04 f5 06 00", {15: 2, 30: 3}),  # each number counts on from the last
        ("05 c801 02 00", {100: 1}),  # field number spelled out
        ("19 35 02 04 06 00", {1: [1, 2, 3]}),
        ("19 f5 10" + "00" * 16 + "00", {1: [0] * 16}),
        ("19 22 01 02 00", {1: [True, False]}),
        ("1c 15 02 00 00", {1: {1: 1}}),
        ("1c 1c 00 00 00", {1: {1: {}}}),
    ],
)
def test_a_struct_is_read(content: str, fields: dict[int, Any]) -> None:
    data = bytes.fromhex(content)
    reader = CompactReader(data)

    assert reader.read_struct() == fields
    assert reader.position == len(data)


def test_a_struct_in_the_middle_leaves_the_rest_unread() -> None:
    reader = CompactReader(bytes.fromhex("ff 15 02 00 ee"), position=1)

    assert reader.read_struct() == {1: 1}
    assert reader.position == 4


@pytest.mark.parametrize(
    "content", ["", "15", "15 80", "28 05 61", "1b 00", "1d 00", "19 f5 ffffffff0f", "15" + "ff" * 10 + "00", "1c" * 40, "19 19" * 40]
)
def test_bytes_that_end_early_or_mean_nothing_are_refused(content: str) -> None:
    with pytest.raises(ValueError, match="byte"):
        CompactReader(bytes.fromhex(content)).read_struct()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_struct_or_a_value_error(content: bytes) -> None:
    reader = CompactReader(content)
    with suppress(ValueError):
        assert isinstance(reader.read_struct(), dict)
    assert reader.position <= len(content)
