"""Large requests are decoded in pieces, and nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pytempo.errors import BadRequest
from pytempo.model import Level
from pytempo.otlp import Decoded, decode, wire
from pytempo.otlp.marks import marked
from pytempo.otlp.pieces import in_pieces
from tests.building import one_by_one, request, span, together
from tests.model.comparing import span_rows
from tests.otlp.strategies import payloads

some = settings(max_examples=30)
"""Whole requests take long to make up."""


@contextmanager
def pieces_of(size: int, beyond: int = 0) -> Iterator[list[int]]:
    """Requests of more than `beyond` bytes are decoded in pieces of `size`; yields the bytes of all payloads that are read."""
    read, real = list[int](), wire.read

    def reading(name: str, messages: list[bytes]) -> object:
        if name == "Request":
            read.append(sum(map(len, messages)))
        return real(name, messages)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(decode.__globals__, "LARGE", beyond)
        patch.setitem(decode.__globals__, "PIECE", size)
        patch.setattr(wire, "read", reading)
        yield read


def said(decoded: Decoded, given: list[bytes]) -> object:
    rejected = sorted((reason, counts.tolist()) for reason, counts in decoded.rejected.items())
    return span_rows(decoded.batch), decoded.spans.tolist(), rejected, decoded.sizes().tolist(), decoded.to_log(given)


@some
@given(payloads(), st.integers(1, 400))
def test_in_pieces_it_is_the_same(given: list[bytes], size: int) -> None:
    with pieces_of(size):
        cut = decode(given)
    assert said(cut, given) == said(decode(given), given)


@some
@given(payloads(odd=False), st.integers(1, 400), st.randoms(use_true_random=False))
def test_what_limits_refuse_is_the_same(given: list[bytes], size: int, random: np.random.Generator) -> None:
    with pieces_of(size):
        cut = decode(given)
    mask = np.array([random.random() < 0.5 for _ in range(cut.batch.count(Level.SPAN))], np.bool_)
    whole, cut = decode(given).without({"x": mask}), cut.without({"x": mask})
    assert said(cut, given) == said(whole, given)
    logged = whole.to_log(given)
    with pieces_of(size):
        assert span_rows(decode(logged, from_log=True).batch) == span_rows(whole.batch)


def test_no_more_than_a_piece_is_open_at_a_time() -> None:
    entries = [request(*[span(f"{row}.{place}") for place in range(5)], service=f"s{row}") for row in range(20)]
    large = together(*entries).SerializeToString()
    with pieces_of(1000) as read:
        decoded = decode([large])
    assert decoded.spans.tolist() == [100]
    assert len(read) > 1
    assert max(read) <= 1000


def test_a_large_resource_is_cut_between_its_scopes() -> None:
    message = request(*[span(str(place)) for place in range(50)])
    (entry,) = message.resource_spans
    entry.ClearField("scope_spans")
    for one in one_by_one(request(*[span(str(place)) for place in range(50)])):
        entry.scope_spans.extend(one.resource_spans[0].scope_spans)
    with pieces_of(1000) as read:
        decoded = decode([message.SerializeToString()])
    assert decoded.batch.stored(Level.SPAN, "name").to_pylist() == [str(place) for place in range(50)]
    assert (decoded.batch.count(Level.RESOURCE), decoded.batch.count(Level.SCOPE)) == (1, 1)
    assert max(read) <= 1100  # with what frames a piece


def test_small_requests_are_decoded_together() -> None:
    given = [request(span(str(place))).SerializeToString() for place in range(100)]
    with pieces_of(100, beyond=10**6) as read:
        decode(given)
    assert read == [sum(map(len, given))]


@pytest.mark.parametrize("broken", [b"\x0a", b"\x0a\x05abc", b"\x0a\x02\x12\x05", b"\xff" * 12, b"\x0b", b"\x0a\x03\x12\x01\xff"])
def test_a_broken_request_is_refused_as_a_whole(broken: bytes) -> None:
    sound = request(span("a"), span("b")).SerializeToString()
    with pieces_of(10), pytest.raises(BadRequest):
        decode([sound + broken])


def test_what_a_request_holds_beside_spans_keeps_it_whole() -> None:
    sound = together(*one_by_one(request(span("a"), span("b")))).SerializeToString()
    for more in (b"\x7a\x01x", b"\x78\x01", marked(b"", np.array([True]))):
        assert list(in_pieces([sound + more], 10)) == [([0], [sound + more])]
    assert len(list(in_pieces([sound], 10))) == 2


def test_pieces_are_requests_that_hold_all_spans_in_order() -> None:
    whole = together(request(span("a"), service="x"), request(span("b"), span("c"), service="y")).SerializeToString()
    groups = list(in_pieces([whole, whole], 60))
    read = [ExportTraceServiceRequest.FromString(piece) for _, group in groups for piece in group]
    names = [each.name for one in read for entry in one.resource_spans for scope in entry.scope_spans for each in scope.spans]
    assert names == ["a", "b", "c"] * 2
    assert [number for numbers, _ in groups for number in numbers] == [0, 0, 1, 1]
