"""Answers take Tempo's JSON shapes, and the same answers as protobuf."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from pytempo.query.results import (
    AttributeValue,
    FoundSpan,
    FoundTrace,
    Inspected,
    SearchResult,
    ServiceStats,
    Spanset,
    TagNames,
    TagValue,
    TagValues,
)
from pytempo.query.series_results import Exemplar, InstantResult, InstantSeries, SeriesResult, TimeSeries
from pytempo.server.api import render, tempopb

SPAN = FoundSpan("00f067aa0ba902b7", None, 1_684_778_327_699_392_724, 446_979_497, (("status", "error"), ("http.status_code", 500)))

TRACE = FoundTrace(
    trace_id="00003e0cee77ae5dc9c17ade3689eb2e",
    root_service="shop",
    root_name="GET /",
    start=1_684_778_327_699_392_724,
    duration=557_000_000,
    spansets=(Spanset(7, (SPAN,), (("count()", 7),)),),
    service_stats=(("shop", ServiceStats(7, 1)), ("mail", ServiceStats(1, 0))),
)


def rendered(*traces: FoundTrace) -> Any:
    return render.search(SearchResult(traces, Inspected(traces=3, spans=10, bytes=1234, blocks=2, block_bytes=9999, jobs=3)))


def test_a_search_answer_has_tempos_names_and_types() -> None:
    spanset = {
        "spans": [
            {
                "spanID": "00f067aa0ba902b7",
                "startTimeUnixNano": "1684778327699392724",
                "durationNanos": "446979497",
                "attributes": [
                    {"key": "status", "value": {"stringValue": "error"}},
                    {"key": "http.status_code", "value": {"intValue": "500"}},
                ],
            }
        ],
        "matched": 7,
        "attributes": [{"key": "count()", "value": {"intValue": "7"}}],
    }
    assert rendered(TRACE) == {
        "traces": [
            {
                "traceID": "3e0cee77ae5dc9c17ade3689eb2e",
                "rootServiceName": "shop",
                "rootTraceName": "GET /",
                "startTimeUnixNano": "1684778327699392724",
                "durationMs": 557,
                "spanSet": spanset,
                "spanSets": [spanset],
                "serviceStats": {"shop": {"spanCount": 7, "errorCount": 1}, "mail": {"spanCount": 1}},
            }
        ],
        "metrics": {
            "inspectedTraces": 3,
            "inspectedBytes": "1234",
            "totalBlocks": 2,
            "completedJobs": 3,
            "totalJobs": 3,
            "totalBlockBytes": "9999",
            "inspectedSpans": "10",
        },
    }


def test_an_empty_search_answer_keeps_its_list() -> None:
    assert render.search(SearchResult(())) == {"traces": [], "metrics": {}}


def test_a_trace_without_its_root_has_the_placeholder_and_no_name() -> None:
    (trace,) = rendered(FoundTrace("1".rjust(32, "0"), None, None, 1, 999_999))["traces"]
    assert trace == {"traceID": "1", "rootServiceName": "<root span not yet received>", "startTimeUnixNano": "1"}


def test_a_legacy_answer_has_no_spansets() -> None:
    (trace,) = rendered(FoundTrace("1".rjust(32, "0"), "shop", "GET /", 1, 1_000_000))["traces"]
    assert not {"spanSet", "spanSets"} & trace.keys()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("", {"stringValue": ""}),
        (0, {"intValue": "0"}),
        (-5, {"intValue": "-5"}),
        (False, {"boolValue": False}),
        (0.0, {"doubleValue": 0.0}),
        (math.nan, {"doubleValue": "NaN"}),
        (math.inf, {"doubleValue": "Infinity"}),
        (-math.inf, {"doubleValue": "-Infinity"}),
        (("a", "b"), {"arrayValue": {"values": [{"stringValue": "a"}, {"stringValue": "b"}]}}),
        ((), {"arrayValue": {}}),
    ],
)
def test_a_value_tells_its_type_even_when_it_is_zero(value: AttributeValue, written: dict[str, Any]) -> None:
    assert render.key_value("k", value) == {"key": "k", "value": written}


def test_tag_names_of_all_scopes_are_merged_in_v1_and_apart_in_v2() -> None:
    found = TagNames((("span", ("b", "c")), ("resource", ("a", "b")), ("event", ())), Inspected(bytes=5))
    assert render.tag_names(found, 0) == {"tagNames": ["a", "b", "c"], "metrics": {"inspectedBytes": "5"}}
    assert render.tag_names(found, 2)["tagNames"] == ["a", "b"]
    assert render.scoped_tag_names(found)["scopes"] == [{"name": "span", "tags": ["b", "c"]}, {"name": "resource", "tags": ["a", "b"]}]


def test_tag_values_have_their_types_in_v2_alone() -> None:
    found = TagValues((TagValue("int", "1"), TagValue("string", ""), TagValue("string", "1")))
    assert render.tag_values(found) == {"tagValues": ["", "1"], "metrics": {}}
    assert render.typed_tag_values(found)["tagValues"] == [
        {"type": "int", "value": "1"},
        {"type": "string"},
        {"type": "string", "value": "1"},
    ]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (rendered(TRACE), "SearchResponse"),
        (render.search(SearchResult(())), "SearchResponse"),
        (render.tag_names(TagNames((("span", ("a",)),)), 0), "SearchTagsResponse"),
        (render.scoped_tag_names(TagNames((("span", ("a",)),))), "SearchTagsV2Response"),
        (render.tag_values(TagValues((TagValue("int", "1"),))), "SearchTagValuesResponse"),
        (render.typed_tag_values(TagValues((TagValue("int", "1"),))), "SearchTagValuesV2Response"),
    ],
)
def test_every_document_is_a_message_of_tempo_with_no_field_too_many(document: dict[str, Any], message: str) -> None:
    wire = tempopb.encode(json.loads(json.dumps(document)), message)
    assert tempopb.message_class(message).FromString(wire).SerializeToString(deterministic=True) == wire


def test_a_search_answer_survives_the_wire() -> None:
    answer = tempopb.message_class("SearchResponse").FromString(tempopb.encode(rendered(TRACE), "SearchResponse"))
    (trace,) = answer.traces
    assert (trace.traceID, trace.durationMs, trace.serviceStats["shop"].spanCount) == ("3e0cee77ae5dc9c17ade3689eb2e", 557, 7)
    assert trace.spanSets[0].spans[0].attributes[1].value.intValue == 500
    assert answer.metrics.totalBlockBytes == 9999


def test_field_numbers_are_tempos() -> None:
    fields = {field.name: field.number for field in tempopb.message_class("SearchRequest").DESCRIPTOR.fields}
    assert fields["Query"] == 8
    assert fields["SpansPerSpanSet"] == 9
    assert fields["Tags"] == 1


def test_an_empty_trace_is_there_on_the_wire() -> None:
    assert tempopb.message_class("TraceByIDResponse")(trace=b"").SerializeToString() == b"\x0a\x00"


def test_time_series_have_tempos_names_and_leave_zeros_out() -> None:
    labels = (("name", "GET /"), ("p", 1.0), ("span.flag", False), ("span.code", 200), ("span.tags", ("a", "b")))
    shown = Exemplar((("trace:id", "ab"), ("span:id", "00f067aa0ba902b7")), 0.5, 1_700_000_003_000)
    points = TimeSeries(labels, np.array([1_700_000_000_000, 1_700_000_015_000]), np.array([1.5, 0.0]), (shown,))
    assert render.series(SeriesResult((points,), None, Inspected(spans=7))) == {
        "series": [
            {
                "labels": [
                    {"key": "name", "value": {"stringValue": "GET /"}},
                    {"key": "p", "value": {"doubleValue": 1}},
                    {"key": "span.flag", "value": {"boolValue": False}},
                    {"key": "span.code", "value": {"intValue": "200"}},
                    {"key": "span.tags", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"stringValue": "b"}]}}},
                ],
                "samples": [{"timestampMs": "1700000000000", "value": 1.5}, {"timestampMs": "1700000015000"}],
                "exemplars": [
                    {
                        "labels": [
                            {"key": "trace:id", "value": {"stringValue": "ab"}},
                            {"key": "span:id", "value": {"stringValue": "00f067aa0ba902b7"}},
                        ],
                        "value": 0.5,
                        "timestampMs": "1700000003000",
                    }
                ],
            }
        ],
        "metrics": {"inspectedSpans": "7"},
    }


@pytest.mark.parametrize(("value", "written"), [(2.0, "2"), (8e-9, "8e-09"), (1e300, "1e+300"), (math.inf, '"Infinity"'), (-3.0, "-3")])
def test_numbers_of_points_are_written_as_go_would_read_them(value: float, written: str) -> None:
    found = render.instant_series(InstantResult((InstantSeries((("__name__", "rate"),), value),)))
    assert json.dumps(found["series"][0]["value"]) == written


def test_an_answer_that_is_not_whole_says_why() -> None:
    found = render.series(SeriesResult((), "3 of 4 are missing"))
    assert found == {"series": [], "status": "PARTIAL", "message": "3 of 4 are missing", "metrics": {}}
