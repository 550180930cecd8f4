"""Blocks go when their time is over or the disk is too full, the oldest first; a clock that is wrong costs nobody else anything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytempo
from pytempo import Store, StoreOptions
from pytempo.block.lineage import lineage_fields
from pytempo.block.meta import BlockMeta
from pytempo.blocklist import bytes_below
from pytempo.maintenance import RetentionOptions
from pytempo.maintenance.retention import age_of
from tests.building import BASE, SECOND, request, span
from tests.clocks import Clock
from tests.maintenance.compacting import HERE, fill
from tests.states import matched

HOUR = 3600 * SECOND
DAY = 24 * HOUR
NOW = BASE
YEAR_2099 = 4_080_000_000 * SECOND


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def opened(data: Path, clock: Clock, **retention: int) -> Store:
    return pytempo.open(data, options=StoreOptions(compaction=HERE, retention=RetentionOptions(**retention)), clock=clock)


@pytest.fixture
def store(data: Path, clock: Clock) -> Iterator[Store]:
    """Keeps blocks for an hour."""
    with opened(data, clock, block_retention=HOUR) as store:
        yield store


def at(name: str, time: int, *more: int) -> bytes:
    return request(*(span(name, start=start) for start in (time, *more))).SerializeToString()


def meta(*ranges: tuple[int, int], arrived: int | None = NOW) -> BlockMeta:
    start, end = ranges[-1]
    return BlockMeta(
        block_id="126ac82b-35fc-49b6-af18-d886ee1be3a9",
        tenant="t",
        start=start,
        end=end,
        size=1,
        row_groups=1,
        ranges=ranges,
        extra=lineage_fields(arrived),
    )


def test_a_block_goes_when_its_newest_span_is_too_old(store: Store, clock: Clock) -> None:
    fill(store, at("old", NOW - HOUR // 2, NOW - 1000 * SECOND))
    clock.now = NOW + HOUR - 1000 * SECOND
    store.expire()
    assert len(matched(store)) == 2
    clock.now += SECOND
    store.expire()
    assert matched(store) == []
    assert store.blocks() == ()
    assert store.tags().scopes == () or not any(names for scope, names in store.tags().scopes if scope == "span")


def test_live_spans_never_go(store: Store, clock: Clock) -> None:
    store.export(at("live", NOW - 100 * DAY))
    clock.now = NOW + 100 * DAY
    store.expire()
    assert matched(store) == ["live"]


def test_a_span_dated_years_ahead_goes_with_the_others_of_its_block(store: Store, clock: Clock) -> None:
    fill(store, at("x", NOW, YEAR_2099))
    clock.now = NOW + HOUR
    store.expire()
    assert len(matched(store)) == 2
    clock.now += SECOND
    store.expire()
    assert matched(store) == []


def test_a_span_of_1970_makes_its_block_go_no_earlier(store: Store, clock: Clock) -> None:
    fill(store, at("x", NOW, 5), at("alone", 5))
    store.expire()
    clock.now = NOW + HOUR
    store.expire()
    assert matched(store) == ["alone", "x", "x"]
    clock.now += SECOND
    store.expire()
    assert matched(store) == []


@pytest.mark.parametrize(
    ("block", "age"),
    [
        (meta((NOW - 9 * SECOND, NOW - 5 * SECOND)), 5 * SECOND),
        (meta((5, 7), (NOW - 9 * SECOND, NOW - 5 * SECOND)), 5 * SECOND),
        (meta((NOW - 20 * DAY, NOW - 10 * DAY)), 10 * DAY),
        (meta((NOW - SECOND, NOW + DAY)), 0),
        (meta((5, 7)), 0),
        (meta((NOW - 9 * SECOND, NOW - 5 * SECOND), arrived=YEAR_2099), 5 * SECOND),
        (meta((NOW - SECOND, YEAR_2099 - 1), arrived=YEAR_2099), 0),
        (meta((5, 7), arrived=NOW + SECOND), 0),
        (meta((NOW - 3 * SECOND, NOW - 2 * SECOND), arrived=None), 2 * SECOND),
    ],
)
def test_the_age_of_a_block_is_that_of_its_newest_span_or_of_its_arrival(block: BlockMeta, age: int) -> None:
    assert age_of(block, NOW) == age


def test_a_merge_makes_no_block_younger(store: Store, clock: Clock) -> None:
    fill(store, at("x", NOW, YEAR_2099), at("y", NOW - SECOND, YEAR_2099))
    clock.now = NOW + HOUR
    store.compact()
    clock.now += SECOND
    store.expire()
    assert matched(store) == []


def test_a_shorter_retention_holds_for_old_blocks_after_a_restart(data: Path, clock: Clock) -> None:
    """S60."""
    with opened(data, clock, block_retention=HOUR) as store:
        for step in range(18):
            clock.now = NOW + step * 10 * 60 * SECOND
            fill(store, at(f"{step}", clock.now))
            store.expire()
        assert 6 <= len(store.blocks()) <= 7
    with opened(data, clock, block_retention=10 * 60 * SECOND) as store:
        store.expire()
        assert matched(store) == ["16", "17"]


def test_every_tenant_may_have_its_own(store: Store, clock: Clock) -> None:
    store._retention._retention_of = {"a": HOUR, "b": 0}.__getitem__
    for tenant in "ab":
        fill(store, at(tenant, NOW), tenant=tenant)
    clock.now = NOW + 2 * HOUR
    store.expire()
    assert (matched(store, tenant="a"), matched(store, tenant="b")) == ([], ["b"])


def test_a_folder_stays_for_a_while_and_then_goes(store: Store, data: Path, clock: Clock) -> None:
    fill(store, at("x", NOW))
    (folder,) = (data / "blocks" / "single-tenant").iterdir()
    clock.now = NOW + 2 * HOUR
    store.expire()
    assert (folder / "meta.compacted.json").is_file()
    clock.now += HOUR - 1
    store.expire()
    assert (folder / "data.parquet").is_file()
    clock.now += 1
    store.expire()
    assert not folder.exists()
    assert store.registry.get_sample_value("tempodb_retention_marked_for_deletion_total") == 1
    assert store.registry.get_sample_value("tempodb_retention_deleted_total") == 1


def test_a_folder_that_was_retired_by_a_clock_ahead_goes_after_as_long(store: Store, data: Path, clock: Clock) -> None:
    """Also where a crash left the time of the file system, and the clock is behind it."""
    fill(store, at("x", NOW))
    (folder,) = (data / "blocks" / "single-tenant").iterdir()
    clock.now = NOW + 2 * HOUR
    store.expire()
    os.utime(folder / "meta.compacted.json", ns=(YEAR_2099, YEAR_2099))
    store.expire()
    clock.now += HOUR - 1
    store.expire()
    assert folder.exists()
    clock.now += 1
    store.expire()
    assert not folder.exists()


def test_a_clock_that_was_never_set_lets_nothing_go_by_age(data: Path, clock: Clock) -> None:
    with opened(data, clock) as store:
        fill(store, at("x", NOW))
    with opened(data, Clock(5 * SECOND), block_retention=HOUR) as store:
        store.expire()
        assert matched(store) == ["x"]


def test_by_size_the_oldest_goes_first_also_by_a_clock_that_is_behind(data: Path, clock: Clock) -> None:
    names = ["a", "b", "c"]
    with opened(data, clock) as store:
        for number, name in enumerate(names):
            clock.now = NOW + number * SECOND
            fill(store, at(name, clock.now))
        used = sum(store._sources.blocks.bytes_of(block) for block in store.blocks())
    with opened(data, Clock(5 * SECOND), max_bytes_on_disk=used - 1) as store:
        store.expire()
        assert matched(store) == names[-len(store.blocks()) :]
        assert 0 < len(store.blocks()) < 3


def test_a_deletion_that_was_stopped_half_way_goes_on(data: Path, store: Store, clock: Clock) -> None:
    fill(store, at("x", NOW))
    (folder,) = (data / "blocks" / "single-tenant").iterdir()
    (folder / "meta.json").rename(folder / "meta.compacted.json")
    (folder / "data.parquet").unlink()
    clock.now += 10**18
    store.close()
    with opened(data, clock) as again:
        again.expire()
        assert not folder.exists()
        assert again.left_out() == ()


LIMIT = 300_000


def test_disk_use_stays_under_the_limit_and_the_oldest_goes_first(data: Path, clock: Clock) -> None:
    """S59, with blocks of 30 kB."""
    with opened(data, clock, max_bytes_on_disk=LIMIT) as store:
        for step in range(30):
            clock.now = NOW + step * HOUR
            fill(store, at(f"{step:02}", clock.now))
            assert bytes_below(data) <= LIMIT
            if step % 7 == 6:
                store.compact()
        left = matched(store)
    assert left == [f"{step:02}" for step in range(30 - len(left), 30)]
    assert 2 <= len(left) < 10


def test_what_is_left_of_merged_blocks_goes_before_any_block(data: Path, clock: Clock) -> None:
    with opened(data, clock) as store:
        fill(store, *(at(f"{step}", NOW) for step in range(5)))
        store.compact()
        assert len(list((data / "blocks" / "single-tenant").iterdir())) == 6
    size = bytes_below(data / "blocks")
    with opened(data, clock, max_bytes_on_disk=size - 1000) as store:
        store.expire()
        assert len(matched(store)) == 5
        assert len(list((data / "blocks" / "single-tenant").iterdir())) == 5
    with opened(data, clock, max_bytes_on_disk=1) as store:
        store.expire()
        assert len(matched(store)) == 5, "the newest block stays"
        assert len(list((data / "blocks" / "single-tenant").iterdir())) == 1
