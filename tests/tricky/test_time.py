"""Clocks that were never set, that run backwards, that are weeks behind."""

from __future__ import annotations

from tests.building import BASE, DAY, HOUR, MILLISECOND, MINUTE, SECOND, request, span
from tests.states import State, Stores, matched, names_of, search_all
from tests.tricky.conftest import Hold

NOW = BASE
"""The present of these tests, in unix nanoseconds."""


def test_a_span_of_1970_is_found_and_spoils_no_other_search(hold_anyhow: Hold) -> None:
    """S33: by id, by a search of 1970; the last hour has the ordinary ten."""
    ordinary = [span(f"{number}", start=NOW - number * MINUTE) for number in range(10)]
    store = hold_anyhow(request(span("never set", trace=0x33, start=0, duration=0), *ordinary))
    assert names_of(store, "33") == ["never set"]
    assert matched(store, start=NOW - HOUR, end=NOW) == [f"{number}" for number in range(10)]
    assert matched(store, start=0, end=DAY) == ["never set"]
    assert matched(store, "{ duration = 0 }") == ["never set"]


def test_a_span_of_1970_does_not_stretch_its_block(stores: Stores) -> None:
    """S33: otherwise every search would read every block."""
    ordinary = [span(f"{number}", start=NOW - number * MINUTE) for number in range(10)]
    stores.hold(State.FLUSHED, request(span(start=0, duration=0), *ordinary))
    for store in (stores.store, stores.into(State.REOPENED)):
        (block,) = store.blocks()
        assert block.start == NOW - 9 * MINUTE
        assert block.overlaps(0, 1)
        assert block.overlaps(NOW - HOUR, NOW)
        assert not block.overlaps(DAY, NOW - DAY)


def test_spans_at_the_ends_of_time_are_kept_apart(hold_anyhow: Hold) -> None:
    """S33: any 64-bit times are accepted; durations are neither negative nor wrapped."""
    last = 2**64 - 1
    far = span("last", trace=2, start=last - 5, duration=5)
    longest = span("longest", trace=3, start=0, duration=last)
    store = hold_anyhow(request(span("first", trace=1, start=0, duration=0), far, longest, span("today", trace=4, start=NOW)))
    assert matched(store, start=last, end=last) == ["last", "longest"]
    assert matched(store, start=NOW, end=NOW) == ["longest", "today"]
    assert {found.trace_id[-1]: found.duration for found in search_all(store)} == {"1": 0, "2": 5, "3": last, "4": MILLISECOND}
    assert matched(store, "{ duration > 1h }") == ["longest"]


def test_spans_of_forty_days_ago_are_found_around_that_day(hold_anyhow: Hold) -> None:
    """S34: at once, after a flush and after a restart, and by id."""
    then = NOW - 40 * DAY
    store = hold_anyhow(
        request(span("late", trace=0x34, start=then), span("later", trace=0x34, start=then + SECOND), span("now", start=NOW))
    )
    assert matched(store, start=then - HOUR, end=then + HOUR) == ["late", "later"]
    assert matched(store, start=then - 2 * HOUR, end=then - HOUR) == []
    assert matched(store, start=NOW - 30 * DAY, end=NOW + DAY) == ["now"]
    assert names_of(store, "34") == ["late", "later"]


def test_an_end_before_the_start_is_a_duration_of_zero(hold_anyhow: Hold) -> None:
    """S35: the trace keeps its own duration, and no bound is wrapped around."""
    root = span("root", trace=0x35, id=1, duration=10 * MILLISECOND)
    backwards = span("backwards", trace=0x35, parent=1, start=BASE + 5 * MILLISECOND, duration=-2 * MILLISECOND)
    store = hold_anyhow(request(root, backwards))
    assert matched(store, "{ duration = 0ms }") == ["backwards"]
    assert matched(store, "{ duration > 1h }") == []
    assert matched(store, "{ traceDuration = 10ms }") == ["backwards", "root"]
    (found,) = store.search("{ duration = 0ms }")
    assert found.duration == 10 * MILLISECOND
    assert [shown.duration for shown in found.spansets[0].spans] == [0]


def test_a_late_trace_does_not_turn_the_bounds_of_its_block_around(hold_anyhow: Hold) -> None:
    """S36: 31 minutes ago, then 34 minutes ago, in one block."""
    store = hold_anyhow(*(request(span(f"{ago} min", start=NOW - ago * MINUTE)) for ago in (31, 34)))
    assert all(block.start <= block.end for block in store.blocks())
    assert matched(store, start=NOW - HOUR, end=NOW) == ["31 min", "34 min"]
    assert matched(store, start=NOW - 33 * MINUTE, end=NOW) == ["31 min"]
    assert matched(store, start=NOW - 35 * MINUTE, end=NOW - 33 * MINUTE) == ["34 min"]


def test_a_trace_counts_by_its_own_bounds_not_by_those_of_one_span(hold_anyhow: Hold) -> None:
    """S34, for a trace that stretches over the window: it is found whole, also where its spans lie in several places."""
    store = hold_anyhow(request(span("before", trace=1, start=NOW - HOUR), span("after", trace=1, start=NOW + HOUR)))
    assert matched(store, start=NOW, end=NOW) == ["after", "before"]
    assert matched(store, start=NOW - 3 * HOUR, end=NOW - 2 * HOUR) == []
