"""`build_table` makes the rows that a plain, slow builder makes, and what Tempo asks of them holds."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytempo.block import DedicatedColumn
from pytempo.block.vparquet4 import SCHEMA
from pytempo.block.vparquet4.build import build_table
from pytempo.model import MemoryBatch
from tests.block import payloads
from tests.block.samples import the_corpus
from tests.block.vparquet4 import row_wise

LISTED = (
    DedicatedColumn("dedicated", "resource"),
    DedicatedColumn("user.id"),
    DedicatedColumn("retries", type="int"),
    DedicatedColumn("exception.type", "event"),
    DedicatedColumn("mixed"),
    DedicatedColumn("http.method"),
    DedicatedColumn("host.name", "resource"),
    DedicatedColumn("listed"),
)


def comparable(value: Any) -> Any:
    """Floats as their bits, everything else as it is."""
    if isinstance(value, dict):
        return {key: comparable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(comparable(inner) for inner in value)
    return struct.pack("<d", value) if isinstance(value, float) else value


@pytest.mark.parametrize("dedicated", [(), LISTED], ids=["without", "with"])
def test_the_corpus_becomes_the_rows_of_the_plain_builder(dedicated: Sequence[DedicatedColumn]) -> None:
    batch = the_corpus()

    table = build_table(batch, dedicated)

    table.validate(full=True)
    assert table.schema.equals(SCHEMA)
    assert comparable(table.to_pylist()) == row_wise.rows(batch, dedicated)


@settings(max_examples=25)
@given(batch=payloads.batches, dedicated=st.sampled_from([(), LISTED]))
def test_any_batch_becomes_the_rows_of_the_plain_builder(batch: MemoryBatch, dedicated: Sequence[DedicatedColumn]) -> None:
    table = build_table(batch, dedicated)

    table.validate(full=True)
    assert comparable(table.to_pylist()) == row_wise.rows(batch, dedicated)
