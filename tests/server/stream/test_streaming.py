"""The streaming service, asked by a stock gRPC client on both of its ports, beside HTTP."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import json_format

from pytempo.server.api import tempopb
from pytempo.server.stream import METHODS
from pytempo.server.stream.packets import LARGEST
from tests.server.stream.client import ask, begin
from tests.server.stream.conftest import LARGE_TRACES, SHOP_TRACES

SHOP = '{ resource.service.name = "shop" }'
LARGE = '{ resource.service.name = "large" } | select(.large)'
BY_LARGE = '{ resource.service.name = "large" } | count_over_time() by (.large)'


def by_http(http: httpx.Client, path: str, name: str, **params: str | int) -> Any:
    """The answer over HTTP as a message."""
    answer = http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return json_format.Parse(answer.text, tempopb.message_class(name)())


def refusal(channel: grpc.Channel, method: str, **fields: Any) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as raised:
        ask(channel, method, **fields)
    return raised.value


def test_the_check_of_grafana_is_passed(channel: grpc.Channel) -> None:
    now = int(time.time())
    answer = ask(channel, "Search", Query="{}", Limit=1, start=now - 900, end=now)
    assert len(answer.traces) == 1


@pytest.mark.parametrize("query", [SHOP, LARGE, "{ .number > 100 }", "{} | by(resource.service.name) | count() > 1", "{ .nothing = 1 }"])
def test_a_search_is_answered_as_over_http(channel: grpc.Channel, http: httpx.Client, query: str) -> None:
    """S68"""
    want = by_http(http, "/api/search", "SearchResponse", q=query, limit=2000, spss=2)
    assert ask(channel, "Search", Query=query, Limit=2000, SpansPerSpanSet=2) == want


def test_limits_hold(channel: grpc.Channel) -> None:
    """S68: 50 traces match, of 4 spans each."""
    answer = ask(channel, "Search", Query=SHOP, Limit=5, SpansPerSpanSet=2)
    assert [(spanset.matched, len(spanset.spans)) for trace in answer.traces for spanset in trace.spanSets] == [(4, 2)] * 5


def test_what_is_left_out_has_the_defaults_of_http(channel: grpc.Channel, http: httpx.Client) -> None:
    answer = ask(channel, "Search", Query=SHOP)
    assert answer == by_http(http, "/api/search", "SearchResponse", q=SHOP)
    assert [len(trace.spanSets[0].spans) for trace in answer.traces] == [3] * 20


def test_a_search_by_tags_is_answered_as_over_http(channel: grpc.Channel, http: httpx.Client) -> None:
    want = by_http(http, "/api/search", "SearchResponse", tags="service.name=shop number=7", minDuration="1ms", limit=100)
    assert len(want.traces) == 0  # a number is no text
    assert ask(channel, "Search", Tags={"service.name": "shop", "number": "7"}, MinDurationMs=1, Limit=100) == want
    want = by_http(http, "/api/search", "SearchResponse", tags="service.name=shop", minDuration="1ms", limit=100)
    assert len(want.traces) == SHOP_TRACES
    assert ask(channel, "Search", Tags={"service.name": "shop"}, MinDurationMs=1, Limit=100) == want


@pytest.mark.parametrize(
    "query", ["{} | rate()", "{} | rate() by (resource.service.name)", "{} | histogram_over_time(duration)", "{} | compare({.number = 1})"]
)
def test_metrics_are_answered_as_over_http(channel: grpc.Channel, http: httpx.Client, minutes: tuple[int, int], query: str) -> None:
    start, end = minutes
    window = {"start": start * 10**9, "end": end * 10**9}
    want = by_http(http, "/api/metrics/query_range", "QueryRangeResponse", q=query, start=start, end=end, step=60)
    assert want.series
    assert ask(channel, "MetricsQueryRange", query=query, step=60 * 10**9, **window) == want
    want = by_http(http, "/api/metrics/query", "QueryInstantResponse", q=query, start=start, end=end)
    assert ask(channel, "MetricsQueryInstant", query=query, **window) == want


def test_a_range_without_times_is_the_last_hour(channel: grpc.Channel) -> None:
    (series,) = ask(channel, "MetricsQueryRange", query="{} | rate()").series
    assert 230 < len(series.samples) < 250


@pytest.mark.parametrize(
    ("method", "path", "fields", "params"),
    [
        ("SearchTags", "/api/search/tags", {}, {}),
        ("SearchTags", "/api/search/tags", {"scope": "intrinsic"}, {"scope": "intrinsic"}),
        ("SearchTagsV2", "/api/v2/search/tags", {}, {}),
        ("SearchTagsV2", "/api/v2/search/tags", {"scope": "span", "query": SHOP}, {"scope": "span", "q": SHOP}),
        ("SearchTagsV2", "/api/v2/search/tags", {"maxTagsPerScope": 1}, {"limit": 1}),
        ("SearchTagValues", "/api/search/tag/number/values", {"tagName": "number"}, {}),
        ("SearchTagValuesV2", "/api/v2/search/tag/span.number/values", {"tagName": "span.number"}, {}),
        ("SearchTagValuesV2", "/api/v2/search/tag/.number/values", {"tagName": ".number", "maxTagValues": 5}, {"limit": 5}),
        ("SearchTagValuesV2", "/api/v2/search/tag/name/values", {"tagName": "name", "query": "{ .number = 1 }"}, {"q": "{ .number = 1 }"}),
        ("SearchTagValuesV2", "/api/v2/search/tag/span.large/values", {"tagName": "span.large"}, {}),
    ],
)
def test_tags_are_answered_as_over_http(
    channel: grpc.Channel, http: httpx.Client, method: str, path: str, fields: dict[str, Any], params: dict[str, str | int]
) -> None:
    assert ask(channel, method, **fields) == by_http(http, path, METHODS[method].response, **params)


def test_a_client_with_grpcs_own_limit_gets_large_answers(channel: grpc.Channel, minutes: tuple[int, int]) -> None:
    """S68: a client takes messages of 4 MiB unless it is told otherwise."""
    window = {"start": minutes[0] * 10**9, "end": minutes[1] * 10**9}
    traces = list(begin(channel, "Search", Query=LARGE, Limit=2000))
    assert sum(len(message.traces) for message in traces) == LARGE_TRACES
    series = list(begin(channel, "MetricsQueryRange", query=BY_LARGE, step=60 * 10**9, **window))
    assert sum(len(message.series) for message in series) == LARGE_TRACES
    values = list(begin(channel, "SearchTagValues", tagName="large"))
    assert sum(len(message.tagValues) for message in values) == LARGE_TRACES
    for messages in (traces, series, values):
        assert sum(message.ByteSize() for message in messages) > LARGEST
        assert len(messages) > 1
        assert all(message.metrics == messages[-1].metrics for message in messages)


def test_an_instant_answer_that_is_too_large_is_partial(channel: grpc.Channel, minutes: tuple[int, int]) -> None:
    start, end = minutes
    *_, answer = begin(channel, "MetricsQueryInstant", query=BY_LARGE, start=start * 10**9, end=end * 10**9)
    assert answer.status == 1
    assert f"the first {len(answer.series)} are shown" in answer.message


@pytest.mark.parametrize(
    ("method", "fields", "said"),
    [
        ("Search", {"Query": "{ .a = }"}, "line 1, column 8"),
        ("Search", {"Query": "{} | rate()"}, "metrics query"),
        ("Search", {"Query": "{}" + " " * 200_000}, "131072"),
        ("Search", {"Query": "{}", "Tags": {"a": "b"}}, "Tags"),
        ("Search", {"Query": "{}", "Limit": 300_000}, "limit"),
        ("Search", {"Query": "{}", "SpansPerSpanSet": 101}, "spss"),
        ("Search", {"Query": "{}", "start": 20, "end": 10}, "before end"),
        ("SearchTags", {"scope": "nowhere"}, "nowhere"),
        ("SearchTagsV2", {"scope": "nowhere"}, "nowhere"),
        ("SearchTagValues", {}, "tagName"),
        ("SearchTagValuesV2", {"tagName": "nowhere.a.b"}, "nowhere"),
        ("MetricsQueryRange", {}, "q is missing"),
        ("MetricsQueryRange", {"query": "{ .a = } | rate()"}, "line 1, column 8"),
        ("MetricsQueryRange", {"query": "{}"}, "rate()"),
        ("MetricsQueryRange", {"query": "{} | rate()", "start": 1, "end": 2**63}, ""),
        ("MetricsQueryRange", {"query": "{} | rate()", "step": 1}, "step"),
        ("MetricsQueryInstant", {"query": "{ .a = } | rate()"}, "line 1, column 8"),
        ("MetricsQueryInstant", {"query": "{} | rate()", "start": 20, "end": 10}, "before end"),
    ],
)
def test_a_bad_question_is_an_invalid_argument(channel: grpc.Channel, method: str, fields: dict[str, Any], said: str) -> None:
    """S68"""
    error = refusal(channel, method, **fields)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert said in error.details()


def test_bytes_that_are_no_request_are_an_invalid_argument(channel: grpc.Channel) -> None:
    call = channel.unary_stream("/tempopb.StreamingQuerier/Search", request_serializer=None, response_deserializer=None)
    with pytest.raises(grpc.RpcError) as raised:
        list(call(b"\xff\xff", timeout=60))
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "SearchRequest" in raised.value.details()


def test_a_long_refusal_reaches_the_client(channel: grpc.Channel) -> None:
    error = refusal(channel, "SearchTagsV2", scope="\N{SNOWMAN}" * 50_000)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_an_unknown_method_is_unimplemented(channel: grpc.Channel) -> None:
    call = channel.unary_stream("/tempopb.StreamingQuerier/TraceByID", request_serializer=None, response_deserializer=None)
    with pytest.raises(grpc.RpcError) as raised:
        list(call(b"", timeout=60))
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_health_is_told_on_both_ports(channel: grpc.Channel) -> None:
    health = channel.unary_unary("/grpc.health.v1.Health/Check", request_serializer=None, response_deserializer=None)
    assert health(b"", timeout=60) == b"\x08\x01"


def test_http_and_grpc_are_served_side_by_side(channel: grpc.Channel, http: httpx.Client) -> None:
    """S68"""
    want = by_http(http, "/api/search", "SearchResponse", q="{}", limit=200)
    with ThreadPoolExecutor(8) as pool:
        streamed = [pool.submit(ask, channel, "Search", Query="{}", Limit=200) for _ in range(8)]
        plain = [pool.submit(by_http, http, "/api/search", "SearchResponse", q="{}", limit=200) for _ in range(8)]
        assert all(answer.result() == want for answer in streamed + plain)


def test_streams_are_counted_by_their_end(channel: grpc.Channel, http: httpx.Client) -> None:
    ask(channel, "Search", Query=SHOP)
    refusal(channel, "Search", Query="{")
    text = http.get("/metrics").text
    for status in ("success", "error"):
        sample = f'tempo_request_duration_seconds_count{{method="gRPC",route="/tempopb.StreamingQuerier/Search",status_code="{status}"'
        assert sample in text
