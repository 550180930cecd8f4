"""Many at once: one sync for all that wait, and what is acknowledged is found by whoever was told so."""

from __future__ import annotations

import threading

import pytest

from pytempo.otlp import Exported
from tests.building import request, span
from tests.store.conftest import OpenStore, as_after_a_kill, found, metric, named
from tests.store.groups import exported_together


def test_all_that_wait_share_one_sync(open_store: OpenStore) -> None:
    store, names = open_store(), [f"{number:02d}" for number in range(30)]
    assert exported_together(store, [named(name) for name in names]) == [Exported(1)] * 30
    assert metric(store, "pytempo_wal_syncs_total") == 1
    assert metric(store, "pytempo_wal_records_total") == 30
    assert found(store) == names


def test_a_group_has_a_bound_and_a_large_request_goes_alone(open_store: OpenStore) -> None:
    store = open_store()
    outcomes = exported_together(
        store, [named(f"{number}", filler="x" * 200_000) for number in range(5)] + [named("5", filler="x" * 700_000)]
    )
    assert outcomes == [Exported(1)] * 6
    assert metric(store, "pytempo_wal_syncs_total") == 4  # two, two, one, and the large one
    assert found(store) == ["0", "1", "2", "3", "4", "5"]


def test_tenants_that_wait_together_share_the_sync(open_store: OpenStore) -> None:
    store = open_store()
    with store._ingest.writing:
        threads = [threading.Thread(target=store.export, args=[named(name)], kwargs={"tenant": name}) for name in ("one", "two", "three")]
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join(30)
    assert store.tenants() == ("one", "three", "two")
    assert [found(store, name) for name in ("one", "two", "three")] == [["one"], ["two"], ["three"]]


@pytest.mark.parametrize("flushing", [False, True], ids=["live", "while-flushing"])
def test_every_thread_finds_what_it_was_told_is_stored(open_store: OpenStore, flushing: bool) -> None:
    store = open_store()
    missing: list[int] = []
    ended = threading.Event()

    def send(sender: int) -> None:
        for number in range(1, 11):
            trace = sender * 1000 + number
            store.export(request(span("GET /", trace=trace)).SerializeToString())
            if store.trace(f"{trace:032x}") is None:
                missing.append(trace)

    def flush() -> None:
        while not ended.is_set():
            store.flush()

    senders = [threading.Thread(target=send, args=[sender]) for sender in range(1, 13)]
    flusher = threading.Thread(target=flush)
    for thread in (*senders, *([flusher] if flushing else [])):
        thread.start()
    for thread in senders:
        thread.join(60)
    ended.set()
    if flushing:
        flusher.join(60)
    assert missing == []
    assert len(store.search(limit=1000)) == 120
    assert metric(store, "pytempo_wal_syncs_total") <= metric(store, "pytempo_wal_records_total") == 120


def test_what_is_acknowledged_is_on_the_disk(open_store: OpenStore, data, tmp_path) -> None:
    store, names = open_store(), [f"{number:02d}" for number in range(20)]
    exported_together(store, [named(name) for name in names])
    assert found(open_store(as_after_a_kill(data, tmp_path / "killed"))) == names
