"""What becomes of an export: found at once, in part with reasons, or refused whole."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytempo import BadRequest, RequestTooLarge, StoreOptions
from pytempo.otlp import Exported
from tests.building import request, span, together
from tests.store.conftest import OpenStore, found, metric, named
from tests.store.groups import exported_together

NO_PROTOBUF = b"\xff\xff\xff\xff"


def test_one_request_is_found_at_once(open_store: OpenStore) -> None:
    store = open_store()
    assert store.export(named("one", "two")) == Exported(2)
    assert found(store) == ["one", "two"]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_request_may_be_any_kind_of_bytes(open_store: OpenStore, kind: type) -> None:
    store = open_store()
    assert store.export(kind(named("one"))) == Exported(1)
    assert found(store) == ["one"]


@pytest.mark.parametrize("kind", [list, tuple])
def test_several_requests_are_counted_together(open_store: OpenStore, kind: type) -> None:
    store = open_store()
    assert store.export(kind([named("one"), named("two", "three"), b""])) == Exported(3)
    assert found(store) == ["one", "three", "two"]
    assert metric(store, "pytempo_wal_syncs_total") == 1


@pytest.mark.parametrize("nothing", [b"", [], [b"", b""], request().SerializeToString()], ids=["bytes", "list", "requests", "no-spans"])
def test_nothing_is_stored_as_nothing(open_store: OpenStore, nothing: bytes | list[bytes]) -> None:
    store = open_store()
    assert store.export(nothing) == Exported(0)
    assert store.tenants() == ()
    store.flush()
    assert store.blocks() == ()


def test_bad_spans_are_counted_by_reason_and_the_others_kept(open_store: OpenStore) -> None:
    store = open_store()
    bad_ids = (span("short", trace=b"short"), span("zeros", trace=bytes(16)), span("no id", id=b""), span("good"))
    bad_parent = span("parent", parent=b"1234567")
    exported = store.export([request(*bad_ids).SerializeToString(), request(bad_parent, span("good too")).SerializeToString()])
    assert (exported.accepted, exported.rejected) == (2, 4)
    assert dict(exported.reasons) == {"invalid_trace_id": 2, "invalid_span_id": 1, "invalid_parent_span_id": 1}
    assert exported.message.startswith("2 rejected: trace ids must be 16 bytes")
    assert found(store) == ["good", "good too"]


def test_a_request_of_bad_spans_only_keeps_nothing(open_store: OpenStore) -> None:
    store = open_store()
    assert store.export(request(span(trace=bytes(16))).SerializeToString()) == Exported(0, 1, (("invalid_trace_id", 1),))
    assert found(store) == []
    store.flush()
    assert store.blocks() == ()
    store.close()
    assert found(open_store()) == []


def test_every_request_of_a_group_is_told_of_its_own_spans_only(open_store: OpenStore) -> None:
    store = open_store()
    good, bad = span("good"), span("bad", trace=b"short")
    payloads = [request(good, *[bad] * number).SerializeToString() for number in range(10)]
    outcomes = exported_together(store, payloads)
    assert [outcome.rejected for outcome in outcomes if isinstance(outcome, Exported)] == list(range(10))
    assert [outcome.accepted for outcome in outcomes if isinstance(outcome, Exported)] == [1] * 10


@pytest.mark.parametrize("pieces", [1, 3])
def test_a_request_beyond_the_limit_is_refused_whole_and_names_setting_and_sizes(open_store: OpenStore, pieces: int) -> None:
    store = open_store(options=StoreOptions(max_request_bytes=1000))
    piece = named("large", filler="x" * 600 if pieces > 1 else "x" * 1200)
    with pytest.raises(RequestTooLarge) as caught:
        store.export([piece] * pieces)
    size = len(piece) * pieces
    assert (caught.value.size, caught.value.limit) == (size, 1000)
    for words in (f"{size} bytes", "1000 bytes", "max_request_bytes", "--otlp-max-request-bytes"):
        assert words in str(caught.value)
    assert found(store) == []
    assert store.export(named("small")) == Exported(1)


def test_a_request_of_exactly_the_limit_is_taken(open_store: OpenStore) -> None:
    payload = named("just so")
    assert open_store(options=StoreOptions(max_request_bytes=len(payload))).export(payload) == Exported(1)


def test_bytes_that_are_no_request_are_refused_and_nothing_of_the_call_is_kept(open_store: OpenStore) -> None:
    store = open_store()
    with pytest.raises(BadRequest):
        store.export([named("good"), NO_PROTOBUF])
    assert found(store) == []
    assert metric(store, "pytempo_wal_records_total") == 0


def test_in_one_group_bad_bytes_cost_their_own_request_only(open_store: OpenStore) -> None:
    store = open_store()
    payloads = [named("one"), NO_PROTOBUF, named("two"), named("cut off")[:-1], named("three")]
    outcomes = exported_together(store, payloads)
    assert [type(outcome) for outcome in outcomes] == [Exported, BadRequest, Exported, BadRequest, Exported]
    assert found(store) == ["one", "three", "two"]
    store.close()
    assert found(open_store()) == ["one", "three", "two"]


def test_bad_and_good_requests_from_many_threads_do_not_disturb_each_other(open_store: OpenStore) -> None:
    store, names = open_store(), [f"{number:02d}" for number in range(32)]
    barrier = threading.Barrier(8)

    def send(name: str) -> type:
        if int(name) < 8:
            barrier.wait(30)
        try:
            return type(store.export(NO_PROTOBUF if int(name) % 2 else named(name)))
        except BadRequest as error:
            return type(error)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(send, names)) == [Exported, BadRequest] * 16
    assert found(store) == names[::2]


def test_tenants_do_not_see_each_other(open_store: OpenStore) -> None:
    store = open_store()
    store.export(named("one"), tenant="one")
    store.export(together(request(span("two")), request(span("zwei"))).SerializeToString(), tenant="two")
    for _ in range(2):
        assert store.tenants() == ("one", "two")
        assert (found(store, "one"), found(store, "two"), found(store)) == (["one"], ["two", "zwei"], [])
        store.flush()


@pytest.mark.parametrize("tenant", ["", ".", "..", "a/b", "x" * 151, "a\0b"], ids=repr)
def test_a_tenant_that_cannot_be_one_is_refused(open_store: OpenStore, tenant: str) -> None:
    store = open_store()
    with pytest.raises(BadRequest):
        store.export(named("first"), tenant=tenant)
    with pytest.raises(BadRequest):
        store.search(tenant=tenant)
    assert store.tenants() == ()
