"""Opening a data directory: what is made, who is kept out, and what a reader beside the writer sees."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

import pytempo
from pytempo import BadConfig, DirectoryInUse, Store, Unavailable
from tests.store.conftest import Log, OpenStore, as_after_a_kill, found, metric, named, obstruct
from tests.store.processes import held
from tests.wal.conftest import files_in


def test_a_missing_directory_is_made_with_all_above_it(tmp_path: Path, open_store: OpenStore) -> None:
    folder = tmp_path / "not" / "yet" / "there"
    store = open_store(folder)
    store.export(named("first"))
    assert found(store) == ["first"]
    assert {path.name for path in folder.iterdir()} == {"lock", "wal"}


def test_an_empty_directory_is_an_empty_store(data: Path, open_store: OpenStore) -> None:
    data.mkdir()
    store = open_store()
    assert found(store) == []
    assert store.tenants() == store.blocks() == ()
    assert store.not_ready() is None


def test_a_path_may_be_a_string(data: Path, logger: logging.Logger) -> None:
    with pytempo.open(str(data), logger=logger) as store:
        store.export(named("first"))
    assert (data / "wal").is_dir()


def test_a_file_is_no_data_directory(data: Path) -> None:
    data.write_text("a file")
    with pytest.raises(BadConfig, match=r"data directory .*data cannot be used: File exists \(EEXIST\)"):
        pytempo.open(data)
    assert data.read_text() == "a file"


def test_a_folder_that_the_store_cannot_make_is_named(data: Path) -> None:
    obstruct(data / "wal")
    with pytest.raises(BadConfig, match="data/wal"):
        pytempo.open(data)
    (data / "wal").unlink()
    pytempo.open(data).close()  # the lock was given back


def test_a_second_store_of_the_same_process_is_kept_out(data: Path, open_store: OpenStore) -> None:
    first = open_store()
    with pytest.raises(DirectoryInUse) as caught:
        pytempo.open(data)
    for words in (str(data), f"process {os.getpid()}", "read-only"):
        assert words in str(caught.value)
    first.export(named("still there"))
    assert found(first) == ["still there"]


def test_a_second_process_is_kept_out_until_the_first_is_killed(data: Path, open_store: OpenStore) -> None:
    with held(data, named("acknowledged"), named("too")) as process:
        with pytest.raises(DirectoryInUse) as caught:
            pytempo.open(data)
        assert str(data) in str(caught.value)
        assert f"process {process.pid};" in str(caught.value)
        process.kill()
        process.wait()
        assert found(open_store()) == ["acknowledged", "too"]


def test_closing_gives_the_directory_back(data: Path, open_store: OpenStore) -> None:
    for number in range(3):
        store = open_store()
        store.export(named(f"{number}"))
        store.close()
    assert found(open_store()) == ["0", "1", "2"]


def test_the_holder_that_is_named_is_the_present_one(data: Path, open_store: OpenStore) -> None:
    data.mkdir()
    (data / "lock").write_text("123456789012\nof an earlier holder\n")
    open_store()
    assert (data / "lock").read_text() == f"{os.getpid()}\n"


def test_two_stores_of_one_process_share_nothing(tmp_path: Path, open_store: OpenStore) -> None:
    one, other = open_store(tmp_path / "one"), open_store(tmp_path / "other")
    one.export(named("one"))
    other.export(named("other", "another"))
    assert (found(one), found(other)) == (["one"], ["another", "other"])
    assert (metric(one, "pytempo_wal_records_total"), metric(other, "pytempo_wal_records_total")) == (1, 1)


class TestReadOnly:
    """`read_only=True`: looks, takes no lock, changes nothing."""

    def test_a_missing_directory_is_refused_and_not_made(self, data: Path) -> None:
        with pytest.raises(BadConfig, match=r"data directory .*data does not exist"):
            pytempo.open(data, read_only=True)
        assert not data.exists()

    def test_an_empty_directory_stays_empty(self, data: Path, open_store: OpenStore) -> None:
        data.mkdir()
        assert found(open_store(read_only=True)) == []
        assert list(data.iterdir()) == []

    def test_beside_a_writer_it_sees_what_is_flushed_and_what_is_live(self, data: Path, open_store: OpenStore) -> None:
        writer = open_store()
        writer.export(named("flushed"))
        writer.flush()
        writer.export(named("live"))
        assert found(open_store(read_only=True)) == ["flushed", "live"]
        assert found(writer) == ["flushed", "live"]

    def test_beside_the_writer_of_another_process_too(self, data: Path, open_store: OpenStore) -> None:
        with held(data, named("one"), named("two")):
            assert found(open_store(read_only=True)) == ["one", "two"]

    def test_nothing_changes(self, data: Path, open_store: OpenStore) -> None:
        writer = open_store()
        writer.export(named("flushed"))
        writer.flush()
        writer.export(named("live"))
        before = files_in(data)
        reader = open_store(read_only=True)
        assert found(reader) == ["flushed", "live"]
        reader.close()
        assert files_in(data) == before

    def test_writing_is_refused_with_the_remedy(self, data: Path, open_store: OpenStore) -> None:
        data.mkdir()
        reader = open_store(read_only=True)
        with pytest.raises(BadConfig, match=r"open read-only; open it for writing to export"):
            reader.export(named("first"))
        with pytest.raises(BadConfig, match=r"open read-only; open it for writing to flush"):
            reader.flush()

    def test_what_is_flushed_while_it_opens_is_seen_once(self, data: Path, open_store: OpenStore, logger: logging.Logger) -> None:
        writer = open_store()
        writer.export(named("first"))
        with Store(data, read_only=True, logger=logger) as reader:  # has listed the blocks: there are none
            writer.flush()
            writer.export(named("second"))
            reader.replay()
            assert found(reader) == ["first", "second"]

    def test_a_segment_that_is_flushed_before_it_is_read_is_found_in_its_block(
        self, data: Path, open_store: OpenStore, logger: logging.Logger
    ) -> None:
        writer = open_store()
        obstruct(data / "blocks")
        for name in ("first", "second"):  # a segment each, since they cannot be cut
            writer.export(named(name))
            with pytest.raises(Unavailable):
                writer.flush()
        (data / "blocks").unlink()
        logger.addHandler(FlushOnce(writer))
        reader = open_store(read_only=True)
        assert found(reader) == ["first", "second"]


class FlushOnce(Log):
    """Flushes a store when a message says that a first segment was replayed."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def emit(self, record: logging.LogRecord) -> None:
        if "records replayed" in record.getMessage() and not self.messages:
            super().emit(record)
            self._store.flush()


class TestBeforeTheReplay:
    """A store that was made and has not read its log yet, as a server is for a while."""

    def test_it_says_so_and_refuses_everything(self, data: Path, logger: logging.Logger) -> None:
        with Store(data, logger=logger) as store:
            assert store.not_ready() == "starting: the write-ahead log is being replayed"
            for ask in (lambda: store.export(named("first")), store.search, store.tags, lambda: store.trace("1" * 32)):
                with pytest.raises(Unavailable, match="starting"):
                    ask()
            store.replay()
            assert store.not_ready() is None
            assert found(store) == []

    def test_a_flush_leaves_the_log_alone(self, data: Path, tmp_path: Path, open_store: OpenStore, logger: logging.Logger) -> None:
        open_store().export(named("acknowledged"))
        with Store(as_after_a_kill(data, tmp_path / "killed"), logger=logger) as store:
            store.flush()
            store.replay()
            assert found(store) == ["acknowledged"]

    def test_closing_it_leaves_the_log_alone(self, data: Path, tmp_path: Path, open_store: OpenStore, logger: logging.Logger) -> None:
        open_store().export(named("acknowledged"))
        killed = as_after_a_kill(data, tmp_path / "killed")
        Store(killed, logger=logger, options=pytempo.StoreOptions(flush_on_close=True)).close()
        assert found(open_store(killed)) == ["acknowledged"]
