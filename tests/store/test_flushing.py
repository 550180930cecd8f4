"""When blocks are cut: by size, by age once the traces have come to rest, when asked. The clock is the test's own."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from pytempo import NotFound, Store, StoreOptions, Unavailable
from pytempo.maintenance import FlushOptions, block_id
from tests.building import BASE, MILLISECOND, MINUTE, SECOND
from tests.store.conftest import Clock, Log, OpenStore, found, metric, named, obstruct
from tests.waiting import wait_for

AGE, IDLE = 30 * MINUTE, 5 * SECOND


@pytest.fixture
def store(open_store: OpenStore, clock: Clock) -> Store:
    """Cuts blocks of 10 kB, at an age of 30 minutes, when nothing has come for 5 seconds; looks every millisecond."""
    options = FlushOptions(max_block_bytes=10_000, max_block_duration=AGE, trace_idle_period=IDLE, flush_check_period=MILLISECOND)
    return open_store(clock=clock, options=StoreOptions(flush=options))


def test_a_block_is_cut_when_it_is_large_enough(store: Store) -> None:
    for number in range(9):
        store.export(named(f"{number}", filler="x" * 1000))
    assert store.blocks() == ()
    store.export(named("9", filler="x" * 1000))
    assert wait_for(store.blocks)[0].traces == 10
    assert found(store) == [f"{number}" for number in range(10)]


def test_what_comes_after_it_begins_a_new_one(store: Store) -> None:
    store.export(named("large", filler="x" * 10_000))
    wait_for(store.blocks)
    store.export(named("small", filler="x" * 5_000))
    store.flush()
    assert sorted(block.traces for block in store.blocks()) == [1, 1]
    assert found(store) == ["large", "small"]


def test_an_old_block_is_cut_when_nothing_comes_any_more(store: Store, clock: Clock) -> None:
    store.export(named("first"))
    clock.advance(AGE - 1)
    clock.wait_until_judged()
    assert store.blocks() == ()
    clock.advance(1)
    wait_for(store.blocks)
    assert found(store) == ["first"]


def test_an_old_block_waits_while_spans_arrive(store: Store, clock: Clock) -> None:
    store.export(named("first"))
    clock.advance(AGE - 1)
    for number in range(4):
        store.export(named(f"late {number}"))
        clock.advance(IDLE - 1)
        clock.wait_until_judged()
        assert store.blocks() == ()
    clock.advance(1)
    assert wait_for(store.blocks)[0].traces == 5


def test_but_not_for_ever(store: Store, clock: Clock) -> None:
    store.export(named("first"))
    clock.advance(AGE - 1)
    for number in range(10):
        store.export(named(f"late {number}"))
        clock.advance(IDLE - 1)
    clock.wait_until_judged()
    assert store.blocks() == ()
    store.export(named("last"))
    clock.advance(11)  # ten idle periods beyond the age
    wait_for(store.blocks)
    assert len(found(store)) == 12


def test_the_age_counts_from_the_first_span_of_the_block(store: Store, clock: Clock) -> None:
    clock.advance(AGE)
    store.export(named("first"))
    clock.advance(IDLE)
    clock.wait_until_judged()
    assert store.blocks() == ()


def test_a_flush_cuts_everything_and_a_second_one_nothing(store: Store) -> None:
    store.export(named("one"), tenant="one")
    store.export(named("two"), tenant="two")
    store.flush()
    assert [len(store.blocks(tenant)) for tenant in ("one", "two")] == [1, 1]
    store.flush()
    assert [len(store.blocks(tenant)) for tenant in ("one", "two")] == [1, 1]
    assert metric(store, "tempo_ingester_blocks_flushed_total") == 2
    assert metric(store, "tempo_ingester_live_trace_bytes", tenant="single-tenant") == 0


def test_a_flush_of_one_tenant_takes_the_others_along(store: Store) -> None:
    store.export(named("one"), tenant="one")
    store.export(named("two"), tenant="two")
    store.flush("one")
    assert [len(store.blocks(tenant)) for tenant in ("one", "two")] == [1, 1]


def test_a_flush_of_an_unknown_tenant_is_refused_by_name(store: Store) -> None:
    with pytest.raises(NotFound, match="'nobody'"):
        store.flush("nobody")


def test_flushed_spans_leave_the_log(store: Store, data: Path) -> None:
    store.export(named("first"))
    assert len(list((data / "wal").glob("*.wal"))) == 1
    store.flush()
    assert list((data / "wal").glob("*.wal")) == []
    assert found(store) == ["first"]


def test_the_times_of_a_block_come_from_its_spans_not_from_the_clock(store: Store, clock: Clock) -> None:
    clock.advance(AGE)
    store.export(named("first"))
    store.flush()
    (block,) = store.blocks()
    assert block.start == BASE
    assert BASE < block.end < clock.now


def test_a_block_that_the_disk_refuses_is_cut_later(store: Store, data: Path, log: Log) -> None:
    store.export(named("first"))
    obstruct(data / "blocks")
    with pytest.raises(Unavailable, match="data/blocks"):
        store.flush()
    wait_for(lambda: metric(store, "tempo_ingester_failed_flushes_total"))
    assert any("flush failed and is tried again in 5 s" in text for text in log.of(logging.ERROR))
    store.export(named("second"))
    assert found(store) == ["first", "second"]
    (data / "blocks").unlink()
    store.flush()
    assert found(store) == ["first", "second"]
    assert sorted(block.traces for block in store.blocks()) == [1, 1]


def test_a_block_whose_publication_failed_half_way_is_published_again(store: Store, data: Path, tmp_path: Path) -> None:
    """As after a sync of its folder that failed: meta.json is there, and nobody knows whether it will be after a crash."""
    store.export(named("first"))
    obstruct(data / "blocks")
    with pytest.raises(Unavailable):
        store.flush()
    (segment,) = store._wal.segments()
    (data / "blocks").unlink()
    folder = data / "blocks" / "single-tenant" / str(block_id(segment.id, "single-tenant"))
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text("{}")
    store.flush()
    assert found(store) == ["first"]
    assert store.blocks()[0].block_id == folder.name


def test_an_error_of_another_kind_does_not_end_the_flushing(open_store: OpenStore, log: Log) -> None:
    options = FlushOptions(max_block_bytes=10_000, flush_check_period=MILLISECOND)
    clock = BrokenOnce()
    store = open_store(clock=clock, options=StoreOptions(flush=options))
    store.export(named("first"))
    clock.breaks = True
    wait_for(lambda: log.of(logging.ERROR))
    assert "the clock has stopped" in log.of(logging.ERROR)[0]
    store.export(named("large", filler="x" * 10_000))
    wait_for(store.blocks)
    assert found(store) == ["first", "large"]


class BrokenOnce(Clock):
    """Raises once when the flusher looks, as soon as `breaks` is set."""

    breaks = False

    def __call__(self) -> int:
        if self.breaks and threading.current_thread().name == "pytempo-flusher":
            self.breaks = False
            raise ZeroDivisionError("the clock has stopped")
        return super().__call__()
