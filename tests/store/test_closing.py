"""The end of a store: what is refused from when on, and what the next start finds."""

from __future__ import annotations

import gc
import logging
import threading
from functools import partial
from pathlib import Path

import pytest

import pytempo
from pytempo import StoreOptions, Unavailable
from tests.conftest import open_below
from tests.store.conftest import Log, OpenStore, found, metric, named, obstruct
from tests.waiting import wait_for


def test_after_the_end_everything_is_refused(open_store: OpenStore) -> None:
    store = open_store()
    store.export(named("first"))
    store.close()
    for ask in (lambda: store.export(named("second")), store.flush, store.search, store.tags, lambda: store.trace("1" * 32)):
        with pytest.raises(Unavailable, match=r"closed|stopping"):
            ask()
    assert store.not_ready() is not None
    assert found(open_store()) == ["first"]


def test_a_flush_after_the_end_leaves_the_directory_to_its_next_holder(data: Path, open_store: OpenStore) -> None:
    store = open_store()
    store.export(named("first"))
    store.close()
    with pytest.raises(Unavailable):
        store.flush()
    assert not (data / "blocks").exists()


def test_a_closed_store_has_no_threads(open_store: OpenStore) -> None:
    store, before = open_store(), set(threading.enumerate())
    store.export(named("first"))
    store.flush()
    assert found(store) == ["first"]
    store.close()
    wait_for(lambda: not [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("pytempo-")])


def test_closing_twice_is_no_error(open_store: OpenStore) -> None:
    store = open_store()
    store.close()
    store.close()
    open_store()
    store.close()  # takes nothing from the one that is open now


def test_leaving_the_block_closes_whatever_happened_in_it(data: Path, open_store: OpenStore) -> None:
    def work() -> None:
        with pytempo.open(data) as store:
            store.export(named("first"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert found(open_store()) == ["first"]


def test_once_writes_are_stopped_questions_are_still_answered(open_store: OpenStore) -> None:
    store = open_store()
    store.export(named("first"))
    store.stop_writes()
    with pytest.raises(Unavailable, match="stopping: no more spans are taken"):
        store.export(named("second"))
    assert store.not_ready() == "stopping: no more spans are taken"
    assert found(store) == ["first"]
    store.flush()
    assert found(store) == ["first"]


def test_live_spans_wait_in_the_log_for_the_next_start(data: Path, open_store: OpenStore) -> None:
    store = open_store()
    store.export(named("first"))
    store.close()
    assert not (data / "blocks").exists()
    assert len(list((data / "wal").glob("*.wal"))) == 1
    assert found(open_store()) == ["first"]


def test_closing_cuts_them_into_a_block_if_asked(data: Path, open_store: OpenStore) -> None:
    store = open_store(options=StoreOptions(flush_on_close=True))
    store.export(named("first"))
    store.close()
    assert len(list(data.glob("blocks/single-tenant/*/meta.json"))) == 1
    assert list((data / "wal").iterdir()) == []
    again = open_store()
    assert found(again) == ["first"]
    assert len(again.blocks()) == 1


def test_a_disk_that_refuses_the_last_block_does_not_hold_up_the_end(data: Path, open_store: OpenStore, log: Log) -> None:
    store = open_store(options=StoreOptions(flush_on_close=True))
    store.export(named("first"))
    obstruct(data / "blocks")
    store.close()
    assert any("stay in the log" in text and str(data / "blocks") in text for text in log.of(logging.ERROR))
    assert metric(store, "tempo_ingester_failed_flushes_total") == 1
    (data / "blocks").unlink()
    assert found(open_store()) == ["first"]


def test_files_of_blocks_are_let_go_at_the_end_and_not_when_the_garbage_is_collected(data: Path, open_store: OpenStore) -> None:
    store = open_store()
    store.export(named("first"))
    store.flush()
    gc.collect()
    gc.disable()
    try:
        assert found(store) == ["first"]
        for ask in (store.tags, partial(store.tag_values, "name"), partial(store.search, "{ span.n > 1 }")):
            ask()
        assert list(open_below(data / "blocks")) != []
        store.close()
        assert list(open_below(data)) == []
    finally:
        gc.enable()


def test_exports_that_meet_the_end_are_stored_or_refused(open_store: OpenStore) -> None:
    store = open_store()
    acknowledged: list[str] = []
    under_way = threading.Barrier(5)

    def send(sender: int) -> None:
        for number in range(10_000):
            name = f"{sender}-{number}"
            try:
                store.export(named(name))
            except Unavailable:
                return
            acknowledged.append(name)
            if number == 3:
                under_way.wait(30)

    senders = [threading.Thread(target=send, args=[sender]) for sender in range(4)]
    for thread in senders:
        thread.start()
    under_way.wait(30)
    store.close()
    for thread in senders:
        thread.join(30)
    assert len(acknowledged) >= 16
    assert found(open_store()) == sorted(acknowledged)


def test_a_flush_that_meets_the_end_is_finished_or_refused(data: Path, open_store: OpenStore) -> None:
    store = open_store()
    names = [f"{number:03d}" for number in range(200)]
    store.export([named(name) for name in names])
    begun, refusals = threading.Event(), list[str]()

    def flush() -> None:
        begun.set()
        try:
            store.flush()
        except Unavailable as error:
            refusals.append(str(error))

    flushing = threading.Thread(target=flush)
    flushing.start()
    begun.wait(30)
    store.close()
    before = sorted(data.rglob("*"))
    flushing.join(30)
    assert sorted(data.rglob("*")) == before  # nobody writes once the lock is given back
    assert refusals in ([], ["the store is closed"])
    assert found(open_store()) == names
