"""The spans of one trace: all of them, those that a query keeps with their kin, and what comes of a trace that is too large."""

from __future__ import annotations

from pathlib import Path

import pytest

import pytempo
from pytempo import Store
from pytempo.errors import BadQuery
from pytempo.model.sizes import span_sizes
from pytempo.options import StoreOptions
from pytempo.otlp import encode
from pytempo.query.options import QueryOptions
from tests.building import event, link, request, span
from tests.states import MOST, State, Stores, names

TREE = request(
    span("root", trace=7, id=1),
    span("left", trace=7, id=2, parent=1),
    span("left leaf", trace=7, id=3, parent=2, attributes={"deep": True}),
    span("right", trace=7, id=4, parent=1, status="error"),
    span("right leaf", trace=7, id=5, parent=4),
    span("lowest", trace=7, id=6, parent=5),
    span("one of two that are each other's parents", trace=7, id=8, parent=9),
    span("the other", trace=7, id=9, parent=8),
    span("of another trace", trace=8, id=1, status="error"),
)
TREE_NAMES = [each.name for each in TREE.resource_spans[0].scope_spans[0].spans[:-1]]


@pytest.fixture(params=MOST, ids=lambda state: state.word)
def store(request: pytest.FixtureRequest, stores: Stores) -> Store:
    """TREE in every state."""
    return stores.hold(request.param, TREE)


def kept(store: Store, q: str | None = None, descendants: int = 0, ancestors: int = 0) -> list[str]:
    found = store.trace("7", q=q, descendants=descendants, ancestors=ancestors)
    assert found is not None
    return sorted(names(found.batch), key=TREE_NAMES.index)


def test_without_a_query_it_is_the_whole_trace(store: Store) -> None:
    assert kept(store) == TREE_NAMES
    assert store.trace("9") is None


@pytest.mark.parametrize(
    ("q", "descendants", "ancestors", "wanted"),
    [
        ("{ status = error }", 0, 0, ["right"]),
        ("{ status = error }", 1, 0, ["right", "right leaf"]),
        ("{ status = error }", 2, 0, ["right", "right leaf", "lowest"]),
        ("{ status = error }", -1, 0, ["right", "right leaf", "lowest"]),
        ("{ status = error }", 0, 1, ["root", "right"]),
        ("{ .deep }", 0, 1, ["left", "left leaf"]),
        ("{ .deep }", 0, -1, ["root", "left", "left leaf"]),
        ("{ .deep || status = error }", 1, 1, ["root", "left", "left leaf", "right", "right leaf"]),
        ('{ name = "right" } >> { }', 0, 0, ["right leaf", "lowest"]),
        ("{ } | select(.deep)", 0, 0, TREE_NAMES),
        ('{ name = "the other" }', -1, -1, ["one of two that are each other's parents", "the other"]),
        ('{ name = "nobody" }', -1, -1, []),
    ],
)
def test_a_query_keeps_its_spans_and_so_many_generations_around_them(
    store: Store, q: str, descendants: int, ancestors: int, wanted: list[str]
) -> None:
    assert kept(store, q, descendants, ancestors) == wanted


def test_what_is_kept_of_a_trace_can_be_encoded(store: Store) -> None:
    for q in ('{ name = "nobody" }', "{ status = error }"):
        found = store.trace("7", q=q)
        assert found is not None
        assert encode(found.batch).count(b"right") == len(kept(store, q))


@pytest.mark.parametrize("q", ["{ .a = }", "{ } | rate()", "{ } >> "])
def test_what_is_no_search_is_refused(store: Store, q: str) -> None:
    with pytest.raises(BadQuery):
        store.trace("7", q=q)


def test_of_a_trace_beyond_the_limit_come_the_spans_that_came_first(tmp_path: Path) -> None:
    options = StoreOptions(query=QueryOptions(max_trace_bytes=3000))
    with pytempo.open(tmp_path, options=options) as store:
        for first in (1, 11):
            spans = (span(f"{number}", trace=7, id=number, attributes={"filler": "x" * 150}) for number in range(first, first + 10))
            store.export(request(*spans).SerializeToString())
            store.flush()
        found = store.trace("7")
        assert found is not None
        assert found.partial
        assert found.message.startswith("trace exceeds max size (max bytes: 3000)")
        shown = names(found.batch)
        assert shown == [str(number) for number in range(1, len(shown) + 1)]
        assert 10 < len(shown) < 20
        few = store.trace("7", q='{ name = "20" }')
        assert few is not None
        assert (names(few.batch), few.partial) == (["20"], False)


def test_sizes_are_near_those_on_the_wire(stores: Stores) -> None:
    rich = {"text": "x" * 300, "number": 7, "share": 0.5, "yes": True, "list": ["a", "b" * 50], "numbers": [1, 2, 3], "map": {"a": 1}}
    spans = [
        span("bare", trace=7),
        span("rich", trace=7, attributes=rich, message="m" * 40),
        span("with events", trace=7, events=[event("cache.miss", attributes=rich)] * 3),
        span("with links", trace=7, links=[link(attributes={"kind": "follows"})] * 4),
    ]
    store = stores.hold(State.FLUSHED, request(*spans))
    found = store.trace("7")
    assert found is not None
    told = dict(zip(names(found.batch), span_sizes(found.batch).tolist(), strict=True))
    for each in spans:
        assert 0.7 < told[each.name] / each.ByteSize() < 1.3, each.name
