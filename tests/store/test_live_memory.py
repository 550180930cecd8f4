"""Spans that wait for their block are bounded: whoever sends more than can be cut waits, and then is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytempo import Overloaded, StoreOptions
from pytempo.limits import LimitOptions
from pytempo.maintenance import FlushOptions
from pytempo.otlp import Exported
from tests.store.conftest import OpenStore, found, metric, named, obstruct
from tests.waiting import wait_for

LIMIT = 20_000


def test_beyond_the_limit_exports_are_refused_while_the_disk_takes_no_blocks(data: Path, open_store: OpenStore) -> None:
    store = open_store(options=StoreOptions(flush=FlushOptions(max_block_bytes=LIMIT, max_live_bytes=LIMIT)))
    obstruct(data / "blocks")
    store.export(named("fills it", filler="x" * LIMIT))
    with pytest.raises(Overloaded) as caught:
        store.export(named("refused"))
    assert f"{LIMIT} bytes of spans wait to be cut into blocks (max_live_bytes)" in str(caught.value)
    assert caught.value.retry_after == 5.0
    assert found(store) == ["fills it"]
    (data / "blocks").unlink()
    store.flush()
    assert store.export(named("taken")) == Exported(1)
    assert found(store) == ["fills it", "taken"]


def test_an_export_that_waits_goes_on_when_there_is_room(data: Path, open_store: OpenStore) -> None:
    store = open_store(options=StoreOptions(flush=FlushOptions(max_block_bytes=LIMIT, max_live_bytes=LIMIT)))
    obstruct(data / "blocks")
    store.export(named("fills it", filler="x" * LIMIT))
    wait_for(lambda: metric(store, "tempo_ingester_failed_flushes_total"))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(store.export, named("waits"))
        (data / "blocks").unlink()
        store.flush()
        assert waiting.result(30) == Exported(1)
    assert found(store) == ["fills it", "waits"]


def test_many_requests_at_once_pass_the_limit_by_one_at_most(data: Path, open_store: OpenStore) -> None:
    store = open_store(options=StoreOptions(flush=FlushOptions(max_block_bytes=LIMIT, max_live_bytes=LIMIT)))
    obstruct(data / "blocks")
    half = named("half", filler="x" * (LIMIT // 2))
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(store.export, half) for _ in range(8)]
        refused = [future for future in sent if isinstance(future.exception(60), Overloaded)]
    assert len(refused) == 6
    assert metric(store, "tempo_ingester_live_trace_bytes", tenant="single-tenant") == 2 * len(half)
    (data / "blocks").unlink()


@pytest.mark.parametrize("block", [LIMIT // 4, 100 * LIMIT], ids=["small-blocks", "blocks-beyond-the-limit"])
def test_a_sender_that_is_faster_than_the_flush_is_slowed_down_and_loses_nothing(open_store: OpenStore, block: int) -> None:
    store = open_store(options=StoreOptions(flush=FlushOptions(max_block_bytes=block, max_live_bytes=LIMIT)))
    names = [f"{number:02d}" for number in range(30)]
    for name in names:
        store.export(named(name, filler="x" * 4000))
        assert metric(store, "tempo_ingester_live_trace_bytes", tenant="single-tenant") < LIMIT + 5000
    assert found(store) == names
    assert wait_for(store.blocks)


def test_many_small_exports_are_merged_as_they_pile_up(open_store: OpenStore) -> None:
    """Those of tenants whose limits have each request decoded at once; others are decoded together."""
    store, names = open_store(options=StoreOptions(limits=LimitOptions(max_traces=1000))), [f"{number:03d}" for number in range(64)]
    for name in names:
        store.export(named(name))
    (part,) = (part for tenants in store._live._parts.values() for part in tenants.values())
    assert len(part.sources) < 64 / 2 + 2
    assert found(store) == names
    assert len(part.sources) <= 6
    store.flush()
    assert found(store) == names


def test_a_block_that_is_being_written_is_live_once(open_store: OpenStore) -> None:
    store, names = open_store(), ["a", "b", "c"]
    for name in names:
        store.export(named(name))
        assert found(store)[-1] == name
    segment = store._seal()
    assert segment is not None
    whole = store._live.merged(segment.id, "single-tenant")
    assert [source.raw for source in store._live.sources("single-tenant")] == [whole]
    assert store._live.merged(segment.id, "single-tenant") is whole
    assert found(store) == names
