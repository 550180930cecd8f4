"""The block list over a real directory: blocks are found, strangers left alone, damaged blocks set aside, nothing deleted."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from pytempo.backend import TEMPORARY_SUFFIX, LocalBackend
from pytempo.block import BlockMeta, filenames
from pytempo.blocklist import BlockList, LeftOutReason

LOGGER = logging.getLogger("tests.blocklist")
SECOND = 1_000_000_000


def block_id(number: int) -> str:
    return str(UUID(int=number))


class Data:
    """A data directory on disk, with what a test puts into it."""

    def __init__(self, root: Path) -> None:
        self.blocks, self.damaged = root / "blocks", root / "damaged"
        self.backend = LocalBackend(self.blocks)

    def publish(self, number: int, tenant: str = "t", start: int = 0, end: int = SECOND, rows: bytes = b"rows") -> BlockMeta:
        meta = BlockMeta(block_id=block_id(number), tenant=tenant, start=start, end=end, size=len(rows), row_groups=1)
        self.backend.put(filenames.key(tenant, meta.block_id, filenames.DATA), rows)
        self.put_meta(meta)
        return meta

    def put_meta(self, meta: BlockMeta) -> None:
        self.backend.put(filenames.key(meta.tenant, meta.block_id, filenames.META), meta.to_bytes())

    def folder(self, number: int, tenant: str = "t") -> Path:
        return self.blocks / tenant / block_id(number)

    def open(self, read_only: bool = False) -> BlockList:
        return BlockList.open(self.blocks, self.damaged, LOGGER, read_only)

    def everything(self) -> set[str]:
        return {path.relative_to(self.blocks.parent).as_posix() for path in self.blocks.parent.rglob("*")}


@pytest.fixture
def data(tmp_path: Path) -> Data:
    return Data(tmp_path)


@pytest.fixture(autouse=True)
def _hear_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, LOGGER.name)


def ids(blocks: BlockList, tenant: str = "t") -> list[str]:
    return [meta.block_id for meta in blocks.blocks(tenant)]


def test_a_directory_that_is_not_there_yet_has_no_blocks(data: Data) -> None:
    blocks = data.open()

    assert (blocks.tenants(), blocks.blocks("t"), blocks.left_out) == ((), (), ())
    assert data.everything() == set()


def test_blocks_are_found_by_tenant_and_read_whole(data: Data) -> None:
    first, other = data.publish(1, "b"), data.publish(2, "a")
    blocks = data.open()

    assert blocks.tenants() == ("a", "b")
    assert blocks.blocks("b") == (first,)
    assert blocks.blocks("a") == (other,)
    assert blocks.blocks("nobody") == ()


def test_the_latest_block_comes_first_and_ties_go_by_id(data: Data) -> None:
    for number, end in ((3, 5), (1, 9), (2, 5)):
        data.publish(number, end=end * SECOND)

    assert ids(data.open()) == [block_id(1), block_id(2), block_id(3)]


def test_strangers_are_passed_over_and_left_alone(data: Data, caplog: pytest.LogCaptureFixture) -> None:
    meta = data.publish(1)
    lost = data.blocks / "lost+found"
    lost.mkdir(mode=0)
    (data.blocks / ".DS_Store").write_bytes(b"\0")
    (data.blocks / "work.json").write_bytes(b"{}")
    (data.blocks / "t" / ".DS_Store").write_bytes(b"\0")
    (data.blocks / "t" / "index.json.gz").write_bytes(b"\0")
    (data.blocks / "t" / "not-a-uuid").mkdir()
    (data.blocks / "t" / "not-a-uuid" / "meta.json").write_bytes(b"not ours")
    data.folder(9).mkdir()
    (data.blocks / "back\\slash").mkdir()
    os.mkdir(os.fsencode(data.blocks) + b"/not-utf8-\xff")
    before = data.everything()

    blocks = data.open()
    lost.chmod(0o700)  # so that the folder can be removed after the test

    assert (blocks.tenants(), blocks.blocks("t"), blocks.left_out) == (("t",), (meta,), ())
    assert data.everything() == before
    assert [record for record in caplog.records if record.levelno > logging.WARNING] == []


def test_rows_without_metadata_are_no_block_and_stay(data: Data) -> None:
    data.publish(1)
    (data.folder(1) / "meta.json").unlink()
    blocks = data.open()

    assert ids(blocks) == []
    assert [(folder.block_id, folder.reason) for folder in blocks.left_out] == [(block_id(1), LeftOutReason.UNPUBLISHED)]
    assert (data.folder(1) / "data.parquet").exists()


@pytest.mark.parametrize("read_only", [False, True])
def test_what_a_killed_process_was_writing_is_removed_by_who_may_write(data: Data, read_only: bool) -> None:
    data.publish(1)
    left = data.folder(1) / f"bloom-0.0badcafe{TEMPORARY_SUFFIX}"
    left.write_bytes(b"half of it")
    assert ids(data.open(read_only)) == [block_id(1)]
    assert left.exists() == read_only


def test_a_compacted_block_is_no_longer_in_the_list(data: Data) -> None:
    data.publish(1)
    (data.folder(1) / "meta.json").rename(data.folder(1) / "meta.compacted.json")
    blocks = data.open()

    assert ids(blocks) == []
    assert [folder.reason for folder in blocks.left_out] == [LeftOutReason.COMPACTED]


def cut_rows_in_half(folder: Path) -> None:
    os.truncate(folder / "data.parquet", 2)


def lengthen_rows(folder: Path) -> None:
    (folder / "data.parquet").write_bytes(b"rows and more")


def lose_rows(folder: Path) -> None:
    (folder / "data.parquet").unlink()


def empty_metadata(folder: Path) -> None:
    os.truncate(folder / "meta.json", 0)


def cut_metadata(folder: Path) -> None:
    os.truncate(folder / "meta.json", 60)


def scribble_metadata(folder: Path) -> None:
    (folder / "meta.json").write_bytes(b"\xff\x00 nothing")


INJURIES = [
    (cut_rows_in_half, r"data\.parquet: has 2 bytes, meta\.json says 4"),
    (lengthen_rows, r"data\.parquet: has 13 bytes, meta\.json says 4"),
    (lose_rows, r"data\.parquet: is missing, though the block is published"),
    (empty_metadata, r"meta\.json at byte 0: not JSON"),
    (cut_metadata, r"meta\.json at byte \d+: not JSON"),
    (scribble_metadata, r"meta\.json at byte 0: not UTF-8"),
]


@pytest.mark.parametrize(("injure", "cause"), INJURIES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_damaged_block_is_set_aside_with_all_its_files(
    data: Data, injure: Callable[[Path], None], cause: str, caplog: pytest.LogCaptureFixture
) -> None:
    good = data.publish(1)
    data.publish(2)
    injure(data.folder(2))
    files = {path.name: path.read_bytes() for path in data.folder(2).iterdir()}

    blocks = data.open()

    assert blocks.blocks("t") == (good,)
    assert (blocks.set_aside_count, blocks.left_out) == (1, ())
    aside = data.damaged / "t" / block_id(2)
    assert {path.name: path.read_bytes() for path in aside.iterdir()} == files
    assert not data.folder(2).exists()
    named, moved = (record.getMessage() for record in caplog.records if record.levelno == logging.ERROR)
    assert str(data.folder(2)) in named
    assert re.search(cause, named)
    assert str(aside) in moved


@pytest.mark.parametrize(("injure", "cause"), INJURIES, ids=lambda value: getattr(value, "__name__", ""))
def test_read_only_a_damaged_block_is_left_out_and_left_in_place(data: Data, injure: Callable[[Path], None], cause: str) -> None:
    data.publish(1)
    injure(data.folder(1))
    before = data.everything()

    blocks = data.open(read_only=True)

    assert ids(blocks) == []
    assert [folder.reason for folder in blocks.left_out] == [LeftOutReason.DAMAGED]
    assert blocks.set_aside_count == 0
    assert data.everything() == before


def test_a_second_damaged_block_of_the_same_name_does_not_replace_the_first(data: Data) -> None:
    for rows in (b"first", b"second"):
        meta = data.publish(1, rows=rows)
        data.put_meta(replace(meta, size=1))
        data.open()

    aside = data.damaged / "t"
    assert (aside / block_id(1) / "data.parquet").read_bytes() == b"first"
    assert (aside / f"{block_id(1)}.1" / "data.parquet").read_bytes() == b"second"


def test_a_damaged_block_that_cannot_be_moved_is_left_out_and_named_once(data: Data, caplog: pytest.LogCaptureFixture) -> None:
    data.publish(1)
    lose_rows(data.folder(1))
    data.damaged.write_bytes(b"a file where the folder should be")

    blocks = data.open()
    blocks.refresh()

    assert ids(blocks) == []
    assert [folder.reason for folder in blocks.left_out] == [LeftOutReason.DAMAGED]
    assert blocks.set_aside_count == 0
    assert sum("cannot be moved" in record.getMessage() for record in caplog.records) == 1


def test_an_unsupported_format_is_refused_by_name_and_stays(data: Data, caplog: pytest.LogCaptureFixture) -> None:
    meta = data.publish(1)
    data.put_meta(replace(meta, format="vParquet6"))
    before = data.everything()

    blocks = data.open()
    blocks.refresh()

    (folder,) = blocks.unsupported
    assert (folder.tenant, folder.block_id) == ("t", block_id(1))
    assert "'vParquet6'" in folder.cause
    assert data.everything() == before
    assert sum("vParquet6" in record.getMessage() for record in caplog.records) == 1


def test_a_block_under_another_name_is_left_out_and_stays(data: Data) -> None:
    data.publish(1)
    data.folder(1).rename(data.folder(2))
    blocks = data.open()

    assert ids(blocks) == []
    assert [folder.reason for folder in blocks.left_out] == [LeftOutReason.MISPLACED]
    assert data.folder(2).exists()


def test_metadata_that_cannot_be_read_at_the_moment_is_not_called_damaged(data: Data) -> None:
    data.publish(1)
    path = data.folder(1) / "meta.json"
    path.unlink()
    path.symlink_to(path)  # a loop: opening it fails for every user
    blocks = data.open()

    assert [folder.reason for folder in blocks.left_out] == [LeftOutReason.UNREADABLE]
    assert "check the disk" in blocks.left_out[0].cause
    assert data.folder(1).exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_a_tenant_that_cannot_be_listed_is_named_once_and_passed_over(data: Data, caplog: pytest.LogCaptureFixture) -> None:
    good = data.publish(1, "good")
    data.publish(2, "shut")
    (data.blocks / "shut").chmod(0)
    blocks = data.open()
    blocks.refresh()
    (data.blocks / "shut").chmod(0o700)

    assert blocks.tenants() == ("good",)
    assert blocks.blocks("good") == (good,)
    assert sum("passed over" in record.getMessage() for record in caplog.records) == 1


def test_refresh_takes_in_new_blocks_and_lets_vanished_ones_go(data: Data) -> None:
    data.publish(1)
    blocks = data.open()
    data.publish(2)
    data.publish(3, "new")
    data.backend.delete_folder(filenames.folder("t", block_id(1)))

    blocks.refresh()

    assert ids(blocks) == [block_id(2)]
    assert blocks.tenants() == ("new", "t")


def test_a_block_whose_deletion_has_begun_is_gone_and_not_damaged(data: Data) -> None:
    data.publish(1)
    blocks = data.open()
    (data.folder(1) / "meta.json").unlink()
    (data.folder(1) / "data.parquet").unlink()

    blocks.refresh()

    assert (ids(blocks), blocks.left_out, blocks.set_aside_count) == ([], (), 0)


def test_blocks_that_vanish_during_a_listing_are_no_error_for_the_rest(data: Data) -> None:
    for number in range(1, 60):
        data.publish(number)
    blocks = data.open(read_only=True)

    def delete_even_ones() -> None:
        for number in range(2, 60, 2):
            data.backend.delete(filenames.key("t", block_id(number), filenames.META))
            data.backend.delete_folder(filenames.folder("t", block_id(number)))

    deleter = threading.Thread(target=delete_even_ones)
    deleter.start()
    for _ in range(20):
        fresh = data.open()
        blocks.refresh()
        assert fresh.set_aside_count == 0
        assert {block_id(number) for number in range(1, 60, 2)} <= set(ids(fresh)) & set(ids(blocks))
    deleter.join()
    blocks.refresh()

    assert set(ids(blocks)) == {block_id(number) for number in range(1, 60, 2)}
    assert not data.damaged.exists()


def test_an_added_block_is_there_at_once_and_only_once(data: Data) -> None:
    blocks = data.open()
    meta = data.publish(1)

    blocks.add(meta)
    blocks.add(replace(meta, traces=7))
    assert [block.traces for block in blocks.blocks("t")] == [7]

    blocks.refresh()
    assert ids(blocks) == [block_id(1)]


def test_a_removed_block_is_gone_at_once_and_the_last_takes_its_tenant_along(data: Data) -> None:
    data.publish(1)
    data.publish(2)
    blocks = data.open()

    blocks.remove("t", block_id(1))
    blocks.remove("t", block_id(1))
    blocks.remove("nobody", block_id(1))
    assert ids(blocks) == [block_id(2)]

    blocks.remove("t", block_id(2))
    assert blocks.tenants() == ()


def test_what_was_handed_out_does_not_change_afterwards(data: Data) -> None:
    meta = data.publish(1)
    blocks = data.open()
    before = blocks.blocks("t")

    blocks.remove("t", block_id(1))
    blocks.add(data.publish(2))

    assert before == (meta,)


def test_blocks_added_from_many_threads_are_all_there(data: Data) -> None:
    blocks = data.open()
    metas = [data.publish(number) for number in range(40)]
    threads = [threading.Thread(target=lambda part=metas[first::4]: [blocks.add(meta) for meta in part]) for first in range(4)]
    threads.append(threading.Thread(target=blocks.refresh))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(ids(blocks)) == {meta.block_id for meta in metas}
