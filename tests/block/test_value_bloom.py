"""Parquet's bloom filters over values, as pyarrow writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pytempo.backend import LocalBackend
from pytempo.block.value_bloom import ValueBlooms, parse_filter
from pytempo.errors import Damaged
from tests.block.filters import filters_of

KEY = "t/b/data.parquet"
NESTED, PLAIN = "nested.list.element", "plain"
HEADER = bytes.fromhex("15 40 1c1c00 00 1c1c00 00 1c1c00 00 00")  # a filter of 32 bytes


def write(backend: LocalBackend, groups: list[list[str]], **options: object) -> pq.FileMetaData:
    """A file with the columns `nested.list.element` (with filters) and `plain` (without), one row group for each list of values."""
    schema = pa.schema([pa.field("nested", pa.list_(pa.field("element", pa.string()))), pa.field("plain", pa.string())])
    filters = {"nested.list.element": {"ndv": 25_000, "fpp": 0.01}}
    with backend.writer(KEY) as file, pq.ParquetWriter(file, schema, bloom_filter_options=filters, **options) as writer:
        for values in groups:
            writer.write_table(pa.table([[[value] for value in values], values], schema=schema))
    return pq.read_metadata(backend.local_path(KEY))


@pytest.fixture
def backend(tmp_path: Path) -> LocalBackend:
    return LocalBackend(tmp_path)


def test_every_value_might_be_in_its_row_group(backend: LocalBackend) -> None:
    groups = [[f"{group}-{number}" for number in range(500 * group + 1)] for group in range(4)]
    blooms = filters_of(backend, KEY, write(backend, groups), NESTED)

    for group, values in enumerate(groups):
        assert all(blooms.might_hold(value)[group] for value in values)


def test_absent_values_are_hardly_ever_held_possible(backend: LocalBackend) -> None:
    groups = [[f"{group}-{number}" for number in range(3000)] for group in range(3)]
    blooms = filters_of(backend, KEY, write(backend, groups), NESTED)

    maybe = np.array([blooms.might_hold(f"absent {number}") for number in range(2000)])

    assert maybe.shape == (2000, 3)
    assert maybe.mean() < 0.02


def test_row_groups_may_have_filters_of_different_sizes(backend: LocalBackend) -> None:
    blooms = filters_of(backend, KEY, write(backend, [["one"], [str(number) for number in range(5000)]]), NESTED)

    assert blooms.blocks[0] < blooms.blocks[1]
    assert blooms.might_hold("one").tolist() == [True, False]
    assert blooms.might_hold("4999").tolist() == [False, True]


@pytest.mark.parametrize("value", ["", "größe", "日本", "nul\0", "x" * 100_000])
def test_any_text_is_a_value(backend: LocalBackend, value: str) -> None:
    blooms = filters_of(backend, KEY, write(backend, [[value, "other"], ["third"]]), NESTED)

    assert blooms.might_hold(value).tolist() == [True, False]
    assert blooms.might_hold(value.encode()).tolist() == [True, False]


def test_text_that_is_not_unicode_is_in_no_file(backend: LocalBackend) -> None:
    blooms = filters_of(backend, KEY, write(backend, [["a"]]), NESTED)

    assert blooms.might_hold("\ud800").tolist() == [False]


def test_a_column_without_filters_might_hold_anything(backend: LocalBackend) -> None:
    blooms = filters_of(backend, KEY, write(backend, [["a"], ["b"]]), PLAIN)

    assert blooms.might_hold("anything").tolist() == [True, True]


def test_filters_are_found_in_a_file_with_page_index_and_checksums(backend: LocalBackend) -> None:
    metadata = write(backend, [["a"], ["b"]], write_page_index=True, write_page_checksum=True, compression="zstd")

    assert filters_of(backend, KEY, metadata, NESTED).might_hold("b").tolist() == [False, True]


def test_no_row_groups_are_an_empty_answer() -> None:
    assert ValueBlooms.of([]).might_hold("a").tolist() == []


def test_overwritten_filters_are_damage_with_their_offset(backend: LocalBackend) -> None:
    metadata = write(backend, [["a"]])
    offset = metadata.row_group(0).column(0).bloom_filter_offset
    content = bytearray(backend.get(KEY))
    content[offset : offset + 16] = b"\xff" * 16
    backend.put(KEY, bytes(content))

    with pytest.raises(Damaged, match=r"data\.parquet") as caught:
        filters_of(backend, KEY, metadata, NESTED)
    assert caught.value.offset == offset


def test_a_filter_is_its_header_and_its_blocks() -> None:
    words = parse_filter(HEADER + bytes(range(32)), KEY)

    assert words is not None
    assert words.shape == (1, 8)
    assert words[0, 0] == 0x03020100


@pytest.mark.parametrize(
    "content", [b"", HEADER, HEADER + bytes(31), HEADER + bytes(33), bytes.fromhex("15 10 00") + bytes(8), bytes.fromhex("00")]
)
def test_a_filter_of_another_size_than_its_header_says_is_damage(content: bytes) -> None:
    with pytest.raises(Damaged, match="bloom filter"):
        parse_filter(content, KEY, 77)


@pytest.mark.parametrize("union", [0, 1, 2], ids=["algorithm", "hash", "compression"])
def test_a_filter_of_an_unknown_kind_is_passed_over(union: int) -> None:
    unions = [bytes.fromhex("1c1c0000")] * 3
    unions[union] = bytes.fromhex("1c2c0000")  # member 2 instead of 1
    header = bytes.fromhex("1540") + b"".join(unions) + b"\0"

    assert parse_filter(header + bytes(32), KEY) is None
