"""A plan tells what a query would read: the same that reading it does, and why the rest is left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import pytempo
from pytempo import BadQuery, Store, StoreOptions
from pytempo.block.writer import BlockOptions
from pytempo.maintenance import FlushOptions
from pytempo.query.explain import OUTSIDE, explain
from tests.building import BASE, MINUTE, request, span

TRACES = 200


def spans(ids: range, word: str) -> bytes:
    made = (span(f"span {n:03}", trace=n, start=BASE + n * MINUTE, attributes={"n": n, "word": word, "text": f"text {n}"}) for n in ids)
    return request(*made).SerializeToString()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Two blocks of four row groups, an hour of minutes each and more, and live spans."""
    options = StoreOptions(flush=FlushOptions(block=BlockOptions(row_group_spans=50)))
    with pytempo.open(tmp_path, options=options) as opened:
        for first, word in ((1, "early"), (1001, "late")):
            opened.export(spans(range(first, first + TRACES), word))
            opened.flush()
        opened.export(spans(range(2001, 2011), "live"))
        yield opened


def reasons(store: Store, query: str) -> set[str]:
    return {part.skipped for source in store.explain(query).sources for part in source.parts if part.skipped is not None}


def test_a_plan_names_columns_attributes_and_conditions() -> None:
    plan = explain('{ span.http.method = "GET" || duration > 5ms } | select(name)')
    assert plan.query == '{ span.http.method = "GET" || span:duration > 5ms } | select(span:name)'
    assert plan.columns == ("span:duration", "span:name", "trace:end", "trace:start")
    assert plan.attributes == ("span.http.method",)
    assert plan.conditions == ('span.http.method = "GET"', "span:duration > 5000000")
    assert not plan.all_conditions
    assert plan.sources == ()


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(BadQuery, match="line 1"):
        explain("{ .a = }")


def test_sources_come_newest_first_with_all_their_parts(store: Store) -> None:
    live, late, early = store.explain("{ }").sources
    assert (live.name, live.size, [part.name for part in live.parts]) == ("live", 0, ["live spans"])
    assert {late.name, early.name} == {meta.block_id for meta in store.blocks()}
    assert early.size == next(meta.size for meta in store.blocks() if meta.block_id == early.name)
    assert [part.name for part in early.parts] == [f"row group {number}" for number in range(4)]
    assert [part.traces for part in early.parts] == [50] * 4


@pytest.mark.parametrize(
    "query",
    [
        "{ }",
        "{ span.n < 60 }",
        '{ span.word = "late" }',
        '{ span.word = "live" }',
        '{ name = "span 120" }',
        "{ span.absent = 1 }",
        "{ span.n < 60 || span.n > 1150 }",
        "{ trace:id = `5` }",
        "{ duration > 1h }",
        "{ span.n = 5 } && { span.n = 150 }",
    ],
)
def test_what_a_plan_says_is_what_a_search_reads(store: Store, query: str) -> None:
    plan, inspected = store.explain(query), store.search(query, limit=10_000).inspected  # with a limit it may be less
    assert sum(part.traces for source in plan.sources for part in source.read) == inspected.traces
    assert plan.sources[1].skipped is None


def test_the_size_is_near_to_what_is_read(store: Store) -> None:
    """Nothing is found, so nothing is shown and read for that."""
    query = "{ span.n > 5 && !(span.n > 5) }"
    read = store.search(query).inspected.bytes
    assert store.explain(query).size / 2 < read < store.explain(query).size * 2


def test_a_source_outside_the_time_range_is_skipped_as_a_whole(store: Store) -> None:
    plan = store.explain("{ }", start=BASE, end=BASE + 300 * MINUTE)
    assert [source.skipped for source in plan.sources] == [OUTSIDE, OUTSIDE, None]
    assert plan.sources[0].parts == ()


def test_a_row_group_outside_the_time_range_says_its_times(store: Store) -> None:
    (early,) = [source for source in store.explain("{ }", start=BASE, end=BASE + 40 * MINUTE).sources if source.skipped is None]
    assert [part.skipped is None for part in early.parts] == [True, False, False, False]
    first = BASE + 51 * MINUTE
    assert str(early.parts[1].skipped).startswith(f"time range: its traces lie between {first} and ")


def test_statistics_of_a_column_say_its_bounds(store: Store) -> None:
    assert reasons(store, "{ span.n < 3 }") >= {"statistics of a column: span.n < 3 is met by no value here, values go from 51 to 100"}
    assert reasons(store, '{ name = "span 003" }') >= {
        'statistics of a column: span:name = "span 003" is met by no value here, values go from "span 051" to "span 100"'
    }
    assert reasons(store, '{ statusMessage = "boom" }') == {
        'statistics of a column: span:status_message = "boom" is met by no value here, values go from "" to ""'
    }


def test_an_attribute_that_nothing_has_is_named(store: Store) -> None:
    assert reasons(store, "{ span.absent = 1 }") == {"attribute names: nothing here has what span.absent = 1 asks for"}
    assert reasons(store, '{ resource.cluster = "c1" }') == {'attribute names: nothing here has what resource.cluster = "c1" asks for'}


def test_the_value_filter_is_named(store: Store) -> None:
    query = '{ span.text = "text 111 nobody" }'
    assert 'value filter: span.text = "text 111 nobody" is met by no value here' in reasons(store, query)


def test_a_trace_id_is_named(store: Store) -> None:
    assert reasons(store, "{ trace:id = `5` }") == {f"trace id: {5:032x} is not among those of its traces"}


def test_of_conditions_of_which_one_must_hold_every_one_has_its_reason(store: Store) -> None:
    (both,) = reasons(store, "{ span.absent = 1 || span.missing = 2 }")
    assert both == "; ".join(
        f"attribute names: nothing here has what {condition} asks for" for condition in ("span.absent = 1", "span.missing = 2")
    )


def test_as_text_a_plan_is_for_people(store: Store) -> None:
    lines = str(store.explain('{ span.word = "late" && name != "x" }', start=BASE, end=BASE + 5000 * MINUTE)).splitlines()
    assert lines[:4] == [
        'query       { span.word = "late" && span:name != "x" }',
        "columns     span:name, trace:end, trace:start",
        "attributes  span.word",
        'conditions  span.word = "late"   (every one must hold)',
    ]
    assert lines[4] == "source      live: 1 of 1 parts are read"
    assert lines[-1].startswith("in all      5 of 9 parts are read, about ")
