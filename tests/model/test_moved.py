"""Merged while they become views of the whole, batches say what they said, and take no memory of their own."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from hypothesis import given, settings

from pytempo.model import Level, MemoryBatch, merge
from pytempo.model.moved import merge_moving
from pytempo.model.owned import owned
from pytempo.otlp import decode
from tests.building import request, span
from tests.model.comparing import everything
from tests.model.test_merge import copies
from tests.otlp.strategies import payloads


def decoded(payloads: list[bytes]) -> list[MemoryBatch]:
    return [owned(decode([payload]).batch) for payload in payloads]


def told(batches: list[MemoryBatch]) -> list[dict[str, Any]]:
    return [everything(batch) for batch in batches]


@settings(max_examples=60)
@given(payloads())
def test_it_is_as_merged_and_changes_no_batch(given: list[bytes]) -> None:
    batches = decoded([b"", *given])
    before = told(batches)
    assert everything(merge_moving(batches)) == everything(merge(decoded([b"", *given])))
    assert told(batches) == before


@settings(max_examples=40)
@given(copies())
def test_copies_are_dropped_as_by_merge(given: list[bytes]) -> None:
    batches = decoded(given)
    before = told(batches)
    assert everything(merge_moving(batches)) == everything(merge(decoded(given)))
    assert told(batches) == before


def test_afterwards_the_batches_lie_in_the_whole() -> None:
    texts = [
        [span(f"{row} of {number}", attributes={"k": f"v{row}", "n": row}, trace=bytes([number] * 16)) for row in range(3)]
        for number in (1, 2)
    ]
    batches = decoded([request(*spans).SerializeToString() for spans in texts])
    whole = merge_moving(batches)
    for batch in batches:
        for key, column in batch.columns.items():
            if key[0] is Level.SPAN:
                assert shares(column, whole.columns[key])
        table = batch.tables[Level.SPAN]
        assert all(
            shares(getattr(table, each.name), getattr(whole.tables[Level.SPAN], each.name))
            for each in fields(table)
            if each.name not in ("offsets", "first")
        )


def shares(column: Any, whole: Any) -> bool:
    """Whether a column lies in the memory of another, or is nothing or the same value over and over."""
    if isinstance(column, np.ndarray):
        return column.strides == (0,) or not len(column) or np.shares_memory(column, whole)
    return not column.nbytes or column.buffers()[1].address == whole.buffers()[1].address
