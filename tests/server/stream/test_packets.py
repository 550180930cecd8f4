"""Answers are cut into messages that a stock client takes, and lose nothing by it."""

from __future__ import annotations

from typing import Any

import pytest

from pytempo.errors import BadQuery
from pytempo.server.api import tempopb
from pytempo.server.stream.packets import LARGEST, PACKET, SAMPLES, packets, scope_pieces, series_pieces, uncut, whole
from tests.server.stream.client import union

LONG = 5000
"""Characters; a thousand texts of this length make an answer too large for a client."""

METRICS = {"metrics": {"inspectedBytes": "7"}}
MANY = range(1000)

ANSWERS: dict[str, tuple[str, str, Any, dict[str, Any]]] = {
    "traces": ("SearchResponse", "traces", uncut, {"traces": [{"traceID": f"{n:x}", "rootTraceName": "x" * LONG} for n in MANY]}),
    "names": ("SearchTagsResponse", "tagNames", uncut, {"tagNames": [f"{n:0{LONG}}" for n in MANY]}),
    "values": ("SearchTagValuesV2Response", "tagValues", uncut, {"tagValues": [{"type": "string", "value": f"{n:0{LONG}}"} for n in MANY]}),
    "names of a scope": (
        "SearchTagsV2Response",
        "scopes",
        scope_pieces,
        {"scopes": [{"name": "resource", "tags": ["a"]}, {"name": "span", "tags": [f"{n:0{LONG}}" for n in MANY]}]},
    ),
    "series": (
        "QueryRangeResponse",
        "series",
        series_pieces,
        {"series": [{"labels": [{"key": "l", "value": {"stringValue": f"{n:0{LONG}}"}}], "samples": [{"value": 1}]} for n in MANY]},
    ),
    "points of a series": (
        "QueryRangeResponse",
        "series",
        series_pieces,
        {
            "series": [
                {
                    "labels": [{"key": "l", "value": {"intValue": "1"}}],
                    "samples": [{"timestampMs": str(10**12 + n), "value": n / 3} for n in range(SAMPLES * 12)],
                    "exemplars": [{"timestampMs": "5", "value": 2}],
                }
            ],
            "status": "PARTIAL",
            "message": "why",
        },
    ),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_large_answer_is_cut_and_a_client_gets_all_of_it(kind: str) -> None:
    name, field, pieces, document = ANSWERS[kind]
    answer = tempopb.parse({**document, **METRICS}, name)
    assert answer.ByteSize() > 2 * PACKET
    parts = list(packets(answer, field, pieces))
    assert max(map(len, parts)) <= PACKET + 1024
    messages = [type(answer).FromString(part) for part in parts]
    assert all(message.metrics == answer.metrics for message in messages)
    assert union(messages) == answer


@pytest.mark.parametrize("document", [METRICS, {"traces": [{"traceID": "1"}], **METRICS}])
def test_a_small_answer_is_one_message_even_when_it_is_empty(document: dict[str, Any]) -> None:
    answer = tempopb.parse(document, "SearchResponse")
    assert list(packets(answer, "traces")) == [answer.SerializeToString()]


def test_an_element_between_the_two_limits_has_a_message_of_its_own() -> None:
    traces = [{"traceID": "1"}, {"traceID": "2", "rootTraceName": "x" * 2 * PACKET}, {"traceID": "3"}]
    parts = list(packets(tempopb.parse({"traces": traces}, "SearchResponse"), "traces"))
    assert len(parts) == 3


def test_an_element_that_no_client_takes_is_refused_by_name() -> None:
    answer = tempopb.parse({"traces": [{"traceID": "1", "rootTraceName": "x" * LARGEST}]}, "SearchResponse")
    with pytest.raises(BadQuery, match="traces"):
        list(packets(answer, "traces"))


def test_an_answer_that_replaces_the_one_before_is_cut_and_says_so() -> None:
    series = [{"labels": [{"key": "l", "value": {"stringValue": f"{n:0{LONG}}"}}], "value": n} for n in MANY]
    answer = tempopb.parse({"series": series, "message": "before", **METRICS}, "QueryInstantResponse")
    part = whole(answer, "series")
    assert len(part) <= LARGEST
    got = type(answer).FromString(part)
    assert 800 < len(got.series) < 1000
    assert got.status == 1
    assert got.message.startswith(f"before; the answer has 1000 series, more than a gRPC message holds; the first {len(got.series)} are")
