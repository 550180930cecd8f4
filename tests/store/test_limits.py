"""Limits of tenants in a store: what is refused is told, counted, and never seen again; what is acknowledged stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytempo import Store
from pytempo.errors import RateLimited
from pytempo.limits import LIVE_TRACES, TRACE_TOO_LARGE, LimitOptions
from pytempo.options import StoreOptions
from tests.building import request, span
from tests.states import names
from tests.store.conftest import OpenStore, as_after_a_kill, metric, obstruct

OPTIONS = StoreOptions(limits=LimitOptions(max_bytes_per_trace=3000, max_traces=2))
BIG = "x" * 1000


def big(name: str, trace: int, filler: str = BIG) -> bytes:
    return request(span(name, trace=trace, attributes={"filler": filler})).SerializeToString()


def spans(store: Store, trace: int) -> list[str]:
    found = store.trace(trace.to_bytes(16))
    return [] if found is None else sorted(names(found.batch))


def test_a_trace_keeps_what_fits_and_the_rest_is_told(open_store: OpenStore) -> None:
    store = open_store(options=OPTIONS)
    told = [store.export(big(name, 1)) for name in "abcd"]
    assert [(each.accepted, each.rejected) for each in told] == [(1, 0), (1, 0), (0, 1), (0, 1)]
    assert told[-1].reasons == ((TRACE_TOO_LARGE, 1),)
    assert "max_bytes_per_trace" in told[-1].message
    assert spans(store, 1) == ["a", "b"]


def test_other_traces_of_a_request_are_kept(open_store: OpenStore) -> None:
    store = open_store(options=OPTIONS)
    told = store.export(request(*(span(f"{n}", trace=7, attributes={"f": BIG}) for n in range(5)), span("z", trace=8)).SerializeToString())
    assert (told.accepted, told.reasons) == (3, ((TRACE_TOO_LARGE, 3),))
    assert (spans(store, 7), spans(store, 8)) == (["0", "1"], ["z"])


def test_more_live_traces_than_allowed_are_refused_by_name(open_store: OpenStore) -> None:
    store = open_store(options=OPTIONS)
    told = store.export(request(span("a", trace=1), span("b", trace=2), span("c", trace=3), span("d", trace=1)).SerializeToString())
    assert (told.accepted, told.reasons) == (3, ((LIVE_TRACES, 1),))
    assert store.export(request(span("c", trace=3)).SerializeToString(), tenant="another").rejected == 0
    assert [spans(store, trace) for trace in (1, 2, 3)] == [["a", "d"], ["b"], []]


@pytest.mark.parametrize("options", [OPTIONS, StoreOptions()], ids=["same limits", "no limits"])
def test_a_refused_span_stays_away_after_a_kill(open_store: OpenStore, data: Path, tmp_path: Path, options: StoreOptions) -> None:
    store = open_store(options=OPTIONS)
    store.export([big(name, 1) for name in "abcd"] + [big("z", 2)])
    again = open_store(as_after_a_kill(data, tmp_path / "killed"), options=options)
    for each in (store, again):
        assert (spans(each, 1), spans(each, 2)) == (["a", "b"], ["z"])
    again.flush()
    assert (spans(again, 1), spans(again, 2)) == (["a", "b"], ["z"])


def test_a_trace_is_as_large_after_a_start_as_before(open_store: OpenStore) -> None:
    store = open_store(options=OPTIONS)
    store.export([big("a", 1), big("b", 1)])
    store.close()
    assert open_store(options=OPTIONS).export(big("c", 1)).reasons == ((TRACE_TOO_LARGE, 1),)


def test_nothing_is_written_of_a_request_that_is_refused_altogether(open_store: OpenStore) -> None:
    store = open_store(options=OPTIONS)
    store.export([big("a", 1), big("b", 1), big("c", 1)])
    before = metric(store, "pytempo_wal_stored_bytes_total")
    assert store.export([big("d", 1), big("e", 1)]).accepted == 0
    assert metric(store, "pytempo_wal_stored_bytes_total") == before


def test_what_the_disk_refused_does_not_count(open_store: OpenStore, data: Path) -> None:
    store = open_store(options=OPTIONS)
    wal = data / "wal"
    wal.rename(data / "away")
    obstruct(wal)
    for _ in range(5):
        with pytest.raises(Exception, match="write-ahead log"):
            store.export(big("a", 1))
    wal.unlink()
    (data / "away").rename(wal)
    assert store.export([big("a", 1), big("b", 1)]).accepted == 2


def test_a_mark_of_the_senders_own_hides_nothing(open_store: OpenStore, data: Path, tmp_path: Path) -> None:
    store = open_store()
    forged = big("a", 1) + b"\x82\xb5\x18\x01\xff"
    assert store.export(forged).accepted == 1
    again = open_store(as_after_a_kill(data, tmp_path / "killed"))
    assert spans(store, 1) == spans(again, 1) == ["a"]


def test_a_rate_refuses_the_whole_call(open_store: OpenStore) -> None:
    store = open_store(options=StoreOptions(limits=LimitOptions(rate_limit_bytes=1, burst_size_bytes=1500)))
    assert store.export(big("a", 1)).accepted == 1
    with pytest.raises(RateLimited, match="RATE_LIMITED: tenant single-tenant"):
        store.export(big("b", 1))
    assert store.export(big("b", 1), tenant="another").accepted == 1
    assert spans(store, 1) == ["a"]


def test_attributes_are_cut_only_where_asked_and_the_same_after_a_start(open_store: OpenStore) -> None:
    store = open_store(options=StoreOptions(limits=LimitOptions(max_attribute_bytes=100)))
    store.export(big("a", 1))
    assert metric(store, "tempo_distributor_attributes_truncated_total", tenant="single-tenant") == 1
    assert len(store.search('{ span.filler =~ "x{100}" }').traces) == 1
    store.close()
    again = open_store(options=StoreOptions(limits=LimitOptions(max_attribute_bytes=100)))
    assert len(again.search('{ span.filler =~ "x{100}" }').traces) == 1


def test_attributes_are_whole_by_default(open_store: OpenStore) -> None:
    store = open_store()
    store.export(big("a", 1, "x" * 100_000))
    assert len(store.search('{ span.filler = "' + "x" * 100_000 + '" }').traces) == 1
