"""Attributes that get a column of their own: the texts that most spans have, as many as there are columns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pytempo.block import DedicatedColumn
from pytempo.block.chosen_columns import chosen, joined
from pytempo.block.dedicated import DEDICATED_KEY, from_text
from pytempo.block.vparquet4 import paths
from pytempo.block.writer import BlockOptions
from pytempo.maintenance.compaction_job import Job
from pytempo.model import AttributeName, Condition, Level, MemoryBatch, Scan
from tests.block.samples import batch_of, source_of

CHOSEN = BlockOptions(row_group_spans=100)


def frequent(span: Any, number: int) -> None:
    """Fifteen texts on every span, of which two are fixed columns, an integer, an array, and one text on one span of forty."""
    texts = {f"text.{letter}": f"{letter} {number % 3}" for letter in "abcdefghijklm"} | {"http.method": "GET", "http.url": "/"}
    for key, value in texts.items():
        span.attributes.add(key=key).value.string_value = value
    span.attributes.add(key="whole").value.int_value = number
    span.attributes.add(key="several").value.array_value.values.add(string_value="x")
    if number % 40 == 7:
        span.attributes.add(key="rare").value.string_value = "seldom"


def unique(span: Any, number: int) -> None:
    span.attributes.add(key="unique").value.string_value = f"{span.trace_id.hex()} {number}"
    span.attributes.add(key="repeated").value.string_value = f"value {number % 5}"


def test_the_texts_of_most_spans_are_chosen_as_many_as_fit() -> None:
    assert chosen(batch_of({1: 40, 2: 40}, frequent)) == tuple(DedicatedColumn(f"text.{letter}") for letter in "abcdefghij")


def test_nothing_is_chosen_of_spans_without_attributes() -> None:
    assert chosen(batch_of({1: 3})) == ()


def test_blocks_that_become_one_have_the_columns_of_most_of_their_spans() -> None:
    many, few = [tuple(DedicatedColumn(f"{letter}{number}") for number in range(8)) for letter in "ab"]
    assert joined([(few, 10), (many, 30), (few, 15)]) == tuple(sorted((*many[:8], *few[:2]), key=lambda column: column.name))[:10]
    assert joined([((), 5)]) == ()


def block(root: Path) -> tuple[MemoryBatch, Any]:
    batch = batch_of(dict.fromkeys(range(1, 41), 20), unique)
    return batch, source_of(root, batch, CHOSEN)


def test_no_column_is_chosen_where_none_may_be(tmp_path: Path) -> None:
    options = BlockOptions(choose_columns=False)
    source = source_of(tmp_path, batch_of({1: 20}, unique), options)
    assert source.meta.dedicated_columns == ()
    assert Job.of([source.meta, replace(source.meta, dedicated_columns=(DedicatedColumn("unique"),))], options).options.columns == ()


def test_what_seldom_repeats_has_a_filter_and_what_repeats_a_dictionary(tmp_path: Path) -> None:
    _, source = block(tmp_path)
    file = pq.ParquetFile(next(tmp_path.rglob("data.parquet")))
    columns = {file.metadata.row_group(0).column(number).path_in_schema: number for number in range(file.metadata.num_columns)}
    repeated, unique = (file.metadata.row_group(0).column(columns[paths.dedicated("span", name)]) for name in ("String01", "String02"))
    assert [column.name for column in source.meta.dedicated_columns] == ["repeated", "unique"]
    assert "RLE_DICTIONARY" in repeated.encodings
    assert repeated.bloom_filter_offset is None
    assert "DELTA_LENGTH_BYTE_ARRAY" in unique.encodings
    assert unique.bloom_filter_offset is not None
    assert from_text(file.metadata.metadata[DEDICATED_KEY.encode()]) == source.meta.dedicated_columns


def test_a_filter_of_its_own_leaves_row_groups_out(tmp_path: Path) -> None:
    batch, source = block(tmp_path)
    value = batch.values(Level.SPAN, "unique").parts[0].values[77].as_py()
    scan = Scan(conditions=(Condition(AttributeName(Level.SPAN, "unique"), "=", value),))
    (found,) = source.batches(scan)
    assert value in found.values(Level.SPAN, "unique").parts[0].values.to_pylist()
    assert list(source.batches(Scan(conditions=(Condition(AttributeName(Level.SPAN, "unique"), "=", f"{value[:-1]}x"),)))) == []


def test_values_are_the_same_whether_they_were_chosen_or_not(tmp_path: Path) -> None:
    batch, source = block(tmp_path)
    wanted = sorted(batch.values(Level.SPAN, "unique").parts[0].values.to_pylist())
    found = [text for each in source.batches(Scan()) for text in each.values(Level.SPAN, "unique").parts[0].values.to_pylist()]
    assert sorted(found) == wanted
