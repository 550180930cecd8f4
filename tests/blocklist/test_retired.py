"""Blocks on their way out: retired in one step, deleted in an order that can be stopped anywhere."""

from __future__ import annotations

import logging
from pathlib import Path
from uuid import UUID

import pytest

from pytempo.backend import LocalBackend
from pytempo.block import BlockMeta, filenames
from pytempo.block.lineage import lineage_fields
from pytempo.blocklist import BlockList, LeftOutReason, clear, is_retired, retire, retired

FILES = (filenames.DATA, "bloom-0", filenames.INDEX)


def publish(backend: LocalBackend, number: int, *sources: int) -> BlockMeta:
    names = [str(UUID(int=source)) for source in sources]
    meta = BlockMeta(block_id=str(UUID(int=number)), tenant="t", start=0, end=1, size=4, row_groups=1, extra=lineage_fields(None, names))
    for name in FILES:
        backend.put(filenames.key("t", meta.block_id, name), b"rows")
    backend.put(filenames.key("t", meta.block_id, filenames.META), meta.to_bytes())
    return meta


@pytest.fixture
def backend(tmp_path: Path) -> LocalBackend:
    return LocalBackend(tmp_path / "blocks")


def listed(backend: LocalBackend) -> BlockList:
    return BlockList.open(backend.root, backend.root.with_name("damaged"), logging.getLogger("tests"))


def test_a_retired_block_is_none_and_says_since_when(backend: LocalBackend) -> None:
    meta = publish(backend, 1)
    assert not is_retired(backend, "t", meta.block_id)
    assert retire(backend, "t", meta.block_id, 12_345_678_900)
    assert is_retired(backend, "t", meta.block_id)
    assert listed(backend).blocks("t") == ()
    (found,) = retired(backend)
    assert (found.block_id, found.since, found.size) == (meta.block_id, 12_345_678_900, 12 + len(meta.to_bytes()))


def test_retiring_twice_or_what_is_not_there_changes_nothing(backend: LocalBackend) -> None:
    meta = publish(backend, 1)
    assert retire(backend, "t", meta.block_id, 1)
    assert not retire(backend, "t", meta.block_id, 2)
    assert not retire(backend, "t", str(UUID(int=9)), 2)
    assert backend.list("t").folders == (meta.block_id,)


@pytest.mark.parametrize("gone", range(len(FILES) + 1))
def test_a_deletion_goes_on_where_it_was_stopped(backend: LocalBackend, gone: int) -> None:
    meta = publish(backend, 1)
    retire(backend, "t", meta.block_id, 1)
    for name in FILES[:gone]:
        backend.delete(filenames.key("t", meta.block_id, name))
    assert listed(backend).blocks("t") == ()
    for each in list(retired(backend)):
        clear(backend, each.tenant, each.block_id)
    assert backend.list("t").folders == ()


def test_a_block_takes_the_place_of_those_it_was_made_of(backend: LocalBackend) -> None:
    source, other = publish(backend, 1), publish(backend, 2)
    merged = publish(backend, 3, 1)
    blocks = listed(backend)
    assert set(blocks.blocks("t")) == {merged, other}
    assert [(each.block_id, each.reason) for each in blocks.left_out] == [(source.block_id, LeftOutReason.COMPACTED)]


def test_a_merged_block_that_was_merged_again_takes_its_sources_along(backend: LocalBackend) -> None:
    publish(backend, 1)
    publish(backend, 2, 1)
    last = publish(backend, 3, 2)
    assert listed(backend).blocks("t") == (last,)


def test_what_a_writer_did_not_bring_to_its_end_is_swept_away_by_the_next_one(backend: LocalBackend) -> None:
    half = backend.root.with_name("compacting") / "t" / str(UUID(int=7)) / filenames.DATA
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    BlockList.open(backend.root, backend.root.with_name("damaged"), logging.getLogger("tests"), read_only=True)
    assert half.exists()
    listed(backend)
    assert not half.exists()
