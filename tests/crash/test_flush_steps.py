"""A flush that is stopped after any of its steps: the next start loses nothing and shows nothing twice.

The steps are those of `pytempo.maintenance.flush.cut`, and of writing the files of one block.
"""

from __future__ import annotations

import pytest

from pytempo import Store
from pytempo.maintenance import Step
from tests.building import request, span
from tests.states import State, Stores, cut_steps, matched, matched_ids, names_of, seal

TENANTS = ("single-tenant", "two")
SEGMENTS = 2
TRACES = [f"{number:032x}" for number in range(0xA, 0xD)]

STEPS = SEGMENTS * (2 * len(TENANTS) + 1)
"""Every tenant's block is published and switched to, then the segment goes."""

FILES = ("data.parquet", "bloom-0", "index", "checksums", "meta.json")
"""Of a block, in the order in which they are written."""


def span_names(piece: str) -> list[str]:
    return [f"{piece} {identifier[-1]}" for identifier in TRACES]


ALL = sorted(name for piece in range(SEGMENTS + 1) for name in span_names(str(piece)))
"""Every span of a tenant: one of each trace in each segment, and one that came while the flush was under way."""


def fill(store: Store, piece: int) -> None:
    """One span of every trace for every tenant."""
    for tenant in TENANTS:
        for identifier, name in zip(TRACES, span_names(str(piece)), strict=True):
            store.export(request(span(name, trace=identifier, id=piece + 1)).SerializeToString(), tenant=tenant)


def assert_whole(store: Store, wanted: list[str]) -> None:
    """Every span once, by search and by id, for each tenant; each trace is one trace."""
    for tenant in TENANTS:
        assert matched(store, tenant=tenant) == wanted
        assert len(matched_ids(store, tenant=tenant)) == len(wanted)
        assert sorted(found.trace_id for found in store.search("{}", limit=1000, tenant=tenant)) == TRACES
        for identifier in TRACES:
            assert names_of(store, identifier, tenant=tenant) == [name for name in wanted if name.endswith(identifier[-1])]


def blocks(store: Store) -> list[int]:
    return [len(store.blocks(tenant)) for tenant in TENANTS]


def test_the_steps_are_all_there_are(stores: Stores) -> None:
    """So that the tests below stop after each."""
    fill(stores.store, 0)
    assert [done.step for done in cut_steps(stores.store)] == [*[Step.PUBLISHED, Step.SWITCHED] * len(TENANTS), Step.DELETED]


@pytest.mark.parametrize("steps", range(STEPS + 1))
def test_stopped_after_any_step_nothing_is_lost_and_nothing_is_there_twice(stores: Stores, steps: int) -> None:
    for piece in range(SEGMENTS):
        fill(stores.store, piece)
        seal(stores.store)
    flush = cut_steps(stores.store)
    for _ in range(steps):
        next(flush)
    fill(stores.store, SEGMENTS)
    assert_whole(stores.store, ALL)
    assert_whole(stores.into(State.KILLED), ALL)
    assert_whole(stores.into(State.FLUSHED), ALL)
    assert not list(stores.folder.glob("wal/*.wal"))
    assert_whole(stores.into(State.REOPENED), ALL)
    assert blocks(stores.store) == [SEGMENTS + 1] * len(TENANTS)


@pytest.mark.parametrize("whole", range(len(FILES)))
def test_stopped_while_a_block_is_written_its_rest_is_written_anew(stores: Stores, whole: int) -> None:
    """So many of its files are in place, the next one still has its temporary name; the segment is there."""
    fill(stores.store, 0)
    next(cut_steps(stores.store))
    stores.kill()
    (folder,) = stores.folder.glob(f"blocks/{TENANTS[0]}/*")
    unfinished = folder / FILES[whole]
    unfinished.rename(folder / f"{unfinished.name}.0badcafe.pytempo-tmp")
    for name in FILES[whole + 1 :]:
        (folder / name).unlink()
    wanted = span_names("0")
    assert_whole(stores.store, wanted)
    assert_whole(stores.into(State.FLUSHED), wanted)
    assert blocks(stores.store) == [1, 1]
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert_whole(stores.into(State.REOPENED), wanted)


def test_a_flush_that_begins_again_and_again_comes_to_its_end(stores: Stores) -> None:
    """Killed after its first step every time."""
    for _ in range(3):
        fill(stores.store, 0)
        next(cut_steps(stores.store))
        stores.kill()
    assert_whole(stores.into(State.FLUSHED), span_names("0"))
    assert_whole(stores.into(State.REOPENED), span_names("0"))


def test_spans_that_arrive_while_their_trace_is_flushed_join_it(stores: Stores) -> None:
    """Between every two steps one more span of the same traces."""
    fill(stores.store, 0)
    seal(stores.store)
    wanted = span_names("0")
    for piece, _ in enumerate(cut_steps(stores.store), 1):
        fill(stores.store, piece)
        wanted += span_names(str(piece))
        assert_whole(stores.store, sorted(wanted))
    stores.kill()
    assert_whole(stores.store, sorted(wanted))
