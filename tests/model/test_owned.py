"""What lives long holds no message that it was read from."""

from __future__ import annotations

from dataclasses import fields
from typing import Any
from uuid import uuid4

import numpy as np
from hypothesis import given, settings

from pytempo.live import Live
from pytempo.live.live import SMALL_BATCH
from pytempo.model.batch import MemoryBatch
from pytempo.model.levels import Level
from pytempo.model.owned import WITH_SPANS, owned
from pytempo.otlp import decode
from tests.building import event, link, request, span
from tests.model.comparing import everything
from tests.otlp.strategies import payloads


def columns(batch: MemoryBatch) -> list[Any]:
    """The columns of spans, events and links."""
    below = [column for (level, _), column in batch.columns.items() if level in WITH_SPANS]
    tables = [getattr(batch.tables[level], field.name) for level in WITH_SPANS for field in fields(batch.tables[level])]
    return [*below, *tables, batch.event_offsets, batch.link_offsets]


def foreign(batch: MemoryBatch) -> int:
    """How many numeric columns lie in memory that is no array's."""
    bases = [column for column in columns(batch) if isinstance(column, np.ndarray)]
    while any(isinstance(base, np.ndarray) for base in bases):
        bases = [base.base if isinstance(base, np.ndarray) else base for base in bases]
    return sum(base is not None for base in bases)


def texts(batch: MemoryBatch) -> set[int]:
    """Where the text columns lie."""
    there = [column for column in columns(batch) if len(column) and not isinstance(column, np.ndarray)]
    return {buffer.address for column in there for buffer in column.buffers() if buffer is not None and buffer.size}


@settings(max_examples=30)
@given(payloads())
def test_it_is_the_same_batch(given: list[bytes]) -> None:
    batch = decode(given).batch
    assert everything(owned(batch)) == everything(batch)


def test_live_spans_share_no_memory_with_what_they_were_read_from() -> None:
    one = span("a", attributes={"text": "x", "number": 1}, events=[event("e", attributes={"k": "v"})], links=[link()])
    spans = [type(one).FromString(one.SerializeToString()) for _ in range(SMALL_BATCH)]
    for number, each in enumerate(spans, 1):
        each.span_id = number.to_bytes(8)
    batch = decode([request(*spans).SerializeToString()]).batch
    live, segment = Live(lambda tenant, payloads: decode(payloads).batch), uuid4()
    live.add(segment, 1, "tenant", batch, 1)
    (kept,) = (source.raw for source in live.sources("tenant"))
    assert kept.count(Level.SPAN) == SMALL_BATCH
    assert foreign(batch)
    assert not foreign(kept)
    assert not texts(batch) & texts(kept)
