"""Merging: whatever was sent again, in whatever order and pieces, the spans and what they say are the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from pytempo.model import Level, MemoryBatch, merge
from pytempo.model.fingerprint import span_fingerprints
from pytempo.model.merge import share_parents
from pytempo.otlp import decode
from tests.model.comparing import everything, rows, span_rows, span_set
from tests.otlp.protobuf import delimited, fixed64, key_value, number, request, span
from tests.otlp.strategies import payloads


@st.composite
def copies(draw: st.DrawFn) -> list[bytes]:
    """Requests in which the same few spans come again and again, whole or changed."""
    value = st.sampled_from(
        [{"string_value": "x"}, {"string_value": "y"}, {"int_value": 1}, {"array_value": {"values": [{"int_value": 1}]}}, {}]
    )
    attributes = st.lists(
        st.fixed_dictionaries({"key": st.sampled_from(["a", "b"]), "value": value}), max_size=2, unique_by=lambda one: one["key"]
    )
    out = []
    for _ in range(draw(st.integers(1, 5))):
        message = ExportTraceServiceRequest()
        resource_spans = message.resource_spans.add(resource={"attributes": draw(attributes)})
        scope_spans = resource_spans.scope_spans.add(scope={"name": draw(st.sampled_from(["", "lib"])), "attributes": draw(attributes)})
        for _ in range(draw(st.integers(0, 3))):
            made: Span = scope_spans.spans.add(
                trace_id=b"T" * 16, span_id=draw(st.sampled_from([b"1" * 8, b"2" * 8])), kind=draw(st.integers(1, 2))
            )
            made.start_time_unix_nano = draw(st.integers(5, 6))
            made.end_time_unix_nano = draw(st.sampled_from([3, 9, 2**64 - 1]))
            made.name = draw(st.sampled_from(["a", "b"]))
            for attribute in draw(attributes):
                made.attributes.add(**attribute)
            if draw(st.booleans()):
                made.events.add(name=draw(st.sampled_from(["e", "f"])), attributes=draw(attributes))
                made.links.add(trace_id=b"L", attributes=draw(attributes))
        out.append(message.SerializeToString())
    return out


def merged(pieces: list[list[bytes]]) -> MemoryBatch:
    return merge([decode(piece).batch for piece in pieces])


@settings(max_examples=80)
@given(copies(), st.data())
def test_order_and_pieces_of_arrival_change_no_span(requests: list[bytes], data: st.DataObject) -> None:
    expected = span_set(merged([requests]))
    shuffled = data.draw(st.permutations(requests))
    cut = data.draw(st.integers(0, len(requests)))
    assert span_set(merged([shuffled])) == expected
    assert span_set(merged([shuffled[:cut], shuffled[cut:]])) == expected
    assert span_set(merge([merged([shuffled[:cut]]), merged([shuffled[cut:]])])) == expected


@settings(max_examples=50)
@given(st.one_of(copies(), payloads(odd=False)))
def test_requests_that_are_sent_again_change_nothing(requests: list[bytes]) -> None:
    once = merged([requests])
    assert everything(merged([requests + requests])) == everything(once)
    assert everything(merge([once, decode(requests).batch])) == everything(once)
    assert everything(merge([once])) == everything(once)


@settings(max_examples=50)
@given(st.one_of(copies(), payloads(odd=False)))
def test_every_span_is_one_that_arrived_and_each_identity_is_there_once(requests: list[bytes]) -> None:
    arrived, kept = decode(requests).batch, merged([requests])
    assert not span_set(kept) - span_set(arrived)

    def identities(batch: MemoryBatch) -> list[object]:
        columns = [batch.stored(Level.SPAN, name).tolist() for name in ("span_id", "kind")]
        return list(zip([batch.trace_ids().hex(row) for row in batch.trace_of_span()], *columns, strict=True))

    assert identities(kept) == list(dict.fromkeys(identities(arrived)))


@settings(max_examples=50)
@given(st.one_of(copies(), payloads(odd=False)))
def test_equal_resources_and_scopes_become_one_and_none_is_left_without_a_span(requests: list[bytes]) -> None:
    batch = merged([requests])
    assert len(set(rows(batch, Level.RESOURCE))) == batch.count(Level.RESOURCE)
    under = [(int(batch.resource_of_scope()[row]), text) for row, text in enumerate(rows(batch, Level.SCOPE))]
    assert len(set(under)) == len(under)
    assert set(batch.scope_of_span().tolist()) == set(range(batch.count(Level.SCOPE)))
    assert set(batch.resource_of_scope().tolist()) == set(range(batch.count(Level.RESOURCE)))


def sent(start: int, end: int, name: str, *more: bytes) -> bytes:
    return span(fixed64(7, start.to_bytes(8, "little")), fixed64(8, end.to_bytes(8, "little")), delimited(5, name.encode()), *more)


def kept(*spans: bytes) -> list[str]:
    forward, backward = (merged([[request(one) for one in order]]) for order in (spans, spans[::-1]))
    assert span_set(forward) == span_set(backward)
    names: list[str] = forward.stored(Level.SPAN, "name").to_pylist()
    return names


def test_the_copy_that_ends_last_is_kept_then_the_one_that_starts_first() -> None:
    assert kept(sent(5, 9, "early"), sent(7, 10, "late")) == ["late"]
    assert kept(sent(5, 9, "long"), sent(6, 9, "short")) == ["long"]


def test_then_the_copy_with_most_attributes_is_kept() -> None:
    assert kept(sent(5, 9, "z"), sent(5, 9, "a", delimited(9, key_value(b"k", number(3, 1))))) == ["a"]


A, B = (delimited(9, key_value(key, number(3, 1))) for key in (b"a", b"b"))


def test_copies_whose_attributes_come_in_another_order_are_equal() -> None:
    """In blocks some of them lie in columns of their own, and come back behind the others."""
    batch = merged([[request(span(A + B)), request(span(B + A))]])
    assert batch.count(Level.SPAN) == 1
    ones, others = span_fingerprints(decode([request(span(A + B)), request(span(B + A))]).batch)
    assert (ones[0], others[0]) == (ones[1], others[1])


def link(*fields: bytes) -> bytes:
    return delimited(13, delimited(1, b"L") + b"".join(fields))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (delimited(4, b"P" * 8), delimited(4, b"Q" * 8)),
        (delimited(3, b"state"), b""),
        (delimited(5, b"name"), b""),
        (delimited(15, number(3, 2)), delimited(15, number(3, 1))),
        (delimited(15, delimited(2, b"message")), b""),
        (number(10, 1), b""),
        (number(12, 1), b""),
        (number(14, 1), b""),
        (A, B),
        (A, delimited(9, key_value(b"a", number(3, 2)))),
        (A, delimited(9, key_value(b"a", number(2, 1)))),
        (A, delimited(9, key_value(b"a", delimited(5, delimited(1, number(3, 1)))))),
        (A, delimited(9, key_value(b"a", delimited(7, b"")))),
        (delimited(11, b""), b""),
        (delimited(11, b""), delimited(11, delimited(2, b"name"))),
        (delimited(11, b""), delimited(11, fixed64(1, b"\1" + bytes(7)))),
        (delimited(11, b""), delimited(11, number(4, 1))),
        (delimited(11, b""), delimited(11, delimited(3, key_value(b"a", b"")))),
        (delimited(11, b"") + delimited(11, number(4, 1)), delimited(11, number(4, 1)) + delimited(11, b"")),
        (link(), b""),
        (link(), link() + link()),
        (link(), link(delimited(1, b"M"))),
        (link(), link(delimited(2, b"M"))),
        (link(), link(delimited(3, b"state"))),
        (link(), link(number(5, 1))),
        (link(), link(delimited(4, key_value(b"a", b"")))),
    ],
)
def test_copies_that_differ_in_a_single_respect_are_told_apart_whatever_arrives_first(one: bytes, other: bytes) -> None:
    assert len(kept(span(one), span(other))) == 1
    assert len(kept(span(one), span(other), span(one))) == 1


@pytest.mark.parametrize("level", ["resource", "scope"])
@pytest.mark.parametrize("content", [delimited(1, key_value(b"k", b"")), delimited(1, b""), number(2, 1), number(4, 1), delimited(2, b"v")])
def test_copies_under_another_parent_are_told_apart_whatever_arrives_first(level: str, content: bytes) -> None:
    requests = [request(span(), **{level: content}), request(span())]
    assert span_set(merged([requests])) == span_set(merged([requests[::-1]]))
    assert span_set(merged([requests[:1], requests[1:]])) == span_set(merged([requests[1:], requests[:1]]))


def test_an_end_beyond_64_bits_is_no_later_than_the_largest_time() -> None:
    first, second = merged([[request(sent(5, 9, "b"))]]), merged([[request(sent(5, 9, "a"))]])
    for batch, duration in ((first, 2**64 - 2), (second, 2**64 - 3)):
        batch.columns[Level.SPAN, "duration"] = batch.columns[Level.SPAN, "duration"] * 0 + duration
    assert span_rows(merge([first, second])) == span_rows(merge([second, first]))


def test_spans_that_share_an_id_but_not_a_kind_are_two() -> None:
    halves = [span(number(6, kind)) for kind in (3, 2)]
    assert merged([[request(*halves), request(*halves)]]).stored(Level.SPAN, "kind").tolist() == [3, 2]


def test_a_span_keeps_the_place_of_its_first_arrival() -> None:
    first = [span(span_id=bytes([place]) * 8) for place in (1, 2, 3)]
    again = span(fixed64(8, b"\x09" + bytes(7)), span_id=b"\2" * 8)
    batch = merged([[request(*first), request(again)]])
    assert [int(identifier) % 256 for identifier in batch.stored(Level.SPAN, "span_id")] == [1, 2, 3]
    assert batch.stored(Level.SPAN, "duration").tolist() == [0, 9, 0]


def test_resources_are_equal_whatever_the_order_of_their_attributes() -> None:
    one, other = (delimited(1, key_value(key, number(3, 1))) for key in (b"a", b"b"))
    spans = [span(span_id=bytes([place]) * 8) for place in (1, 2, 3)]
    requests = [request(spans[0], resource=one + other), request(spans[1], resource=other + one), request(spans[2], resource=one)]
    assert merged([requests]).count(Level.RESOURCE) == 2


def test_values_of_different_kinds_are_different_resources() -> None:
    values = (number(3, 1), number(2, 1), delimited(1, b"1"), delimited(5, delimited(1, number(3, 1))), b"", delimited(5, b""))
    spans = [
        request(span(span_id=bytes([place]) * 8), resource=delimited(1, key_value(b"k", value))) for place, value in enumerate(values, 1)
    ]
    assert merged([spans]).count(Level.RESOURCE) == len(values)


def test_sharing_parents_leaves_every_span_as_it_was() -> None:
    spans = [request(span(span_id=bytes([place]) * 8), resource=delimited(2, b"")) for place in (1, 2)]
    batch = decode([*spans, request(span(span_id=b"3" * 8))]).batch
    assert span_rows(share_parents(batch)) == span_rows(batch)


def test_very_many_copies_that_differ_are_told_apart_without_looking_at_each_again() -> None:
    spans = [sent(5, 9, f"{place:04}") for place in range(500)]
    assert kept(*spans, *spans) == ["0499"]
