"""Damage in a data.parquet is found and named, whichever byte of a column it meets."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pytempo.backend import LocalBackend
from pytempo.block.vparquet4 import LEAVES, SCHEMA, paths
from pytempo.block.vparquet4.data_file import DataFile
from pytempo.block.vparquet4.rows import RowGroupBatch
from pytempo.block.vparquet4.stretch import Stretch
from pytempo.errors import Damaged, NotFound
from pytempo.model import Level
from tests.block.samples import TENANT, block_of, data_file, the_corpus

CHECKED = [paths.SPAN_NAME, paths.SPAN_START, paths.SPAN_ATTRIBUTES.key, paths.SPAN_ATTRIBUTES.value, paths.TRACE_ID, paths.ROOT_SPAN_NAME]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    root = tmp_path_factory.mktemp("blocks")
    _, meta = block_of(root, the_corpus())
    return (root / TENANT / meta.block_id / "data.parquet").read_bytes()


@pytest.mark.parametrize("path", CHECKED)
def test_a_flipped_byte_is_found_and_named(content: bytes, path: str) -> None:
    column = pq.read_metadata(io.BytesIO(content)).row_group(2).column(list(LEAVES).index(path))
    broken = bytearray(content)
    broken[column.data_page_offset + column.total_compressed_size // 2] ^= 0x10
    if column.dictionary_page_offset is not None:
        broken[column.dictionary_page_offset + 40] ^= 0x10
    file = data_file(bytes(broken), "blocks/data.parquet")

    with pytest.raises(Damaged, match=r"blocks/data\.parquet: row group 2 cannot be read"):
        file.read(2, [path])
    assert file.read(1, [path]).arrays[path] is not None


def test_damage_is_raised_by_the_batch_that_meets_it(content: bytes) -> None:
    column = pq.read_metadata(io.BytesIO(content)).row_group(0).column(list(LEAVES).index(paths.SPAN_DURATION))
    broken = bytearray(content)
    broken[column.data_page_offset + column.total_compressed_size // 2] ^= 0x10
    batch = RowGroupBatch(Stretch(data_file(bytes(broken)), range(1)))

    assert len(batch.stored(Level.SPAN, "start")) == batch.count(Level.SPAN)
    with pytest.raises(Damaged, match="row group 0"):
        batch.stored(Level.SPAN, "duration")


@pytest.mark.parametrize("broken", [b"", b"PAR1", b"no Parquet at all", b"PAR1" + bytes(40) + b"\x10\x00\x00\x00PAR1"])
def test_a_file_without_a_footer_is_damaged(broken: bytes) -> None:
    with pytest.raises(Damaged, match=r"data\.parquet: no Parquet footer"):
        data_file(broken)


def test_a_file_that_ends_too_early_is_damaged(content: bytes) -> None:
    with pytest.raises(Damaged, match="no Parquet footer"):
        data_file(content[: len(content) // 2])


def test_a_file_of_other_columns_is_damaged() -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"TraceID": [b"1"]}), file)

    with pytest.raises(Damaged, match="102 columns of its format are missing"):
        data_file(file.getvalue())


def test_an_empty_file_on_the_disk_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "data.parquet").touch()

    with pytest.raises(Damaged, match=r"data\.parquet"):
        DataFile.open(LocalBackend(tmp_path), "data.parquet")


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"data\.parquet"):
        DataFile.open(LocalBackend(tmp_path), "data.parquet")


def test_a_file_whose_footer_was_let_go_reads_it_again(content: bytes) -> None:
    file = data_file(content)
    before = file.read(3, [paths.SPAN_START]).arrays[paths.SPAN_START]
    file.opened = None
    assert file.read(3, [paths.SPAN_START]).arrays[paths.SPAN_START] == before
    assert file.chunk(2, paths.SPAN_START).values > 0


def test_the_footer_tells_bounds_and_emptiness_of_a_column(content: bytes) -> None:
    file = data_file(content)
    starts = file.read(3, [paths.SPAN_START]).arrays[paths.SPAN_START].to_numpy()

    chunk = file.chunk(3, paths.SPAN_START)
    assert (chunk.low, chunk.high) == (starts.min(), starts.max())
    assert not chunk.empty
    assert file.chunk(3, paths.LINK_ATTRIBUTES.value_double).empty


@pytest.mark.parametrize("codec", ["none", "snappy", "zstd"])
def test_a_dictionary_tells_which_texts_a_column_may_hold(content: bytes, codec: str) -> None:
    file = data_file(rewritten(content, codec))
    keys = file.read(0, [paths.SPAN_ATTRIBUTES.key]).arrays[paths.SPAN_ATTRIBUTES.key].dictionary.to_pylist()

    assert all(file.might_hold(0, paths.SPAN_ATTRIBUTES.key, key) for key in keys)
    assert not file.might_hold(0, paths.SPAN_ATTRIBUTES.key, "service")
    assert not file.might_hold(0, paths.LINK_ATTRIBUTES.key, "no link of these has one")


def test_a_column_that_gave_up_its_dictionary_may_hold_anything(content: bytes) -> None:
    path = paths.SPAN_ATTRIBUTES.key
    half_way = data_file(rewritten(content, "zstd", dictionary_pagesize_limit=100))
    never = data_file(rewritten(content, "zstd", use_dictionary=False))

    assert half_way.might_hold(0, path, "nowhere")
    assert never.might_hold(0, path, "nowhere")


def test_damage_in_a_dictionary_is_named(content: bytes) -> None:
    path = paths.SPAN_ATTRIBUTES.key
    column = pq.read_metadata(io.BytesIO(content)).row_group(0).column(list(LEAVES).index(path))
    broken = bytearray(content)
    broken[column.dictionary_page_offset + 60] ^= 0x10
    file = data_file(bytes(broken))

    with pytest.raises(Damaged, match=rf"data\.parquet at byte {column.dictionary_page_offset}|checksum of a dictionary page"):
        file.might_hold(0, path, "key")


@pytest.mark.parametrize("codec", ["none", "snappy", "zstd"])
@pytest.mark.parametrize("encoding", ["PLAIN", "DELTA_LENGTH_BYTE_ARRAY"])
def test_pages_tell_which_texts_stand_in_them(content: bytes, codec: str, encoding: str) -> None:
    path = paths.SPAN_ATTRIBUTES.value
    file = data_file(rewritten(content, codec, use_dictionary=False, column_encoding={path: encoding}))
    values = file.read(0, [path]).arrays[path].drop_null().to_pylist()

    assert len(set(values)) > 10
    assert all(file.might_contain(0, path, value) for value in values)
    assert not file.might_contain(0, path, "nowhere")


@pytest.mark.parametrize(
    "options",
    [
        {"use_dictionary": True},
        {"use_dictionary": False, "data_page_version": "2.0"},
        {"use_dictionary": False, "column_encoding": {paths.SPAN_ATTRIBUTES.value: "DELTA_BYTE_ARRAY"}},
    ],
    ids=["with a dictionary", "of version 2", "as differences"],
)
def test_other_pages_may_hold_anything(content: bytes, options: dict[str, Any]) -> None:
    assert data_file(rewritten(content, "zstd", **options)).might_contain(0, paths.SPAN_ATTRIBUTES.value, "nowhere")


def test_damage_in_a_page_that_is_looked_through_is_named(content: bytes) -> None:
    path = paths.SPAN_ATTRIBUTES.value
    column = pq.read_metadata(io.BytesIO(content)).row_group(0).column(list(LEAVES).index(path))
    broken = bytearray(content)
    broken[column.data_page_offset + column.total_compressed_size // 2] ^= 0x10

    with pytest.raises(Damaged, match=r"data\.parquet at byte \d+: the checksum of a page differs"):
        data_file(bytes(broken)).might_contain(0, path, "nowhere")


def rewritten(content: bytes, codec: str, **options: Any) -> bytes:
    """The same rows as another writer might have written them, as one row group of small pages."""
    file = io.BytesIO()
    table = pq.read_table(io.BytesIO(content)).cast(SCHEMA)
    pq.write_table(table, file, compression=codec, store_schema=False, data_page_size=2000, write_batch_size=50, **options)
    return file.getvalue()
