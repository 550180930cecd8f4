"""The bytes of a data.parquet: complete dictionaries, one row group a slice, and bloom filters that know every value."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq

from pytempo.block.thrift import CompactReader
from pytempo.block.vparquet4 import LEAVES, SCHEMA, paths
from pytempo.block.vparquet4.build import build_table
from pytempo.block.vparquet4.file_writer import SPANS_AT_ONCE, RowWriter
from pytempo.block.vparquet4.write_options import column_encodings
from pytempo.model import Level, MemoryBatch
from tests.block.samples import batch_of, data_file, the_corpus

DICTIONARY_PAGE, RLE_DICTIONARY = 2, 8
"""Numbers of the Parquet format: a type of page, an encoding."""


def written(batch: MemoryBatch, row_group_spans: int = 100) -> bytes:
    file = io.BytesIO()
    with RowWriter(file, (), row_group_spans, 3) as writer:
        writer.write(batch)
    return file.getvalue()


def pages(content: bytes, column: Any) -> Iterator[dict[int, Any]]:
    """The page headers of a column chunk, in the order of the file."""
    first = column.data_page_offset if column.dictionary_page_offset is None else column.dictionary_page_offset
    reader = CompactReader(content, first)
    while reader.position < first + column.total_compressed_size:
        header = reader.read_struct()
        reader.position += header[3]
        yield header


def test_the_file_is_the_table_in_the_order_of_its_columns() -> None:
    content = written(the_corpus())

    schema = pq.ParquetFile(io.BytesIO(content)).schema
    assert [schema.column(number).path for number in range(len(schema))] == list(LEAVES)
    assert pq.read_table(io.BytesIO(content)).cast(SCHEMA).equals(build_table(the_corpus()))


def test_dictionaries_are_complete_however_large_they_are() -> None:
    def fill(span: Any, number: int) -> None:
        text = f"{number:06d}" * 40
        span.name = text
        span.attributes.add(key=text).value.int_value = number

    content = written(batch_of({1: 6000, 2: 10}, fill))

    footer = pq.read_metadata(io.BytesIO(content))
    without = column_encodings()
    chunks = [footer.row_group(0).column(number) for number in range(footer.num_columns)]
    assert next(chunk for chunk in chunks if chunk.path_in_schema == paths.SPAN_NAME).total_uncompressed_size > 1 << 20
    for chunk in chunks:
        if chunk.path_in_schema not in without:
            dictionary, *data = pages(content, chunk)
            assert dictionary[1] == DICTIONARY_PAGE
            assert {page[5][2] for page in data} <= {RLE_DICTIONARY}, chunk.path_in_schema


def test_a_batch_is_written_in_pieces_as_if_it_were_one(monkeypatch: Any) -> None:
    whole = pq.read_table(io.BytesIO(written(the_corpus())))

    monkeypatch.setattr("pytempo.block.vparquet4.file_writer.SPANS_AT_ONCE", 300)
    in_pieces = written(the_corpus())

    assert SPANS_AT_ONCE > 300
    assert pq.read_table(io.BytesIO(in_pieces)).equals(whole)
    assert pq.read_metadata(io.BytesIO(in_pieces)).num_row_groups == 17


def test_every_string_is_in_the_bloom_filter_of_its_row_group() -> None:
    content = written(the_corpus())
    file = data_file(content)

    for path in (paths.SPAN_ATTRIBUTES.value, paths.RESOURCE_ATTRIBUTES.value):
        blooms = file.value_blooms(path)
        for group in range(file.row_groups):
            for value in file.read(group, [path]).arrays[path].unique().to_pylist():
                assert blooms.might_hold(value)[group]
        assert blooms.might_hold("nowhere to be found").mean() < 0.2


def test_bloom_filters_are_as_large_as_their_values_ask_for() -> None:
    def fill(span: Any, number: int) -> None:
        for key in range(5):
            span.attributes.add(key=f"k{key}").value.string_value = f"{span.trace_id.hex()}{number}{key}"

    def length(batch: MemoryBatch) -> int:
        column = pq.read_metadata(io.BytesIO(written(batch, 1000))).row_group(0).column(list(LEAVES).index(paths.SPAN_ATTRIBUTES.value))
        return int(column.bloom_filter_length)

    few, many = batch_of({1: 2}, fill), batch_of(dict.fromkeys(range(1, 200), 5), fill)

    assert few.count(Level.SPAN) == 2
    assert length(few) < 200
    assert 5000 < length(many) < 20_000
