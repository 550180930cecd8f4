"""What a start finds in the log is searchable before the store is ready, once, and cut into blocks by the same code as ever."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from pytempo import Store, StoreOptions, Unavailable
from pytempo.maintenance import CompactionOptions, FlushOptions
from pytempo.wal import Record
from tests.building import request, span
from tests.store.conftest import OpenStore, as_after_a_kill, found, metric, named, obstruct
from tests.store.logs import record, write_log
from tests.waiting import wait_for


def test_segments_of_a_start_are_found_at_once_and_then_cut(data: Path, open_store: OpenStore) -> None:
    write_log(data, [record("one"), record("two", "three")], [record("four")])
    store = open_store()
    assert found(store) == ["four", "one", "three", "two"]
    wait_for(lambda: not store._wal.segments())
    assert sorted(block.traces for block in store.blocks()) == [1, 3]
    assert list((data / "wal").glob("*.wal")) == []
    assert found(store) == ["four", "one", "three", "two"]


def test_tenants_that_share_a_segment_are_told_apart(data: Path, open_store: OpenStore) -> None:
    write_log(data, [record("one", tenant="one"), record("two", tenant="two"), record("uno", tenant="one"), record("zwei", tenant="two")])
    store = open_store()
    for _ in range(2):
        assert store.tenants() == ("one", "two")
        assert [found(store, tenant) for tenant in store.tenants()] == [["one", "uno"], ["two", "zwei"]]
        store.flush()
    assert [len(store.blocks(tenant)) for tenant in store.tenants()] == [1, 1]


def test_a_tenant_whose_block_is_published_is_not_read_again(data: Path, tmp_path: Path, open_store: OpenStore) -> None:
    store = open_store()
    store.export(named("one"), tenant="one")
    store.export(named("two"), tenant="two")
    obstruct(data / "blocks" / "two")
    with pytest.raises(Unavailable):
        store.flush()  # has cut the first tenant's block, and not the other's
    killed = as_after_a_kill(data, tmp_path / "killed")
    again = open_store(killed)
    assert [found(again, tenant) for tenant in ("one", "two")] == [["one"], ["two"]]
    assert metric(again, "tempo_ingester_live_traces", tenant="one") == 0
    assert metric(again, "tempo_ingester_live_traces", tenant="two") == 1
    (killed / "blocks" / "two").unlink()
    again.flush()
    assert [found(again, tenant) for tenant in ("one", "two")] == [["one"], ["two"]]
    assert [len(again.blocks(tenant)) for tenant in ("one", "two")] == [1, 1]


def test_a_segment_whose_blocks_are_all_published_is_removed(data: Path, tmp_path: Path, open_store: OpenStore) -> None:
    store = open_store()
    store.export(named("first"))
    killed = as_after_a_kill(data, tmp_path / "killed")
    store.flush()
    copied = as_after_a_kill(data / "blocks", killed / "blocks")
    again = open_store(killed)
    assert found(again) == ["first"]
    assert list((killed / "wal").glob("*.wal")) == []
    assert len(list(copied.glob("*/*/meta.json"))) == 1


@pytest.mark.parametrize("obstructed", [False, True], ids=["disk", "disk-that-takes-no-blocks"])
def test_a_log_beyond_the_memory_limit_is_found_whole(data: Path, open_store: OpenStore, obstructed: bool) -> None:
    names = [f"{number}" for number in range(6)]
    write_log(data, *([record(name)] for name in names))
    if obstructed:
        obstruct(data / "blocks")
    store = open_store(options=StoreOptions(flush=FlushOptions(max_live_bytes=1), compaction=CompactionOptions(disabled=True)))
    assert found(store) == names
    if obstructed:
        (data / "blocks").unlink()
        store.flush()
        assert found(store) == names
    wait_for(lambda: len(store.blocks()) == 6)  # the last is cut in the background


def test_a_replay_cuts_blocks_before_it_holds_more_than_may_be_live(data: Path, open_store: OpenStore) -> None:
    names = [f"{number}" for number in range(6)]
    write_log(data, *([record(name)] for name in names))
    segment = len(record("0").payload)
    options = StoreOptions(flush=FlushOptions(max_block_bytes=segment, max_live_bytes=2 * segment + segment // 2))
    held: list[int] = []

    def look(said: logging.LogRecord) -> bool:
        if "records replayed" in said.getMessage():
            held.append(store._live.bytes())
        return False

    logger = logging.getLogger("pytempo.test.replay")
    logger.setLevel(logging.INFO)
    logger.addFilter(look)
    with Store(data, options=options, logger=logger) as store:
        store.replay()
        assert found(store) == names
    assert len(held) == 6
    assert max(held) <= options.flush.max_live_bytes


def test_a_store_that_closes_finishes_the_block_at_hand_and_leaves_the_others_in_the_log(data: Path, open_store: OpenStore) -> None:
    write_log(data, *([record(f"{number}")] for number in range(6)))
    cut, closing = threading.Event(), threading.Event()
    logger = logging.getLogger("pytempo.test.closing")
    logger.setLevel(logging.INFO)

    def hold_up_the_flusher(said: logging.LogRecord) -> bool:
        if said.getMessage().startswith("block ") and threading.current_thread().name == "pytempo-flusher":
            cut.set()
            closing.wait(60)
        return False

    logger.addFilter(hold_up_the_flusher)
    store = open_store(logger=logger)
    assert cut.wait(60)
    end = threading.Thread(target=store.close)
    end.start()
    wait_for(lambda: store._flusher._stopping)
    closing.set()
    end.join()
    assert len(store.blocks()) == 1
    assert len(list((data / "wal").glob("*.wal"))) == 5
    logger.removeFilter(hold_up_the_flusher)
    assert len(found(open_store())) == 6


def test_starting_again_and_again_changes_nothing(data: Path, open_store: OpenStore) -> None:
    write_log(data, [record("one"), record("two")])
    obstruct(data / "blocks")  # so that the log is replayed each time
    for _ in range(3):
        store = open_store()
        assert found(store) == ["one", "two"]
        store.close()


def test_spans_that_were_sent_again_show_once(data: Path, open_store: OpenStore) -> None:
    payload = named("twice")
    write_log(data, [Record("single-tenant", payload)] * 2, [Record("single-tenant", payload)])
    store = open_store()
    assert found(store) == ["twice"]
    store.flush()
    assert found(store) == ["twice"]


def test_bad_spans_are_left_out_again(data: Path, open_store: OpenStore) -> None:
    bad = request(span("bad", trace=bytes(16)), span("good")).SerializeToString()
    only_bad = request(span("bad", trace=b"short")).SerializeToString()
    write_log(data, [Record("single-tenant", bad)], [Record("single-tenant", only_bad)])
    assert found(open_store()) == ["good"]
    assert not any(path.stat().st_size == 0 for path in (data / "wal").iterdir())


def test_new_spans_go_into_a_new_segment(data: Path, open_store: OpenStore) -> None:
    write_log(data, [record("old")])
    obstruct(data / "blocks")
    store = open_store()
    store.export(named("new"))
    assert found(store) == ["new", "old"]
    assert len(list((data / "wal").glob("*.wal"))) == 2
    (data / "blocks").unlink()
    store.flush()
    assert sorted(block.traces for block in store.blocks()) == [1, 1]
