"""A row group answers as a batch of the model: single attributes, keys and columns as all of them together, reading no more than asked."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from pytempo.block import DedicatedColumn
from pytempo.block.vparquet4.rows import RowGroupBatch
from pytempo.block.writer import BlockOptions
from pytempo.model import Kind, Level, MemoryBatch, Values
from pytempo.model.levels import ATTRIBUTE_LEVELS
from tests.block import payloads
from tests.block.samples import BASE, SMALL_GROUPS, batch_of, row_groups, source_of, the_corpus
from tests.comparing import attributes, plain

LISTED = BlockOptions(dedicated_columns=(DedicatedColumn("listed"), DedicatedColumn("dedicated"), DedicatedColumn("free", "resource")))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blocks")


def groups(root: Path, batch: MemoryBatch, options: BlockOptions = SMALL_GROUPS) -> list[RowGroupBatch]:
    return row_groups(source_of(root, batch, options))  # type: ignore[return-value]


def by_row(values: Values) -> dict[str, Any]:
    """Values as plain Python: what each row has of each kind."""
    found: dict[str, Any] = {"present": values.present.tolist()}
    found["arrays"] = [] if values.is_array is None else np.flatnonzero(values.is_array).tolist()
    for part in values.parts:
        assert np.all(np.diff(part.places) >= 0)
        found[part.kind.name] = list(zip(part.places.tolist(), plain(part.values), strict=True))
    return {"count": values.count} | found


@settings(max_examples=8)
@given(batch=payloads.batches)
def test_one_attribute_alone_is_what_it_is_among_all(root: Path, batch: MemoryBatch) -> None:
    for single, whole in zip(groups(root, batch, LISTED), groups(root, batch, LISTED), strict=True):
        for level in ATTRIBUTE_LEVELS:
            table = whole.attributes(level)
            for key in [*payloads.KEYS, "absent"]:
                assert by_row(single.values(level, key)) == by_row(table.values(key))


@settings(max_examples=8)
@given(batch=payloads.batches)
def test_the_keys_of_a_level_are_those_of_its_attributes(root: Path, batch: MemoryBatch) -> None:
    for single, whole in zip(groups(root, batch, LISTED), groups(root, batch, LISTED), strict=True):
        for level in ATTRIBUTE_LEVELS:
            offsets, codes, names = single.keys(level)
            found = names.to_pylist()
            rows = [[found[code] for code in codes[first:last]] for first, last in pairwise(offsets)]
            assert rows == [list(row) for row in attributes(whole.attributes(level))]


@settings(max_examples=8)
@given(batch=payloads.batches)
def test_the_names_of_keys_are_those_of_its_rows(root: Path, batch: MemoryBatch) -> None:
    for single, whole in zip(groups(root, batch, LISTED), groups(root, batch, LISTED), strict=True):
        for level in ATTRIBUTE_LEVELS:
            names = single.key_names(level).to_pylist()
            assert sorted(names) == sorted({key for row in attributes(whole.attributes(level)) for key in row})


@pytest.mark.parametrize("value", ["text", "", 5000 * "x"])
def test_a_key_is_named_whatever_the_footer_says_of_its_column(root: Path, value: str) -> None:
    def fill(span: Any, number: int) -> None:
        span.attributes.add(key="dedicated").value.string_value = value

    (group,) = groups(root, batch_of({1: 300}, fill), LISTED)

    assert group.key_names(Level.SPAN).to_pylist() == ["dedicated"]
    assert (group.bytes_read == 0) == (value == "text")


def test_attributes_come_as_lists_then_dedicated_then_fixed_then_the_service(root: Path) -> None:
    def fill(span: Any, number: int) -> None:
        for key in ("http.url", "dedicated", "free", "listed", "http.method"):
            span.attributes.add(key=key).value.string_value = "text"
        span.attributes.add(key="http.status_code").value.int_value = 200

    (group,) = groups(root, batch_of({1: 1}, fill), LISTED)

    (row,) = attributes(group.attributes(Level.SPAN))
    assert list(row) == ["free", "listed", "dedicated", "http.method", "http.url", "http.status_code"]


def test_a_root_with_neither_name_nor_service_is_a_root(root: Path) -> None:
    def fill(span: Any, number: int) -> None:
        span.name = ""
        if span.trace_id[-1] == 2:
            span.parent_span_id = b"absent.."

    (group,) = groups(root, batch_of({1: 1, 2: 1}, fill), LISTED)

    assert group.column(Level.TRACE, "has_root").tolist() == [True, False]
    assert group.summary().has_root.tolist() == [True, False]


def test_a_trace_column_is_read_without_the_spans(root: Path) -> None:
    group = groups(root, the_corpus())[0]

    starts = group.column(Level.TRACE, "start")

    assert starts.min() >= BASE
    assert group.bytes_read < 300


def test_text_that_repeats_comes_as_codes(root: Path) -> None:
    group = groups(root, the_corpus())[0]

    names = group.stored(Level.SPAN, "name")

    assert len(names.dictionary) < len(names)
    assert names.dictionary.unique() == names.dictionary


def test_values_that_no_row_group_has_are_not_read(root: Path) -> None:
    group = groups(root, the_corpus())[0]
    spans, before = group.count(Level.SPAN), group.bytes_read

    values = group.values(Level.SPAN, "absent")

    assert (values.count, values.parts, values.present.any()) == (spans, (), False)
    assert group.bytes_read == before


def test_an_attribute_with_a_column_is_read_without_the_lists_that_do_not_have_it(root: Path) -> None:
    def fill(span: Any, number: int) -> None:
        span.attributes.add(key="http.status_code").value.int_value = number
        for key in range(20):
            span.attributes.add(key=f"k{key}").value.string_value = f"{number * 7919 + key:x}"

    batch = batch_of({1: 300}, fill)
    (one,), (all_of_them,) = groups(root, batch, LISTED), groups(root, batch, LISTED)
    (part,) = one.values(Level.SPAN, "http.status_code").parts
    all_of_them.attributes(Level.SPAN)

    assert part.values.tolist() == list(range(300))
    assert one.bytes_read < all_of_them.bytes_read / 10


def test_numbers_are_of_the_types_of_the_model(root: Path) -> None:
    group = groups(root, the_corpus())[0]

    types = {name: group.stored(Level.SPAN, name).dtype for name in ("span_id", "kind", "status_code", "start", "dropped_links")}

    assert types == {"span_id": "u8", "kind": "i4", "status_code": "i4", "start": "u8", "dropped_links": "u4"}


def test_a_value_that_is_not_set_is_absent_and_its_key_is_there(root: Path) -> None:
    def fill(span: Any, number: int) -> None:
        span.attributes.add(key="nothing")

    (group,) = groups(root, batch_of({1: 1}, fill), LISTED)

    assert not group.values(Level.SPAN, "nothing").present.any()
    assert group.attributes(Level.SPAN).kinds.tolist() == [Kind.NIL]
    assert group.keys(Level.SPAN)[2].to_pylist() == ["nothing"]
