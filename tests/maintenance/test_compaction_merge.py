"""A merge goes through its blocks in the order of trace ids, a few row groups at a time, however many there are."""

from __future__ import annotations

import random
from pathlib import Path
from uuid import UUID

import pytest

from pytempo.backend import LocalBackend
from pytempo.block.source import BlockSource
from pytempo.block.writer import BlockOptions, write_block
from pytempo.maintenance.compaction_merge import merged
from pytempo.model import Level, merge
from pytempo.otlp import decode
from tests.building import request, span

AT_ONCE = 60


def blocks(folder: Path, sizes: list[int], ids: int) -> list[BlockSource]:
    """Blocks of so many traces of two spans, with ids among the first `ids`."""
    dice, backend = random.Random(1), LocalBackend(folder)
    made = []
    for number, size in enumerate(sizes, 1):
        spans = [span("x", trace=trace, id=10 * number + half) for trace in dice.sample(range(1, ids), size) for half in (1, 2)]
        batch = merge([decode([request(*spans).SerializeToString()]).batch])
        meta = write_block(backend, "t", UUID(int=number), batch, options=BlockOptions(row_group_spans=20), sequence=number)
        made.append(BlockSource(backend, meta))
    return made


@pytest.mark.parametrize("sizes", [[300], [200, 200, 200], [300, 5], [1, 1, 1], [150, 30, 2]])
def test_batches_are_small_and_ids_ascend_over_all_of_them(tmp_path: Path, sizes: list[int]) -> None:
    sources = blocks(tmp_path, sizes, 1000)
    ids: list[str] = []
    spans = rows = 0
    for batch, read in merged(sources, AT_ONCE):
        found = batch.trace_ids()
        ids += [found.hex(row) for row in range(len(found))]
        assert batch.count(Level.SPAN) <= 3 * AT_ONCE
        spans, rows = spans + batch.count(Level.SPAN), rows + read
    assert ids == sorted(set(ids))
    assert len(ids) == len({source.trace_ids().hex(row) for source in sources for row in range(len(source.trace_ids()))})
    assert spans == 2 * sum(sizes)
    assert rows == sum(sizes)
