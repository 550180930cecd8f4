"""Starts over files that did not survive: what is lost is what was damaged, the rest is served once, and nothing damaged is deleted."""

from __future__ import annotations

import logging
import shutil
import struct
import uuid
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest

import pytempo
from pytempo import BadConfig, Store
from pytempo.wal import Record
from tests.building import BASE, SECOND
from tests.store.conftest import Log, OpenStore, as_after_a_kill, found, metric, named
from tests.store.logs import record, write_log

NAMES = ["span 0", "span 1", "span 2", "span 3", "span 4"]


class TestLog:
    """Damage of the log; what the log itself does about it is tested beside it."""

    @pytest.fixture
    def segment(self, data: Path) -> Path:
        """The file of a segment with five records, each with one span."""
        write_log(data, [record(name) for name in NAMES])
        (path,) = (data / "wal").glob("*.wal")
        return path

    def test_a_damaged_record_costs_itself_only_and_is_kept(self, data: Path, segment: Path, open_store: OpenStore, log: Log) -> None:
        segment.write_bytes(segment.read_bytes().replace(b"span 2", b"span ?"))
        store = open_store()
        for _ in range(2):
            assert found(store) == ["span 0", "span 1", "span 3", "span 4"]
            store.flush()
        assert [line for line in log.of(logging.WARNING) if f"WAL segment {segment}: damage at byte" in line]
        assert metric(store, "pytempo_wal_damaged_regions_total") == 1
        assert not segment.exists()
        (kept,) = (data / "wal" / "damaged").iterdir()
        assert kept.name.startswith(segment.name)
        assert b"span ?" in kept.read_bytes()

    def test_a_torn_tail_costs_the_last_record_only(self, segment: Path, open_store: OpenStore) -> None:
        """S51."""
        segment.write_bytes(segment.read_bytes()[:-7])
        store = open_store()
        assert found(store) == NAMES[:4]
        store.export(named("new"))
        store.close()
        assert found(open_store()) == ["new", *NAMES[:4]]

    def test_a_sound_record_that_is_no_request_is_named_and_passed_over(self, data: Path, open_store: OpenStore, log: Log) -> None:
        write_log(data, [record("before"), Record("single-tenant", b"\xff\xff\xff"), record("after")])
        store = open_store()
        for _ in range(2):
            assert found(store) == ["after", "before"]
            store.flush()
        (line,) = log.of(logging.ERROR)
        assert str(data / "wal") in line
        assert "a record of tenant single-tenant is passed over" in line

    def test_a_segment_without_a_header_is_set_aside_and_named(self, data: Path, segment: Path, open_store: OpenStore, log: Log) -> None:
        """S54."""
        empty = segment.with_name(f"{9:016d}-{'ab' * 16}.wal")
        empty.touch()
        store = open_store()
        assert found(store) == NAMES
        assert [line for line in log.of(logging.WARNING) if str(empty) in line]
        assert (data / "wal" / "damaged" / empty.name).exists()

    def test_a_segment_of_a_newer_format_stops_the_start_and_gives_the_directory_back(self, data: Path, segment: Path) -> None:
        newer = segment.with_name(f"{9:016d}-{'ab' * 16}.wal")
        fields = struct.pack("<8sI16sQ", b"pytWAL\r\n", 99, uuid.UUID("ab" * 16).bytes, 0)
        newer.write_bytes(fields + struct.pack("<I", crc32(fields)) + b"a record, perhaps")
        with pytest.raises(BadConfig, match=r"format version 99.* start the newer pytempo"):
            pytempo.open(data)
        newer.unlink()
        with pytempo.open(data) as store:
            assert found(store) == NAMES


class TestBlocks:
    """S52: blocks of a flush that was killed, or whose files did not survive, while their segments are still there."""

    @pytest.fixture
    def data(self, tmp_path: Path) -> Path:
        """A data directory with two segments and the two blocks that were cut from them."""
        flushed, data = tmp_path / "flushed", tmp_path / "data"
        write_log(flushed, [record("one"), record("two")], [record("three")])
        as_after_a_kill(flushed, data)
        with pytempo.open(flushed) as store:
            store.flush()
        shutil.copytree(flushed / "blocks", data / "blocks")
        return data

    @pytest.fixture
    def blocks(self, data: Path) -> list[Path]:
        """The folders of both blocks."""
        return sorted((data / "blocks" / "single-tenant").iterdir())

    def served_once_and_cut_again(self, data: Path, blocks: list[Path], open_store: OpenStore) -> None:
        """What has to come of every start, whatever was done to the blocks."""
        for _ in range(2):
            store = open_store(data)
            for _ in range(2):
                assert found(store) == ["one", "three", "two"]
                store.flush()
            assert sorted(block.block_id for block in store.blocks()) == [path.name for path in blocks]
            assert list((data / "wal").glob("*.wal")) == []
            store.close()

    def test_whole_blocks_are_read_instead_of_their_segments(self, data: Path, blocks: list[Path], open_store: OpenStore) -> None:
        before = [(path / "data.parquet").stat().st_mtime_ns for path in blocks]
        self.served_once_and_cut_again(data, blocks, open_store)
        assert [(path / "data.parquet").stat().st_mtime_ns for path in blocks] == before

    def test_blocks_without_metadata_are_written_anew(self, data: Path, blocks: list[Path], open_store: OpenStore) -> None:
        for path in blocks:
            (path / "meta.json").unlink()
        self.served_once_and_cut_again(data, blocks, open_store)
        assert not (data / "damaged").exists()

    def test_files_that_were_not_finished_are_cleared_away(self, data: Path, blocks: list[Path], open_store: OpenStore) -> None:
        for name in ("meta.json", "checksums", "index", "bloom-0"):
            (blocks[0] / name).unlink()
        (blocks[0] / "data.parquet").rename(blocks[0] / "data.parquet.0a1b2c3d.pytempo-tmp")
        self.served_once_and_cut_again(data, blocks, open_store)
        assert sorted(path.name for path in blocks[0].iterdir()) == ["bloom-0", "checksums", "data.parquet", "index", "meta.json"]

    @pytest.mark.parametrize("injury", ["rows cut in half", "rows empty", "rows missing", "metadata cut in half"])
    def test_a_damaged_block_is_set_aside_and_served_from_its_segment(
        self, data: Path, blocks: list[Path], injury: str, open_store: OpenStore, log: Log
    ) -> None:
        injure(blocks[0], injury)
        left = {path.name: path.read_bytes() for path in blocks[0].iterdir()}
        self.served_once_and_cut_again(data, blocks, open_store)
        aside = data / "damaged" / "single-tenant" / blocks[0].name
        assert {path.name: path.read_bytes() for path in aside.iterdir()} == left
        assert any(str(blocks[0]) in line and str(aside) in line for line in log.of(logging.ERROR))

    def test_one_without_metadata_and_one_cut_in_half(self, data: Path, blocks: list[Path], open_store: OpenStore) -> None:
        (blocks[0] / "meta.json").unlink()
        injure(blocks[1], "rows cut in half")
        store = open_store(data)
        assert metric(store, "pytempo_damaged_blocks") == 1
        store.close()
        self.served_once_and_cut_again(data, blocks, open_store)

    def test_a_reader_leaves_a_damaged_block_where_it_is(self, data: Path, blocks: list[Path], open_store: OpenStore) -> None:
        injure(blocks[0], "rows cut in half")
        reader = open_store(data, read_only=True)
        assert found(reader) == ["one", "three", "two"]
        assert blocks[0].exists()
        assert not (data / "damaged").exists()


def injure(block: Path, injury: str) -> None:
    """Do to the files of a block what the words say."""
    name, what = injury.split(maxsplit=1)
    file = block / {"rows": "data.parquet", "metadata": "meta.json"}[name]
    content = file.read_bytes()
    file.unlink()
    if what != "missing":
        file.write_bytes(content[: len(content) // 2] if what == "cut in half" else b"")


class TestFlippedBits:
    """Bits that turn over in the files of a block while a store runs; every question meets them as it reads."""

    @pytest.fixture
    def store(self, data: Path, open_store: OpenStore) -> Store:
        """A store with two blocks, nothing of them opened."""
        with pytempo.open(data) as writer:
            for name in ("one", "two"):
                writer.export(named(name))
                writer.flush()
        return open_store(data)

    @pytest.mark.parametrize("ask", ["search", "explain", "trace", "tags", "query_instant"])
    def test_a_footer_that_is_damaged_costs_its_block_and_every_question_goes_on(
        self, data: Path, store: Store, ask: str, log: Log
    ) -> None:
        hit, sound = (block.block_id for block in store.blocks())
        rows = data / "blocks" / "single-tenant" / hit / "data.parquet"
        flip(rows, rows.stat().st_size - 300)
        questions: dict[str, Callable[[], object]] = {
            "search": store.search,
            "explain": store.explain,
            "trace": lambda: store.trace("abcd"),
            "tags": store.tags,
            "query_instant": lambda: store.query_instant("{} | count_over_time()", start=BASE - SECOND, end=BASE + SECOND),
        }
        questions["search" if ask == "trace" else ask]()
        questions[ask]()
        assert store.left_out() == (hit,)
        assert len(found(store)) == 1
        assert [source.name for source in store.explain().sources] == [sound]
        assert metric(store, "pytempo_damaged_blocks") == 1
        assert [hit in line and "the checksum differs" in line for line in log.of(logging.ERROR)] == [True]
        assert rows.exists()

    @pytest.mark.parametrize("name", ["bloom-0", "checksums"])
    def test_a_filter_that_is_damaged_costs_no_answer_and_is_told(self, data: Path, store: Store, name: str, log: Log) -> None:
        hit = store.blocks()[0].block_id
        flip(data / "blocks" / "single-tenant" / hit / name, 40)
        with pytempo.open(data, read_only=True) as reader:
            ids = [trace.trace_id for trace in reader.search()]
        assert [store.trace(each) is not None for each in ids] == [True, True]
        assert found(store) == ["one", "two"]
        assert (metric(store, "pytempo_damaged_side_files"), metric(store, "pytempo_damaged_blocks")) == (1, 0)
        assert [hit in line and f"{name}:" in line for line in log.of(logging.WARNING)] == [True]


def flip(path: Path, place: int) -> None:
    """Turn a bit of a file over."""
    content = bytearray(path.read_bytes())
    content[place] ^= 0x10
    path.write_bytes(content)


class TestStrangers:
    """S55: what volumes, file managers and people leave in a data directory."""

    def test_they_are_left_alone(self, data: Path, open_store: OpenStore) -> None:
        write_log(data, [record("live")])
        strangers = [
            data / below / name
            for below in ("", "wal", "blocks", "blocks/single-tenant")
            for name in ("lost+found", str(uuid.uuid4()), "notes")
        ]
        files = [above / ".DS_Store" for above in {path.parent for path in strangers}]
        for folder in strangers:
            folder.mkdir(parents=True)
        for file in files:
            file.write_text("not ours")
        (data / "wal" / "notes.wal").write_text("not ours either")
        store = open_store()
        for name in ("", "more", "and more"):
            if name:
                store.export(named(name))
            store.flush()
        assert found(store) == ["and more", "live", "more"]
        assert store.tenants() == ("single-tenant",)
        assert all(folder.is_dir() for folder in strangers)
        assert all(file.read_text() == "not ours" for file in files)
