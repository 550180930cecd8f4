"""Decoding: the same by both parsers, the same as the official classes say, and never a crash."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from pytempo.errors import BadRequest
from pytempo.model import Level
from pytempo.otlp import REASONS, Decoded, decode, encode, parents, wire
from tests.model.comparing import everything
from tests.otlp import oracle
from tests.otlp.strategies import payloads, requests

some = settings(max_examples=50)
"""Whole requests take long to make up."""


@contextmanager
def no_wheel() -> Iterator[None]:
    """As on a platform for which ptars has no wheel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "ptars", None)
        parents._opened.cache_clear()
        yield
    parents._opened.cache_clear()


def said(decoded: Decoded) -> object:
    return everything(decoded.batch), decoded.spans.tolist(), {reason: counts.tolist() for reason, counts in decoded.rejected.items()}


def attempt(payload: bytes) -> object:
    """What decoding comes to, or that the request is refused."""
    try:
        return said(decode([payload]))
    except BadRequest:
        return BadRequest


@some
@given(payloads())
def test_both_parsers_give_equal_batches(requests: list[bytes]) -> None:
    fast = said(decode(requests))
    with no_wheel():
        assert said(decode(requests)) == fast


@some
@given(payloads())
def test_spans_are_what_the_official_classes_read(requests: list[bytes]) -> None:
    decoded = decode(requests)
    assert oracle.accepted([encode(decoded.batch)]) == oracle.accepted(requests)
    assert {reason: int(counts.sum()) for reason, counts in decoded.rejected.items()} == oracle.rejected(requests)


@some
@given(payloads())
def test_spans_are_counted_by_request(requests: list[bytes]) -> None:
    decoded = decode(requests)
    good = [sum(oracle.rejection(span) is None for _, _, span in oracle.walked(request)) for request in requests]
    assert decoded.spans.tolist() == good
    assert sum(good) == decoded.batch.count(Level.SPAN)
    for reason, counts in decoded.rejected.items():
        assert counts.tolist() == [oracle.rejected([request])[reason] for request in requests]
        assert reason in REASONS


@some
@given(payloads(odd=False), st.randoms(use_true_random=False))
def test_a_span_reads_the_same_whatever_comes_with_it(requests: list[bytes], random: object) -> None:
    together = oracle.accepted([encode(decode(requests).batch)])
    alone = [span for request in requests for span in oracle.accepted([encode(decode([request]).batch)])]
    assert together == sorted(alone)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A request with some bytes cut off, changed, or put in."""
    payload = bytearray(draw(requests()).SerializeToString())
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(payload)))
        match draw(st.integers(0, 2)):
            case 0:
                del payload[place:]
            case 1:
                payload[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
            case _:
                payload[place:place] = draw(st.binary(max_size=3))
    return bytes(payload)


@some
@given(broken())
def test_broken_bytes_come_to_the_same_with_both_parsers(payload: bytes) -> None:
    fast = attempt(payload)
    with no_wheel():
        assert attempt(payload) == fast


@some
@given(broken())
def test_broken_bytes_are_refused_or_read_as_the_official_classes_do(payload: bytes) -> None:
    """Where those refuse a request for one span's sake, it may cost that span only."""
    try:
        TracesData.FromString(payload)
    except DecodeError:
        attempt(payload)
        return
    decoded = decode([payload])
    assert oracle.accepted([encode(decoded.batch)]) == oracle.accepted([payload])


@given(st.binary(max_size=60))
def test_any_bytes_at_all_are_refused_or_read(payload: bytes) -> None:
    assert attempt(payload) is not None


def test_nothing_is_kept_of_any_request_when_one_is_no_protobuf() -> None:
    good = b""
    with pytest.raises(BadRequest, match="not a valid protobuf Request"):
        decode([good, b"\x0a\xff"])


def test_no_requests_and_empty_requests_are_empty_batches() -> None:
    assert decode([]).batch.count(Level.SPAN) == 0
    decoded = decode([b"", b""])
    assert decoded.batch.count(Level.SPAN) == 0
    assert decoded.spans.tolist() == [0, 0]
    assert decoded.rejected == {}
