"""What an answer says of the work behind it: the bytes that were read, the spans and traces looked at, the blocks in range."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import pytempo
from pytempo import Store, StoreOptions
from pytempo.block.writer import BlockOptions
from pytempo.maintenance import FlushOptions
from tests.building import BASE, MINUTE, request, span

TRACES = 200


def spans(ids: range) -> bytes:
    made = (span(trace=n, start=BASE + n * MINUTE, attributes={"n": n, "note": f"note {n} " * 20}) for n in ids)
    return request(*made).SerializeToString()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    options = StoreOptions(flush=FlushOptions(block=BlockOptions(row_group_spans=50)))
    with pytempo.open(tmp_path, options=options) as opened:
        yield opened


@pytest.fixture
def block(store: Store) -> Store:
    """All in one block of four row groups."""
    store.export(spans(range(1, TRACES + 1)))
    store.flush()
    return store


def test_everything_that_is_looked_at_counts_once(block: Store) -> None:
    inspected = block.search("{ }").inspected
    assert (inspected.traces, inspected.spans, inspected.jobs) == (TRACES, TRACES, 1)
    assert (inspected.blocks, inspected.block_bytes) == (1, block.blocks()[0].size)
    assert 0 < inspected.bytes < block.blocks()[0].size


def test_live_spans_count_but_are_no_block(store: Store) -> None:
    store.export(spans(range(1, TRACES + 1)))
    inspected = store.search("{ span.n > 5 }").inspected
    assert (inspected.traces, inspected.spans, inspected.jobs) == (TRACES, TRACES, 1)
    assert (inspected.blocks, inspected.block_bytes) == (0, 0)
    assert inspected.bytes > TRACES * 8


def test_a_torn_trace_counts_once(store: Store) -> None:
    store.export(request(span(trace=1, id=1), span(trace=2, id=2)).SerializeToString())
    store.flush()
    store.export(request(span(trace=1, id=3, parent=1)).SerializeToString())
    inspected = store.search("{ }").inspected
    assert (inspected.traces, inspected.spans, inspected.blocks) == (2, 3, 1)


def test_what_the_answer_shows_counts_too(block: Store) -> None:
    """It is read last, for the traces of the page alone, from the row groups that they are in."""
    nothing = block.search("{ span.n = 5 && !(span.n = 5) }").inspected
    little = block.search("{ span.n = 5 }").inspected
    more = block.search("{ span.n = 5 } | select(kind, name)").inspected
    assert nothing.jobs == little.jobs == more.jobs == 1
    assert nothing.bytes < little.bytes < more.bytes


def test_a_needle_reads_less_than_everything(block: Store) -> None:
    needle = block.search("{ trace:id = `5` }").inspected
    assert needle.jobs == 1
    assert needle.bytes < block.search("{ }").inspected.bytes / 2


def test_row_groups_that_are_left_out_are_not_read(block: Store) -> None:
    assert block.search("{ .absent = 1 }").inspected.jobs == 0
    assert block.search("{ .absent = 1 }").inspected.bytes == 0
    assert block.search("{ .absent = 1 }").inspected.blocks == 1


def test_blocks_that_end_before_what_was_found_are_not_read(store: Store) -> None:
    """The newest traces are asked for, and the page is full."""
    for first in (1, 51, 101):
        store.export(spans(range(first, first + 50)))
        store.flush()
    full = store.search("{ }", limit=50)
    assert (full.inspected.blocks, full.inspected.traces) == (1, 50)
    assert [trace.start for trace in full.traces] == [BASE + number * MINUTE for number in range(150, 100, -1)]
    assert store.search("{ }", limit=51).inspected.blocks == 2
    assert store.search("{ span.n < 51 }", limit=10).inspected.blocks == 3


def test_a_block_outside_the_range_does_not_count(block: Store) -> None:
    inspected = block.search("{ }", start=BASE - 20 * MINUTE, end=BASE - 10 * MINUTE).inspected
    assert (inspected.blocks, inspected.block_bytes, inspected.jobs, inspected.bytes) == (0, 0, 0, 0)


def test_every_kind_of_question_counts(block: Store) -> None:
    end = BASE + (TRACES + 1) * MINUTE
    trace = block.trace("5")
    assert trace is not None
    for inspected in (
        block.search_tags({"n": "5"}).inspected,
        block.tags().inspected,
        block.tag_values("span.n").inspected,
        block.tag_values_v1("n").inspected,
        block.query_range("{ } | rate()", start=BASE, end=end).inspected,
        block.query_instant("{ } | rate()", start=BASE, end=end).inspected,
        trace.inspected,
    ):
        assert inspected.bytes > 0
        assert inspected.jobs > 0
        assert inspected.traces > 0
        assert inspected.spans > 0
        assert inspected.blocks == 1


def test_asking_twice_tells_the_same(block: Store) -> None:
    block.export(spans(range(1000, 1100)))
    assert block.search("{ span.n > 5 }").inspected == block.search("{ span.n > 5 }").inspected
