"""Blocks of all formats hold the same spans, and are read as the same batch as far as their columns go."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.compute as pc
import pytest

from pytempo.block import UnsupportedFormat
from pytempo.block.readers import reader_of
from pytempo.model.arrays import plain_text
from pytempo.model.batch import Batch
from pytempo.model.levels import COLUMNS, Level
from pytempo.model.scan import AttributeName, Condition, Scan
from tests.block.golden import golden_batch, golden_source

OLD_AND_NEW = ["vParquet3", "vParquet5"]


def by_span(batch: Batch, name: str) -> dict[tuple[str, int], object]:
    """A span column by trace id and span id."""
    column = batch.stored(Level.SPAN, name)
    values = column.tolist() if isinstance(column, np.ndarray) else plain_text(column).to_pylist()
    traces = [batch.trace_ids().hex(row) for row in batch.trace_of_span()]
    return dict(zip(zip(traces, batch.stored(Level.SPAN, "span_id").tolist(), strict=True), values, strict=True))


def attributes_by_span(batch: Batch) -> dict[tuple[str, int], dict[str, object]]:
    table = batch.attributes(Level.SPAN)
    keys, _, values = table.listed()
    traces, ids = batch.trace_of_span(), batch.stored(Level.SPAN, "span_id")
    found: dict[tuple[str, int], dict[str, object]] = {}
    for owner, key, value in zip(table.owners, keys, values, strict=True):
        found.setdefault((batch.trace_ids().hex(traces[owner]), int(ids[owner])), {})[key] = value
    return found


@pytest.mark.parametrize("format", OLD_AND_NEW)
@pytest.mark.parametrize("name", COLUMNS[Level.SPAN])
def test_every_column_of_a_span_is_that_of_the_vparquet4_block(format: str, name: str) -> None:
    assert by_span(golden_batch(format), name) == by_span(golden_batch("vParquet4"), name)


@pytest.mark.parametrize("format", OLD_AND_NEW)
def test_the_attributes_of_a_span_are_those_of_the_vparquet4_block(format: str) -> None:
    ours, expected = attributes_by_span(golden_batch(format)), attributes_by_span(golden_batch("vParquet4"))
    lost = {"blob", "mixed"} if format == "vParquet3" else set()  # bytes, and arrays of several types, have no column there

    def kept(attributes: dict[str, object]) -> dict[str, object]:
        return {key: value for key, value in attributes.items() if key not in lost}

    assert {span: kept(found) for span, found in ours.items()} == {span: kept(found) for span, found in expected.items()}


@pytest.mark.parametrize("format", OLD_AND_NEW)
def test_events_and_links_are_those_of_the_vparquet4_block(format: str) -> None:
    ours, expected = golden_batch(format), golden_batch("vParquet4")
    for level in (Level.EVENT, Level.LINK):
        assert ours.count(level) == expected.count(level)
        for name in COLUMNS[level]:
            columns = [batch.stored(level, name) for batch in (ours, expected)]
            first, second = (sorted(column.tolist() if isinstance(column, np.ndarray) else column.to_pylist()) for column in columns)
            assert first == second
        tables = [batch.attributes(level) for batch in (ours, expected)]
        pairs = [sorted(zip(table.listed()[0], map(repr, table.listed()[2]), strict=True)) for table in tables]
        assert pairs[0] == pairs[1]


@pytest.mark.parametrize("format", ["vParquet3", "vParquet4", "vParquet5"])
def test_the_root_of_a_trace_is_the_parentless_span_that_starts_first_whatever_tempo_wrote(format: str) -> None:
    batch = golden_batch(format)
    trace, start, parent = batch.trace_of_span(), batch.stored(Level.SPAN, "start"), batch.stored(Level.SPAN, "parent_span_id")
    names = plain_text(batch.stored(Level.SPAN, "name")).to_pylist()
    roots: dict[int, tuple[int, str]] = {}
    for row in np.flatnonzero(parent == 0).tolist():
        roots[trace[row]] = min(roots.get(trace[row], (2**64, "")), (int(start[row]), names[row]))
    assert batch.summary().root_name.to_pylist() == [roots.get(row, (0, ""))[1] for row in range(batch.count(Level.TRACE))]


def test_what_a_format_does_not_keep_reads_as_nothing() -> None:
    batch = golden_batch("vParquet3")
    assert len(batch.attributes(Level.SCOPE)) == 0
    assert not batch.values(Level.SCOPE, "lib.tier").present.any()
    assert batch.stored(Level.RESOURCE, "dropped_attributes").tolist() == [0] * batch.count(Level.RESOURCE)


@pytest.mark.parametrize("format", ["vParquet3", "vParquet5"])
def test_an_element_of_an_array_is_not_pruned_away(format: str) -> None:
    wanted = Scan(conditions=(Condition(AttributeName(Level.SPAN, "tags"), "=", "blue"),), all_conditions=True)
    (batch,) = golden_source(format).batches(wanted)
    (part,) = batch.values(Level.SPAN, "tags").parts
    assert pc.any(pc.equal(plain_text(part.values), "blue")).as_py()


@pytest.mark.parametrize("format", ["vParquet3", "vParquet4", "vParquet5"])
def test_a_key_that_is_nowhere_reads_no_row_group(format: str) -> None:
    absent = Scan(conditions=(Condition(AttributeName(Level.SPAN, "no.such.key"), "=", "x"),), all_conditions=True)
    assert list(golden_source(format).batches(absent)) == []


def test_a_format_that_is_not_read_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedFormat, match=r"meta\.json: block format 'vParquet2'"):
        reader_of(replace(golden_source("vParquet4").meta, format="vParquet2"))
