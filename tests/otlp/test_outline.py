"""An outline never says more than decoding does: what it vouches for is decoded whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from pytempo.errors import BadRequest
from pytempo.otlp import decode, outline
from pytempo.otlp.marks import marked
from tests.fuzz.mutations import INPUTS, mutated
from tests.otlp import protobuf
from tests.otlp.strategies import payloads
from tests.otlp.test_decode import broken

GOOD = protobuf.request(protobuf.span(), protobuf.span(protobuf.delimited(4, b"P" * 8), span_id=b"R" * 8))


def vouched_for(requests: list[bytes]) -> bool:
    """Whether there is an outline, which has to be right then."""
    found = outline(requests)
    if found is None:
        return False
    decoded = decode(requests)
    assert not decoded.rejected
    assert not decoded.forged.any()
    assert found.spans == decoded.spans.sum() == len(decoded.batch.trace_of_span())
    assert found.traces == {bytes(row) for row in decoded.batch.trace_ids().to_bytes()}
    return True


def test_good_spans_are_counted() -> None:
    assert vouched_for([GOOD])
    assert vouched_for([GOOD, GOOD])


@settings(max_examples=50)
@given(payloads(odd=False))
def test_what_has_only_good_spans_has_an_outline(requests: list[bytes]) -> None:
    assert vouched_for(requests) == bool(decode(requests).spans.any())


@settings(max_examples=50)
@given(payloads())
def test_an_outline_of_any_requests_is_what_decoding_finds(requests: list[bytes]) -> None:
    vouched_for(requests)


@settings(max_examples=INPUTS)
@given(mutated([GOOD, protobuf.request(protobuf.span(protobuf.delimited(9, protobuf.key_value(b"k", protobuf.number(3, 7)))))]))
def test_an_outline_of_nearly_right_bytes_is_what_decoding_finds(payload: bytes) -> None:
    vouched_for([payload])


@settings(max_examples=50)
@given(broken())
def test_an_outline_of_broken_bytes_is_what_decoding_finds(payload: bytes) -> None:
    vouched_for([payload])


@pytest.mark.parametrize(
    "bad",
    [
        protobuf.span(trace_id=b""),
        protobuf.span(trace_id=bytes(16)),
        protobuf.span(trace_id=b"T" * 17),
        protobuf.span(span_id=bytes(8)),
        protobuf.span(span_id=b"S" * 7),
        protobuf.span(protobuf.delimited(4, b"P")),
        protobuf.span(protobuf.delimited(9, b"\xff")),
        protobuf.span(protobuf.delimited(11, b"\xff")),
        protobuf.span(protobuf.delimited(13, b"\xff")),
    ],
)
def test_one_bad_span_has_to_be_decoded(bad: bytes) -> None:
    assert not vouched_for([protobuf.request(protobuf.span(), bad)])
    assert not vouched_for([GOOD, protobuf.request(bad)])


def test_no_spans_a_mark_and_no_protobuf_have_to_be_decoded() -> None:
    assert not vouched_for([b""])
    assert not vouched_for([])
    assert not vouched_for([marked(GOOD, decode([GOOD]).spans > 9) + b"\x82\xb5\x18\x01\x01"])
    assert outline([b"\x0a\xff"]) is None
    with pytest.raises(BadRequest):
        decode([b"\x0a\xff"])


@pytest.mark.parametrize("place", [9, 11, 13, "resource"])
def test_values_that_nest_as_deep_as_they_may_are_judged_as_by_decoding(place: int | str) -> None:
    told = [vouched_for([_nested(place, levels)]) for levels in range(1, 60)]
    assert told[0]
    assert not told[-1]


def _nested(place: int | str, levels: int) -> bytes:
    value = protobuf.number(3, 1)
    for _ in range(levels):
        value = protobuf.delimited(5, protobuf.delimited(1, value))
    pair = protobuf.key_value(b"k", value)
    if place == "resource":
        return protobuf.request(protobuf.span(), resource=protobuf.delimited(1, pair))
    attributes = {9: 9, 11: 3, 13: 4}[int(place)]
    inner = pair if place == 9 else protobuf.delimited(attributes, pair)
    return protobuf.request(protobuf.span(protobuf.delimited(int(place), inner)))
