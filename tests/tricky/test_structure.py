"""Traces that arrive again, late, in pieces, without a root, or enormous."""

from __future__ import annotations

import random

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

from pytempo.model import Level
from pytempo.server.api import tempopb
from tests.building import BASE, MILLISECOND, request, span
from tests.sending import send
from tests.servers import RunningServer
from tests.states import State, Stores, matched, matched_ids, names_of
from tests.tricky.conftest import Hold

REQUESTS, SPANS_A_REQUEST = 60, 200
"""Of the enormous trace."""


@pytest.mark.parametrize("state", [State.LIVE, State.FLUSHED, State.REOPENED, State.KILLED], ids=lambda state: state.word)
def test_a_request_sent_again_changes_no_answer(stores: Stores, state: State) -> None:
    """S61: ten spans, sent twice before a flush and once after it."""
    ten = request(*(span(f"{number}", trace=0x61, id=number + 1, attributes={"n": number}) for number in range(10)))
    stores.export(ten, ten)
    stores.store.flush()
    stores.export(ten)
    store = stores.into(state)
    assert names_of(store, "61") == [f"{number}" for number in range(10)]
    assert matched(store) == [f"{number}" for number in range(10)]
    (found,) = store.search("{ span.n >= 0 }")
    assert [spanset.matched for spanset in found.spansets] == [10]
    assert dict(found.service_stats)["shop"].spans == 10


def test_of_a_span_that_changed_the_same_version_is_kept_in_any_order(stores: Stores) -> None:
    """S61, where the copies differ: the one that ends last, whichever came first and wherever it lies."""
    versions = [span(f"ends after {length}", trace=1, id=1, duration=length * MILLISECOND) for length in (1, 3, 2)]
    for number, version in enumerate(versions):
        stores.export(request(version))
        if number == 1:
            stores.store.flush()
    for state in (State.LIVE, State.REOPENED, State.FLUSHED):
        store = stores.into(state)
        assert names_of(store, "1") == matched(store) == ["ends after 3"]


@pytest.mark.parametrize("end", [State.LIVE, State.FLUSHED, State.KILLED], ids=lambda state: state.word)
@pytest.mark.parametrize("start", [State.LIVE, State.FLUSHED, State.REOPENED], ids=lambda state: state.word)
def test_a_root_that_arrives_late_names_its_trace(stores: Stores, start: State, end: State) -> None:
    """S62: until then there is no name, and the duration is that of the known spans; afterwards the root's own."""
    children = [span(f"child {number}", trace=0x62, parent=1, start=BASE + number * MILLISECOND) for number in (1, 2)]
    store = stores.hold(start, request(*children, service="cart"))
    (found,) = store.search("{}")
    assert (found.root_service, found.root_name) == (None, None)
    assert (found.start, found.duration) == (BASE + MILLISECOND, 2 * MILLISECOND)
    stores.export(request(span("checkout", trace=0x62, id=1, duration=9 * MILLISECOND), service="frontend"))
    store = stores.into(end)
    (found,) = store.search("{}")
    assert (found.root_service, found.root_name) == ("frontend", "checkout")
    assert (found.start, found.duration) == (BASE, 9 * MILLISECOND)
    assert matched(store, '{ rootName = "checkout" && rootServiceName = "frontend" }') == ["checkout", "child 1", "child 2"]


def test_without_a_root_the_placeholder_is_shown(server: RunningServer) -> None:
    """S62: as Tempo has it, `<root span not yet received>` and no name."""
    send(server.otlp_grpc_address, request(span(trace=0x620, parent=0x999)).SerializeToString())
    answer = httpx.get(f"{server.http_url}/api/search", params={"q": '{ trace:id = "620" }'})
    (found,) = answer.json()["traces"]
    assert found["rootServiceName"] == "<root span not yet received>"
    assert "rootTraceName" not in found


def enormous() -> list[list[Span]]:
    """One trace of 12,000 spans under one root, each request a chain of its own that begins under the root, in no order."""
    pieces = []
    for piece in range(REQUESTS):
        ids = [1 + piece * SPANS_A_REQUEST + number for number in range(SPANS_A_REQUEST)]
        parents = [1, *ids[:-1]] if piece else [b"", *ids[:-1]]
        made = [
            span(f"step {identifier}", trace=0x63, id=identifier, parent=parent, attributes={"depth": depth, "text": "x" * 100})
            for depth, (identifier, parent) in enumerate(zip(ids, parents, strict=True))
        ]
        random.Random(piece).shuffle(made)
        pieces.append(made)
    random.Random(63).shuffle(pieces)
    return pieces


def test_an_enormous_trace_comes_back_whole_in_every_form(server: RunningServer) -> None:
    """S63: by id as JSON and protobuf, v1 and v2, and other questions work beside it."""
    send(server.otlp_grpc_address, *(request(*piece).SerializeToString() for piece in enormous()))
    wanted = {f"step {number}" for number in range(1, REQUESTS * SPANS_A_REQUEST + 1)}
    url, protobuf = f"{server.http_url}/api", {"accept": "application/protobuf"}
    v1, v2 = (httpx.get(f"{url}{version}/traces/63", timeout=60) for version in ("", "/v2"))
    assert names_in(v1.json()["batches"]) == names_in(v2.json()["trace"]["resourceSpans"]) == sorted(wanted)
    whole = TracesData.FromString(httpx.get(f"{url}/traces/63", headers=protobuf, timeout=60).content)
    assert {each.name for above in whole.resource_spans for scope in above.scope_spans for each in scope.spans} == wanted
    answer = tempopb.message_class("TraceByIDResponse").FromString(httpx.get(f"{url}/v2/traces/63", headers=protobuf, timeout=60).content)
    assert TracesData.FromString(answer.trace) == whole
    assert (
        httpx.get(f"{url}/search", params={"q": "{ span.depth = 7 }", "spss": "100"}).json()["traces"][0]["spanSets"][0]["matched"]
        == REQUESTS
    )


def names_in(resource_spans: list[dict[str, list[dict[str, list[dict[str, str]]]]]]) -> list[str]:
    return sorted(each["name"] for above in resource_spans for scope in above["scopeSpans"] for each in scope["spans"])


def test_an_enormous_trace_keeps_its_structure(hold: Hold) -> None:
    """S63: structural operators over all of its pieces."""
    store = hold(*(request(*piece) for piece in enormous()))
    (found,) = store.search('{ name = "step 1" } >> { span.depth = 199 }')
    assert found.spansets[0].matched == REQUESTS
    (found,) = store.search('{ name = "step 1" } > { }')
    assert found.spansets[0].matched == REQUESTS
    assert matched(store, "{ span:childCount > 2 }") == ["step 1"]


def test_client_and_server_halves_that_share_an_id_are_both_kept(hold_anyhow: Hold) -> None:
    """S64: in the same order each time."""
    halves = [request(span(kind, trace=0x64, id=1, kind=kind), service=kind) for kind in ("client", "server")]
    store = hold_anyhow(*halves)
    found = store.trace("64")
    assert found is not None
    assert found.batch.stored(Level.SPAN, "name").to_pylist() == ["client", "server"]
    assert matched_ids(store) == ["1".rjust(16, "0")] * 2
    assert [matched_ids(store, f'{{ kind = {kind} && resource.service.name = "{kind}" }}') for kind in ("client", "server")] == [
        ["1".rjust(16, "0")]
    ] * 2
    assert {name: stats.spans for name, stats in store.search("{}")[0].service_stats} == {"client": 1, "server": 1}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('{ trace:id = "65" } >> {}', ["B", "C"]),
        ('{ name = "B" } > { name = "C" }', ["C"]),
        ('{ name = "A" } >> { name = "C" }', ["C"]),
        ('{ name = "C" } << { name = "A" }', ["A"]),
        ('{ name = "D" } >> {}', []),
        ("{} ~ {}", []),
        ("{ nestedSetParent < 0 }", []),
        ("{ nestedSetParent = 0 }", ["A", "B", "C", "D"]),
    ],
)
def test_structure_follows_parents_also_where_no_root_has_arrived(hold: Hold, query: str, found: list[str]) -> None:
    """S65: A -> B -> C under a parent that is missing, and D under another."""
    parents = {"A": 0x91, "B": 1, "C": 2, "D": 0x92}
    spans = [span(name, trace=0x65, id=number + 1, parent=parent) for number, (name, parent) in enumerate(parents.items())]
    assert matched(hold(request(*spans)), query) == found
