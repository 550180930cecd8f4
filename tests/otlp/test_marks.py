"""Requests that carry which of their spans were refused."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pytempo.model import Level
from pytempo.otlp import decode
from pytempo.otlp.marks import marked
from tests.building import one_by_one, request, span, together

BAD_ID = b"\1" * 7


def payload(*names: str) -> bytes:
    return together(*one_by_one(request(*map(span, names)))).SerializeToString()


def kept(payloads: list[bytes], *, from_log: bool = True) -> list[str]:
    names: list[str] = decode(payloads, from_log=from_log).batch.stored(Level.SPAN, "name").to_pylist()
    return names


@given(st.lists(st.lists(st.booleans(), max_size=20), min_size=1, max_size=5))
def test_a_log_gives_back_what_was_not_refused(refusals: list[list[bool]]) -> None:
    names = [[f"{row}.{place}" for place in range(len(mask))] for row, mask in enumerate(refusals)]
    logged = [marked(payload(*row), np.array(mask, np.bool_)) for row, mask in zip(names, refusals, strict=True)]
    want = [name for row, mask in zip(names, refusals, strict=True) for name, out in zip(row, mask, strict=True) if not out]
    assert kept(logged) == want
    assert sorted(kept(logged, from_log=False)) == sorted(name for row in names for name in row)


def test_a_marked_request_is_still_a_request() -> None:
    plain = payload("a", "b")
    read = ExportTraceServiceRequest.FromString(marked(plain, np.array([True, False])))
    assert read.resource_spans == ExportTraceServiceRequest.FromString(plain).resource_spans


def test_refused_spans_are_counted_by_request_and_reason() -> None:
    payloads = [payload("a", "b"), payload("c"), payload("d", "e", "f")]
    decoded = decode(payloads).without({"x": np.array([1, 0, 0, 1, 0, 0], np.bool_), "y": np.array([0, 0, 1, 0, 0, 1], np.bool_)})
    assert decoded.spans.tolist() == [1, 0, 1]
    assert {reason: counts.tolist() for reason, counts in decoded.rejected.items()} == {"x": [1, 0, 1], "y": [0, 1, 1]}
    logged = decoded.to_log(payloads)
    assert len(logged) == 2  # the second holds nothing that was not refused
    assert kept(logged) == decoded.batch.stored(Level.SPAN, "name").to_pylist() == ["b", "e"]


def test_spans_that_are_bad_by_themselves_have_their_place_in_the_mark() -> None:
    both = request(span("bad", id=BAD_ID), span("a"), span("b"), span("bad too", id=BAD_ID), span("c")).SerializeToString()
    decoded = decode([both]).without({"x": np.array([False, True, False])})
    assert kept(decoded.to_log([both])) == ["a", "c"]


def test_a_request_without_refusals_is_logged_as_it_came() -> None:
    payloads = [payload("a"), b"", payload("b", "c")]
    assert decode(payloads).to_log(payloads) == payloads


def test_a_mark_that_a_sender_forged_does_nothing() -> None:
    forged = marked(payload("a", "b"), np.array([True, True]))
    decoded = decode([forged, payload("c")])
    assert decoded.spans.tolist() == [2, 1]
    assert kept(decoded.to_log([forged, payload("c")])) == ["a", "b", "c"]


def test_a_mark_of_another_length_refuses_no_span_it_does_not_name() -> None:
    assert kept([marked(payload(*"abcdefghijkl"), np.array([True, False]))]) == list("bcdefghijkl")
    assert kept([marked(payload("a"), np.ones(40, np.bool_)), payload("b")]) == ["b"]


def test_sizes_are_those_of_the_wire_within_a_few_bytes() -> None:
    spans = [span(f"{number}" * 50, attributes={"key": "x" * number * 100, "n": number}) for number in range(10)]
    decoded = decode([request(span("bad", id=BAD_ID), *spans).SerializeToString()])
    for got, want in zip(decoded.sizes().tolist(), spans, strict=True):
        assert abs(got - want.ByteSize()) < 20
