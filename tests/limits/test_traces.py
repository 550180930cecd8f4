"""The table of traces against a dict, and sizes against a loop."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pytempo.limits.traces import REMEMBERED, TraceTable, beyond, first_spans
from pytempo.model.ids import TraceIds

IDENTIFIERS = st.integers(0, 40) | st.integers(0, 2**128 - 1) | st.integers(0, 40).map(lambda number: number << 64)


def ids(numbers: list[int]) -> TraceIds:
    return TraceIds.from_bytes(np.frombuffer(b"".join(number.to_bytes(16) for number in numbers), np.uint8))


@settings(max_examples=60)
@given(st.lists(st.lists(IDENTIFIERS, max_size=60, unique=True), max_size=20))
def test_every_trace_keeps_its_size_however_the_table_grows(groups: list[list[int]]) -> None:
    table, want = TraceTable(smallest=8), dict[int, int]()
    for now, group in enumerate(groups):
        slots = table.slots(ids(group), now)
        assert len(set(slots.tolist())) == len(group)
        assert table.size[slots].tolist() == [want.get(number, 0) for number in group]
        table.size[slots] += 1
        table.seen[slots] = now
        want |= {number: want.get(number, 0) + 1 for number in group}
    assert len(table) == len(want)


def test_what_was_not_seen_for_long_is_forgotten_when_room_is_needed() -> None:
    table = TraceTable()
    old, young = ids(list(range(300))), ids(list(range(1000, 1200)))
    for group, now in ((old, 0), (young, REMEMBERED)):
        slots = table.slots(group, now)
        table.size[slots], table.seen[slots] = 7, now
    table.slots(ids(list(range(5000, 5200))), REMEMBERED + 1)
    assert table.size[table.slots(old, REMEMBERED + 1)].tolist() == [0] * 300
    assert table.size[table.slots(young, REMEMBERED + 1)].tolist() == [7] * 200


def test_beyond_its_largest_size_a_table_forgets_the_longest_unseen() -> None:
    table = TraceTable(largest=4096)
    for step in range(40):
        slots = table.slots(ids(list(range(step * 100, step * 100 + 100))), step)
        table.size[slots], table.seen[slots] = 1, step
    assert len(table) <= 2048
    assert table.size[table.slots(ids(list(range(3000, 4000))), 40)].all()


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 50)), min_size=1, max_size=60), st.integers(1, 200), st.integers(0, 99))
def test_a_trace_is_cut_where_it_grows_beyond(spans: list[tuple[int, int]], limit: int, before: int) -> None:
    sizes = [before * trace // 4 for trace in range(5)]
    want = []
    for trace, size in spans:
        sizes[trace] += size
        want.append(sizes[trace] > limit)
    trace, size = np.array(spans, np.int64).T
    assert beyond(trace, size, np.array([before * trace // 4 for trace in range(5)]), limit).tolist() == want


def test_the_first_span_of_each_trace_is_found() -> None:
    assert first_spans(np.array([2, 0, 2, 1, 0]), 3).tolist() == [1, 3, 0]
