"""What is written into a block is read back, span by span, whatever the spans are."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytempo.backend import LocalBackend
from pytempo.block import DedicatedColumn
from pytempo.block.source import BlockSource
from pytempo.block.writer import BlockOptions, write_block
from pytempo.model import Batch, MemoryBatch, Scan
from tests.block import payloads
from tests.comparing import as_dicts

DEDICATED = (
    DedicatedColumn("dedicated", "resource"),
    DedicatedColumn("dedicated"),
    DedicatedColumn("listed"),
    DedicatedColumn("free", type="int"),
    DedicatedColumn("listed", "event"),
)


def read_back(root: Path, batch: MemoryBatch, options: BlockOptions) -> list[Batch]:
    backend = LocalBackend(root)
    meta = write_block(backend, "single-tenant", uuid.uuid4(), batch, options=options, sequence=1)
    return list(BlockSource(backend, meta).batches(Scan()))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blocks")


@settings(max_examples=15)
@given(batch=payloads.batches, dedicated=st.sampled_from([(), DEDICATED]), row_group_spans=st.sampled_from([1, 3, 10_000]))
def test_every_span_comes_back_with_all_it_has(
    root: Path, batch: MemoryBatch, dedicated: Sequence[DedicatedColumn], row_group_spans: int
) -> None:
    read = read_back(root, batch, BlockOptions(row_group_spans=row_group_spans, dedicated_columns=tuple(dedicated)))

    found = {key: span for group in read for key, span in as_dicts(group).items()}
    assert found == as_dicts(batch)
    shutil.rmtree(root)
