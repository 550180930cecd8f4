"""Looking at a log: changes nothing, also while another process writes it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pytempo.errors import NotFound
from pytempo.wal import Record, Wal, WalView
from tests.wal.conftest import LOGGER, files_in

ONE, TWO, THREE = Record("t", b"one"), Record("t", b"two " * 200), Record("t", b"three")


@pytest.fixture
def view(folder: Path) -> WalView:
    return WalView(folder, logger=LOGGER)


def everything(view: WalView) -> list[Record]:
    return [record for segment in view.segments() for record in view.read(segment)]


def test_a_folder_that_is_not_there_holds_nothing_and_is_not_made(view: WalView, folder: Path) -> None:
    assert view.segments() == []
    assert not folder.exists()


def test_sealed_and_active_segments_are_seen_while_they_are_written(view: WalView, open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    wal.append_and_sync([ONE])
    wal.seal()
    assert everything(view) == [ONE]
    wal.append_and_sync([TWO])
    assert everything(view) == [ONE, TWO]
    wal.append_and_sync([THREE])
    assert everything(view) == [ONE, TWO, THREE]


def test_a_listing_is_a_moment(view: WalView, open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    wal.append_and_sync([ONE])
    (segment,) = view.segments()
    wal.append_and_sync([TWO])
    assert list(view.read(segment)) == [ONE]


def test_a_segment_that_was_flushed_meanwhile_is_said_to_be_gone(view: WalView, open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    wal.append_and_sync([ONE])
    sealed = wal.seal()
    (segment,) = view.segments()
    assert sealed is not None
    wal.delete(sealed)
    with pytest.raises(NotFound, match="its records are in a block"):
        list(view.read(segment))
    assert view.segments() == []


def test_the_folder_is_byte_for_byte_as_before(view: WalView, folder: Path, open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    for _ in range(2):
        wal.append_and_sync([ONE])
        wal.append_and_sync([TWO])
        wal.seal()
    first, second = wal.segments()
    first.path.write_bytes(first.path.read_bytes().replace(b"one", b"two", 1))  # damage
    os.truncate(second.path, second.bytes - 1)  # a torn tail
    (folder / f"{7:016d}-{7:032x}.wal").touch()  # never finished
    (folder / f"{8:016d}-{8:032x}.wal").write_bytes(first.path.read_bytes()[:40])  # empty
    (folder / ".DS_Store").touch()
    before, changed = files_in(folder), folder.stat().st_mtime_ns
    assert everything(view) == [TWO, ONE]
    assert (files_in(folder), folder.stat().st_mtime_ns) == (before, changed)
