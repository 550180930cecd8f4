"""What a start finds after a crash, a careless hand, or a failing disk. Kills at random moments are in tests/crash."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import uuid
from itertools import islice
from pathlib import Path

import httpx
import pytest

import pytempo
from pytempo import DirectoryInUse, Store
from tests.building import request, span, together
from tests.servers import command, serve
from tests.states import State, Stores, cut_steps, flushes, matched, names_of, seal

HUNDRED = [f"{number:03}" for number in range(100)]


@pytest.fixture
def data(stores: Stores) -> Path:
    """The data directory of the stores."""
    return stores.folder


def wal_files(data: Path) -> list[Path]:
    return sorted((data / "wal").glob("*.wal"))


def block_folders(data: Path) -> list[Path]:
    """The folders of blocks whose data file is there, in the order in which they were made."""
    return sorted((path.parent for path in data.glob("blocks/*/*/data.parquet")), key=lambda folder: folder.stat().st_ctime_ns)


def export_named(stores: Stores, *names: str) -> None:
    """One request a span, each in a trace of its own whose id is its name in hex."""
    stores.export(*(request(span(name, trace=name.encode().hex())) for name in names))


def test_a_torn_end_of_the_log_costs_at_most_the_last_write(stores: Stores, data: Path) -> None:
    """S51: 100 spans, a kill, the last 7 bytes gone; no flag is needed, writes go on, and the next start is clean."""
    export_named(stores, *HUNDRED)
    stores.kill()
    newest = wal_files(data)[-1]
    os.truncate(newest, newest.stat().st_size - 7)
    assert matched(stores.store) == HUNDRED[:-1]
    export_named(stores, "new")
    for state in (State.REOPENED, State.FLUSHED, State.REOPENED_FROM_BLOCKS):
        assert matched(stores.into(state)) == [*HUNDRED[:-1], "new"]
    assert all(names_of(stores.store, name.encode().hex()) == [name] for name in HUNDRED[:-1])


def test_blocks_that_were_never_finished_are_written_again_from_the_log(stores: Stores, data: Path) -> None:
    """S52: one folder without meta.json, one with a data file that is cut in half, the log of both still there."""
    for name in ("first", "second"):
        export_named(stores, name)
        seal(stores.store)
    for flush in flushes(stores.store):
        next(flush)  # the block is published, its segment is still there
    stores.kill()
    without_meta, cut_in_half = block_folders(data)
    (without_meta / "meta.json").unlink()
    half = cut_in_half / "data.parquet"
    os.truncate(half, half.stat().st_size // 2)
    assert matched(stores.store) == ["first", "second"]
    stores.store.flush()
    assert len(stores.store.blocks()) == 2
    for state in (State.FLUSHED, State.REOPENED):
        store = stores.into(state)
        assert matched(store) == ["first", "second"]
        assert names_of(store, b"first".hex()) == ["first"]
        assert names_of(store, b"second".hex()) == ["second"]
    assert not wal_files(data)


@pytest.mark.parametrize(("name", "warnings"), [("{:016d}-{}.wal", 1), ("{:016d}.wal", 1), ("segment", 0)])
def test_an_empty_file_in_the_log_is_no_obstacle(
    stores: Stores, data: Path, name: str, warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    """S54: all earlier data is served, writes go on, and what looks like a segment gets one warning with its name."""
    export_named(stores, "earlier")
    stores.close()
    empty = data / "wal" / name.format(99, uuid.uuid4().hex)
    empty.touch()
    with caplog.at_level(logging.WARNING):
        store = stores.store
    assert [empty.name in message for message in caplog.messages] == [True] * warnings
    export_named(stores, "later")
    assert matched(store) == matched(stores.into(State.REOPENED)) == ["earlier", "later"]


def test_an_empty_log_folder_is_an_empty_log(stores: Stores, data: Path) -> None:
    """S54: what is in blocks is served, and the log begins anew."""
    export_named(stores, "earlier")
    stores.into(State.FLUSHED)
    stores.close()
    shutil.rmtree(data / "wal")
    (data / "wal").mkdir()
    export_named(stores, "later")
    assert matched(stores.store) == matched(stores.into(State.REOPENED)) == ["earlier", "later"]


def test_strangers_in_the_folders_are_left_alone(stores: Stores, data: Path) -> None:
    """S55: lost+found, .DS_Store, an empty folder with a uuid, a folder without one; in the log, among tenants, among blocks."""
    export_named(stores, "in a block")
    stores.into(State.FLUSHED)
    export_named(stores, "in the log")
    stores.close()
    strangers = []
    for folder in (data, data / "wal", data / "blocks", data / "blocks" / "single-tenant"):
        for name in ("lost+found", str(uuid.uuid4()), "backup of yesterday"):
            (folder / name).mkdir()
            strangers.append(folder / name)
        (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
        strangers.append(folder / ".DS_Store")
        (folder / "lost+found").chmod(0)
    for state in (State.REOPENED, State.FLUSHED, State.REOPENED_FROM_BLOCKS):
        assert matched(stores.into(state)) == ["in a block", "in the log"]
    assert stores.store.tenants() == ("single-tenant",)
    assert all(stranger.exists() for stranger in strangers)


def three_blocks(stores: Stores) -> Store:
    """A store with three blocks of fifty traces each, found by a start; nothing of them was read yet."""
    for block in ("a", "b", "c"):
        stores.export(together(*(request(span(f"{block}{number:02}", trace=f"{ord(block):x}{number:02}")) for number in range(50))))
        stores.store.flush()
    return stores.into(State.REOPENED)


def test_a_block_that_vanishes_is_dropped_and_the_others_answer(stores: Stores, data: Path) -> None:
    """S55: its folder is deleted by somebody else while the store runs."""
    store = three_blocks(stores)
    shutil.rmtree(block_folders(data)[1])
    left = [f"{block}{number:02}" for block in ("a", "c") for number in range(50)]
    assert matched(store) == left
    assert names_of(store, "6100") == ["a00"]
    assert names_of(store, "6200") == []
    assert len(store.blocks()) == 2


def overwrite_the_middle(path: Path) -> None:
    """100 bytes of rubbish in the pages of a block, which the footer does not tell."""
    with path.open("r+b") as file:
        file.seek(4)
        file.write(b"\xff" * 100)


def test_a_damaged_block_is_named_and_the_good_ones_answer(stores: Stores, data: Path, caplog: pytest.LogCaptureFixture) -> None:
    """S56: the answer is marked as partial; the block is named in the log and counted."""
    store = three_blocks(stores)
    bad = block_folders(data)[1]
    overwrite_the_middle(bad / "data.parquet")
    found = store.search("{}", limit=1000)
    assert sorted(trace.root_name or "" for trace in found) == [f"{block}{number:02}" for block in ("a", "c") for number in range(50)]
    assert found.partial
    assert bad.name in caplog.text
    assert store.registry.get_sample_value("pytempo_damaged_blocks") == 1
    assert names_of(store, "6300") == ["c00"]


def test_over_http_a_damaged_block_is_named_in_a_header_and_the_process_lives(tmp_path: Path) -> None:
    """S56: good blocks answer by id and by search."""
    stores = Stores(tmp_path / "data")
    three_blocks(stores)
    stores.close()
    bad = block_folders(stores.folder)[1]
    overwrite_the_middle(bad / "data.parquet")
    with serve(stores.folder) as server:
        answer = httpx.get(f"{server.http_url}/api/search", params={"q": "{}", "limit": "1000"})
        assert len(answer.json()["traces"]) == 100
        assert answer.headers["x-pytempo-left-out"] == bad.name
        assert httpx.get(f"{server.http_url}/api/traces/6100").status_code == 200
        assert "pytempo_damaged_blocks 1.0" in httpx.get(f"{server.http_url}/metrics").text
        assert server.is_running


def test_a_killed_server_leaves_no_lock_behind(tmp_path: Path) -> None:
    """S57: the next one starts at once."""
    for _ in range(2):
        with serve(tmp_path) as server:
            server.kill()


def test_a_second_server_over_a_held_directory_ends_and_names_the_holder(tmp_path: Path) -> None:
    """S57: the first is unharmed; in-process, too."""
    with serve(tmp_path) as server:
        second = subprocess.run(
            command(tmp_path), capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": os.getcwd()}
        )
        assert second.returncode != 0
        assert str(tmp_path) in second.stderr
        assert str(server.pid) in second.stderr
        with pytest.raises(DirectoryInUse, match=rf"{tmp_path}.*{server.pid}"):
            pytempo.open(tmp_path)
        with pytempo.open(tmp_path, read_only=True) as reader:
            assert matched(reader) == []
        assert httpx.get(f"{server.http_url}/ready").status_code == 200


def test_a_second_store_in_the_same_process_is_refused(stores: Stores, data: Path) -> None:
    """S57: the lock is the store's, not the process's."""
    export_named(stores, "first")
    with pytest.raises(DirectoryInUse, match=str(os.getpid())):
        pytempo.open(data)
    assert matched(stores.store) == ["first"]


def test_a_flush_that_stops_between_tenants_is_finished_by_the_next_start(stores: Stores, data: Path) -> None:
    """S52, with two tenants in one segment: the block that is published is kept, the other is made."""
    for tenant in ("one", "two"):
        stores.store.export(request(span(tenant)).SerializeToString(), tenant=tenant)
    assert len(list(islice(cut_steps(stores.store), 1))) == 1
    stores.kill()
    for state in (State.LIVE, State.FLUSHED, State.REOPENED):
        store = stores.into(state)
        assert [[found.root_name for found in store.search("{}", tenant=tenant)] for tenant in ("one", "two")] == [["one"], ["two"]]
    assert [len(store.blocks(tenant)) for tenant in ("one", "two")] == [1, 1]
    assert not wal_files(data)
