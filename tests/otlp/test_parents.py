"""Resources and scopes: one row each, whether they were seen before or not."""

from __future__ import annotations

from pytempo.model import Level
from pytempo.otlp import decode, parents
from tests.model.comparing import everything
from tests.otlp.protobuf import delimited, key_value, request, span


def service(name: str) -> bytes:
    return delimited(1, key_value(b"service.name", delimited(1, name.encode())))


def test_equal_payloads_share_one_row_across_requests() -> None:
    batch = decode(
        [request(span(), resource=service("a")), request(span(), span(), resource=service("b")), request(span(), resource=service("a"))]
    ).batch
    assert batch.count(Level.RESOURCE) == batch.count(Level.SCOPE) == 2
    names = batch.stored(Level.RESOURCE, "service_name").to_pylist()
    assert [names[row] for row in batch.rows(Level.SPAN, Level.RESOURCE)] == ["a", "b", "b", "a"]


def test_a_resource_with_several_scopes_stays_one_row() -> None:
    requests = [request(span(), resource=service("a"), scope=delimited(1, name)) for name in (b"x", b"y", b"x")]
    batch = decode(requests).batch
    assert (batch.count(Level.RESOURCE), batch.count(Level.SCOPE)) == (1, 2)
    assert [batch.stored(Level.SCOPE, "name")[row].as_py() for row in batch.scope_of_span()] == ["x", "y", "x"]


def test_what_was_opened_before_reads_the_same_again() -> None:
    payload = request(span(), resource=service("again"), scope=delimited(1, b"lib"))
    parents._opened.cache_clear()
    first = everything(decode([payload]).batch)
    assert everything(decode([payload]).batch) == first
    assert parents._opened.cache_info().hits == 1


def test_large_sets_are_not_remembered() -> None:
    payload = request(span(), resource=service("x" * parents.LARGEST))
    parents._opened.cache_clear()
    for _ in range(2):
        assert decode([payload]).batch.stored(Level.RESOURCE, "service_name")[0].as_py() == "x" * parents.LARGEST
    assert parents._opened.cache_info().currsize == 0


def test_batches_that_share_parents_do_not_share_what_they_derive() -> None:
    payload = request(span(), resource=service("a"))
    first, second = decode([payload]).batch, decode([payload]).batch
    first.columns[Level.RESOURCE, "extra"] = None
    assert (Level.RESOURCE, "extra") not in second.columns
