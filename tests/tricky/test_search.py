"""Searches: at once, newest first, the same each time, with every odd parameter."""

from __future__ import annotations

import random
from collections.abc import Mapping

import httpx
import pytest

from tests.building import BASE, MILLISECOND, MINUTE, SECOND, request, span, together
from tests.sending import post
from tests.servers import RunningServer
from tests.states import State, Stores, matched, names_of
from tests.tricky.conftest import Hold

BLOCKS, TRACES_A_BLOCK = 20, 500


def test_a_span_is_seen_from_the_moment_of_its_acknowledgement(stores: Stores) -> None:
    """S37: by id, by search and by tag values, long before any flush; the tenth as the first."""
    for number in range(1, 11):
        store = stores.store
        store.export(request(span("just sent", trace=number, attributes={"marker": f"m{number}"})).SerializeToString())
        assert names_of(store, f"{number:x}") == ["just sent"]
        assert matched(store, f'{{ span.marker = "m{number}" }}') == ["just sent"]
        assert f"m{number}" in [value.value for value in store.tag_values("span.marker").values]
        if number == 5:
            store.flush()


def test_over_http_a_span_is_seen_from_the_moment_of_its_acknowledgement(server: RunningServer) -> None:
    """S37: with the stock way in."""
    body = request(span("just sent", trace=0x37, attributes={"marker": "m1"})).SerializeToString()
    post(server.otlp_http_url, body)
    assert httpx.get(f"{server.http_url}/api/traces/37").status_code == 200
    assert [found["traceID"] for found in search(server, q='{ span.marker = "m1" }').json()["traces"]] == ["37"]
    values = httpx.get(f"{server.http_url}/api/v2/search/tag/span.marker/values").json()["tagValues"]
    assert values == [{"type": "string", "value": "m1"}]


def search(server: RunningServer, **params: str) -> httpx.Response:
    return httpx.get(f"{server.http_url}/api/search", params=params)


def test_the_newest_traces_come_first_every_time(stores: Stores) -> None:
    """S38: 30 traces, one a minute, over five blocks and the live part, in an order of arrival that is not theirs."""
    traces = [request(span(f"minute {number:02}", trace=number + 1, start=BASE + number * MINUTE)) for number in range(30)]
    random.Random(38).shuffle(traces)
    for piece in range(5):
        stores.export(*traces[piece::6])
        stores.store.flush()
    stores.export(*traces[5::6])
    for _ in range(10):
        found = stores.store.search("{}", limit=5)
        assert [trace.root_name for trace in found] == [f"minute {number}" for number in range(29, 24, -1)]


def test_traces_of_the_same_moment_come_in_a_settled_order(hold_anyhow: Hold) -> None:
    """S38: by id, so that the state of the store does not show."""
    store = hold_anyhow(*(request(span(trace=number)) for number in (5, 3, 1, 4, 2)))
    assert [int(trace.trace_id, 16) for trace in store.search("{}", limit=3)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "-1"),
        ("limit", "abc"),
        ("limit", "99999999999"),
        ("limit", "1.5"),
        ("spss", "-1"),
        ("spss", "101"),
        ("spss", "x"),
    ],
)
def test_a_count_out_of_range_is_refused_with_the_range(server: RunningServer, name: str, value: str) -> None:
    """S39: 400 with parameter, value and what is allowed."""
    answer = search(server, q="{}", **{name: value})
    assert answer.status_code == 400
    assert name in answer.text
    assert value in answer.text
    assert " from " in answer.text


def test_the_span_that_matched_is_shown_under_the_name_of_its_root(hold: Hold) -> None:
    """S40: with its own id, start and duration, and matched=1."""
    root = span("GET /", trace=0x40, id=1, duration=9 * MILLISECOND)
    query = span("SELECT", trace=0x40, id=2, parent=1, start=BASE + MILLISECOND, duration=2 * MILLISECOND, attributes={"db.table": "t"})
    store = hold(request(root, query))
    (found,) = store.search('{ span.db.table = "t" && name != "" }')
    assert (found.root_name, found.root_service, found.start, found.duration) == ("GET /", "shop", BASE, 9 * MILLISECOND)
    (spanset,) = found.spansets
    (shown,) = spanset.spans
    assert spanset.matched == 1
    assert (shown.span_id, shown.name, shown.start, shown.duration) == ("2".rjust(16, "0"), "SELECT", BASE + MILLISECOND, 2 * MILLISECOND)
    assert shown.attributes == (("db.table", "t"),)


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ({"start": "1795000000", "end": "notadate"}, ["end", "notadate"]),
        ({"start": "1795000000", "end": "1795000000"}, ["start", "1795000000"]),
        ({"start": "1795000060", "end": "1795000000"}, ["start", "1795000060"]),
        ({"start": "1795000000"}, ["start", "1795000000"]),
        ({"end": "1795000000"}, ["end", "1795000000"]),
        ({"start": "-5", "end": "1795000000"}, ["start", "-5"]),
    ],
)
def test_a_window_that_is_none_is_refused_with_its_values(server: RunningServer, window: Mapping[str, str], said: list[str]) -> None:
    """S41: never an empty 200."""
    answer = search(server, q="{}", **window)
    assert answer.status_code == 400
    assert all(word in answer.text for word in said)


def test_milliseconds_are_not_taken_for_an_empty_window(server: RunningServer) -> None:
    """S41: a time in milliseconds is refused with a hint."""
    answer = search(server, q="{}", start="1795000000000", end="1795000060000")
    assert answer.status_code == 400
    assert "milliseconds" in answer.text


def test_an_absent_trace_is_told_without_reading_the_rows_of_any_block(stores: Stores) -> None:
    """S42: 10,000 traces in 20 blocks whose rows are damaged beyond reading; ids that no block has are found to be absent all the same."""
    for block in range(BLOCKS):
        first = 1 + block * TRACES_A_BLOCK
        stores.export(
            together(*(request(span(trace=number, start=BASE + block * SECOND)) for number in range(first, first + TRACES_A_BLOCK)))
        )
        stores.store.flush()
    store = stores.into(State.REOPENED)
    assert len(store.blocks()) == BLOCKS
    for path in stores.folder.glob("blocks/*/*/data.parquet"):
        footer = int.from_bytes(path.read_bytes()[-8:-4], "little") + 8
        with path.open("r+b") as file:
            file.write(b"\xff" * (path.stat().st_size - footer))
    ids = random.Random(42)
    assert [store.trace(ids.randbytes(16)) for _ in range(20)] == [None] * 20
