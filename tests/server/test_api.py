"""The query API as Grafana, tempo-query and people ask it, on live data."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from pytempo.server.api import tempopb
from tests.server.conftest import request
from tests.servers import RunningServer

TRACE_ID = bytes(10) + b"\xab\xcd\xef\x01\x02\x03"
PROTOBUF = {"accept": "application/protobuf"}

ODD_NAMES = {"http/url": "slash", "my key": "blank", 'q"x': "quote", "naïve": "umlaut", "a%20b": "percent"}


def traced() -> ExportTraceServiceRequest:
    made = request(TRACE_ID)
    (span,) = made.resource_spans[0].scope_spans[0].spans
    span.attributes.add(key="filler", value=AnyValue(string_value="x" * 2000))
    span.attributes.extend(KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in ODD_NAMES.items())
    return made


@pytest.fixture(autouse=True)
def stored(export: Callable[..., bytes]) -> None:
    """One trace; sent again before every test, which changes nothing."""
    export(traced().SerializeToString())


def get(client: httpx.Client, path: str, **params: str | int) -> Any:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(("path", "body"), [("/ready", "ready\n"), ("/api/echo", "echo\n")])
def test_short_answers_are_those_of_tempo(http: httpx.Client, path: str, body: str) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.text) == (200, body)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_version_is_one_that_grafana_enables_everything_for(http: httpx.Client) -> None:
    major, minor, _ = get(http, "/api/status/buildinfo")["version"].split(".")
    assert (int(major), int(minor)) >= (2, 7)


@pytest.mark.parametrize("page", ["version", "services", "endpoints", "config"])
def test_every_status_page_is_part_of_the_whole(http: httpx.Client, page: str) -> None:
    text = http.get(f"/status/{page}").text
    assert text
    assert f"GET /status/{page}\n" in http.get("/status").text


def test_the_version_page_begins_as_tempos(http: httpx.Client) -> None:
    assert http.get("/status/version").text.startswith("tempo, version 2.")


def test_pages_of_rings_and_of_the_usage_report_are_there(http: httpx.Client) -> None:
    for name in ("distributor", "ingester", "compactor"):
        assert "this process<td>ACTIVE" in http.get(f"/{name}/ring").text
    assert http.get("/status/usage-stats").text == "usage-stats is not enabled"
    assert http.post("/api/mcp").status_code == 404


def test_the_effective_configuration_is_shown(http: httpx.Client) -> None:
    assert "max_request_body_size: 1048576" in http.get("/status/config").text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_questions_may_come_by_any_method(http: httpx.Client, method: str) -> None:
    assert http.request(method, "/api/search", params={"q": "{}"}).json()["traces"]


def test_status_pages_are_for_get_alone(http: httpx.Client) -> None:
    assert http.post("/status/version").status_code == 405


def test_an_unknown_path_is_told_where_the_api_is(http: httpx.Client) -> None:
    answer = http.get("/search")
    assert answer.status_code == 404
    assert "/api/search" in answer.text


@pytest.mark.parametrize("spelling", ["abcdef010203", "ABCDEF010203", "0abcdef010203", TRACE_ID.hex()])
def test_a_trace_is_found_by_every_spelling_of_its_id(http: httpx.Client, spelling: str) -> None:
    answer = http.get(f"/api/traces/{spelling}", headers=PROTOBUF)
    assert answer.headers["content-type"] == "application/protobuf"
    (resource,) = TracesData.FromString(answer.content).resource_spans
    assert resource.scope_spans[0].spans[0].trace_id == TRACE_ID


def test_a_trace_has_its_two_json_shapes(http: httpx.Client) -> None:
    first, second = get(http, f"/api/traces/{TRACE_ID.hex()}"), get(http, f"/api/v2/traces/{TRACE_ID.hex()}")
    assert first["batches"] == second["trace"]["resourceSpans"]
    (span,) = first["batches"][0]["scopeSpans"][0]["spans"]
    assert span["traceId"] == "AAAAAAAAAAAAAKvN7wECAw=="
    assert span["kind"] == "SPAN_KIND_SERVER"
    assert span["status"] == {}


def test_a_trace_of_v2_carries_the_trace_of_v1(http: httpx.Client) -> None:
    answer = http.get(f"/api/v2/traces/{TRACE_ID.hex()}", headers=PROTOBUF)
    message = tempopb.message_class("TraceByIDResponse").FromString(answer.content)
    assert message.trace == http.get(f"/api/traces/{TRACE_ID.hex()}", headers=PROTOBUF).content


def test_an_absent_trace_is_404_without_a_body_in_v1(http: httpx.Client) -> None:
    answer = http.get("/api/traces/1234")
    assert (answer.status_code, answer.content) == (404, b"")


def test_an_absent_trace_is_an_empty_trace_in_v2(http: httpx.Client) -> None:
    assert get(http, "/api/v2/traces/1234") == {"trace": {}, "metrics": {}}
    assert http.get("/api/v2/traces/1234", headers=PROTOBUF).content.startswith(b"\x0a\x00")


@pytest.mark.parametrize("version", ["", "/v2"])
@pytest.mark.parametrize(("identifier", "said"), [("xyz", "hex"), ("0" * 33, "128 bits"), ("%20", "hex")])
def test_what_is_no_trace_id_is_refused_with_the_reason(http: httpx.Client, version: str, identifier: str, said: str) -> None:
    answer = http.get(f"/api{version}/traces/{identifier}")
    assert answer.status_code == 400
    assert said in answer.text


@pytest.mark.parametrize("path", ["/api/traces/", "/api/traces", "/api/traces/..%2Fx", "/api/v2/traces/a/b"])
def test_a_path_without_an_id_is_no_route(http: httpx.Client, path: str) -> None:
    assert http.get(path).status_code == 404


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"start": "x"}, "start"),
        ({"start": "20", "end": "10"}, "start must be before end"),
        ({"mode": "nowhere"}, "invalid mode"),
        ({"mode": "blocks"}, "not supported: mode=blocks"),
        ({"q": "{ .a = }"}, "line 1, column 8"),
        ({"q": "{}", "keep_hierarchy": "maybe"}, "invalid keep_hierarchy: maybe"),
        ({"q": "{}", "match_depth": "-2"}, "invalid match_depth: -2"),
        ({"q": "{}", "ancestor_depth": "x"}, "invalid ancestor_depth: x"),
        ({"span_pruning": "true"}, "not supported: span_pruning"),
        ({"blockStart": "40000000-0000-0000-0000-000000000000"}, "not supported: blockStart"),
    ],
)
def test_a_trace_question_that_cannot_be_answered_is_refused(http: httpx.Client, params: dict[str, str], said: str) -> None:
    answer = http.get(f"/api/traces/{TRACE_ID.hex()}", params=params)
    assert answer.status_code == 400
    assert said in answer.text


def test_a_search_finds_what_was_just_sent(http: httpx.Client) -> None:
    (trace,) = get(http, "/api/search", q='{ span."my key" = "blank" }')["traces"]
    assert trace["traceID"] == "abcdef010203"
    assert (trace["rootServiceName"], trace["rootTraceName"], trace["durationMs"]) == ("shop", "GET /", 5)
    assert trace["spanSets"][0]["matched"] == 1
    assert trace["spanSet"] == trace["spanSets"][0]


def test_a_search_by_tags_finds_the_same_without_spansets(http: httpx.Client) -> None:
    params = {"tags": 'service.name=sho name="GET /"', "minDuration": "0s", "maxDuration": "0s"}
    (trace,) = get(http, "/api/search", **params)["traces"]
    assert trace["traceID"] == "abcdef010203"
    assert "spanSets" not in trace


@pytest.mark.parametrize("params", [{}, {"q": ""}, {"q": "{}"}, {"since": "5m"}, {"name": "GET"}])
def test_an_open_search_finds_all(http: httpx.Client, params: dict[str, str]) -> None:
    assert [trace["traceID"] for trace in get(http, "/api/search", **params)["traces"]] == ["abcdef010203"]


def test_an_empty_answer_keeps_its_list(http: httpx.Client) -> None:
    assert get(http, "/api/search", q='{ name = "nowhere" }')["traces"] == []


def test_a_search_answers_in_protobuf(http: httpx.Client) -> None:
    answer = http.get("/api/search", params={"q": "{}"}, headers=PROTOBUF)
    (trace,) = tempopb.message_class("SearchResponse").FromString(answer.content).traces
    assert trace.traceID == "abcdef010203"


def test_a_query_that_is_wrong_is_told_with_its_place_as_text(http: httpx.Client) -> None:
    answer = http.get("/api/search", params={"q": '{http.method="NOPE"}'})
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert "line 1, column" in answer.text


def test_a_query_of_200_kib_is_refused_with_the_limit(server: RunningServer) -> None:
    connection = HTTPConnection(urlsplit(server.http_url).netloc, timeout=30)  # httpx refuses to send so much
    with closing(connection):
        connection.request("GET", "/api/search?q=" + quote('{ .a = "' + "x" * 200 * 1024 + '" }'))
        answer = connection.getresponse()
        assert answer.status == 400
        assert "131072" in answer.read().decode()


def test_large_answers_are_compressed_for_whom_can_read_it(http: httpx.Client) -> None:
    answer = http.get(f"/api/traces/{TRACE_ID.hex()}", headers={"accept-encoding": "gzip"})
    assert answer.headers.get("content-encoding") == "gzip"
    assert answer.json() == get(http, f"/api/traces/{TRACE_ID.hex()}")
    assert "content-encoding" not in http.get(f"/api/traces/{TRACE_ID.hex()}", headers={"accept-encoding": "identity"}).headers


def test_metrics_are_exposed_as_text(http: httpx.Client) -> None:
    answer = http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert 'tempo_inflight_requests{method="GET",route="metrics"} 1.0' in lines  # itself
    (connections,) = (line for line in lines if line.startswith('tempo_tcp_connections{protocol="http"}'))
    assert float(connections.split()[-1]) >= 1


def test_tag_names_are_listed_unescaped(http: httpx.Client) -> None:
    assert ODD_NAMES.keys() <= set(get(http, "/api/search/tags")["tagNames"])
    assert "duration" not in get(http, "/api/search/tags")["tagNames"]
    assert "duration" in get(http, "/api/search/tags", scope="intrinsic")["tagNames"]
    scopes = {scope["name"]: scope["tags"] for scope in get(http, "/api/v2/search/tags")["scopes"]}
    assert ODD_NAMES.keys() <= set(scopes["span"])
    assert scopes["resource"] == ["service.name"]
    assert "duration" in scopes["intrinsic"]


def test_an_unknown_scope_is_refused(http: httpx.Client) -> None:
    for path in ("/api/search/tags", "/api/v2/search/tags"):
        assert http.get(path, params={"scope": "nope"}).status_code == 400


def spelled(name: str) -> str:
    """A name as TraceQL quotes it."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("scope", ["span.", "."])
def test_the_values_of_any_name_are_found_in_v2(http: httpx.Client, name: str, scope: str) -> None:
    path = f"/api/v2/search/tag/{quote(scope + spelled(name), safe='')}/values"
    assert get(http, path)["tagValues"] == [{"type": "string", "value": ODD_NAMES[name]}]


@pytest.mark.parametrize("name", [name for name in ODD_NAMES if "%" not in name])
def test_the_values_of_any_name_are_found_in_v1(http: httpx.Client, name: str) -> None:
    assert get(http, f"/api/search/tag/{quote(name, safe='')}/values")["tagValues"] == [ODD_NAMES[name]]


def test_a_name_that_a_proxy_encoded_again_is_understood(http: httpx.Client) -> None:
    twice = quote(quote('span."my key"', safe=""), safe="")
    assert get(http, f"/api/v2/search/tag/{twice}/values")["tagValues"] == [{"type": "string", "value": "blank"}]


@pytest.mark.parametrize("path", ["/api/v2/search/tag//values", "/api/search/tag//values"])
def test_values_of_no_name_are_no_route(http: httpx.Client, path: str) -> None:
    assert http.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/api/metrics/query_range", "/api/metrics/query"])
def test_a_metrics_question_needs_a_metrics_query(http: httpx.Client, path: str) -> None:
    assert "q is missing" in http.get(path).text
    answer = http.get(path, params={"q": "{}"})
    assert answer.status_code == 400
    assert "this query finds traces: ask it of /api/search" in answer.text


def test_time_series_come_as_json_with_zeros_left_out(http: httpx.Client) -> None:
    params = {"query": "{} | count_over_time()", "since": "1h", "step": "10m"}
    answer = http.get("/api/metrics/query_range", params=params, headers=PROTOBUF)
    assert answer.headers["content-type"] == "application/json"
    (series,) = answer.json()["series"]
    assert series["labels"] == [{"key": "__name__", "value": {"stringValue": "count_over_time"}}]
    samples = series["samples"]
    assert all(int(sample["timestampMs"]) % 600_000 == 0 for sample in samples)
    assert sum(sample.get("value", 0) for sample in samples) == 1
    assert {"timestampMs"} in [set(sample) for sample in samples]
    (exemplar,) = series["exemplars"]
    assert exemplar["value"] == 1
    assert {"key": "trace:id", "value": {"stringValue": "abcdef010203"}} in exemplar["labels"]


def test_an_instant_question_has_one_number_a_series(http: httpx.Client) -> None:
    answer = get(http, "/api/metrics/query", q="{} | count_over_time() by (resource.service.name)")
    labels = [{"key": "resource.service.name", "value": {"stringValue": "shop"}}]
    assert answer["series"] == [{"labels": labels, "value": 1}]


def test_an_answer_that_leaves_series_out_says_so(http: httpx.Client) -> None:
    answer = get(http, "/api/metrics/query_range", q="{} | quantile_over_time(duration, .1, .5, .9)", maxSeries=2)
    assert (len(answer["series"]), answer["status"]) == (2, "PARTIAL")
    assert "3 series" in answer["message"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"step": "0"}, "invalid step: 0 must be longer than 0s"),
        ({"step": "-60"}, "invalid step: -60"),
        ({"step": "abc"}, "invalid step: 'abc' is not a duration"),
        ({"step": "1ms"}, "step of 1ms is too small, minimum step for given range is 360ms"),
        ({"since": "9000h"}, "covers at most 24h0m0s; this range has 9000h0m0s"),
        ({"since": "abc"}, "invalid since"),
        ({"start": "20", "end": "10"}, "start must be before end"),
        ({"start": "20", "end": "20"}, "start must be before end"),
        ({"start": "1700000000", "end": "1731536000", "step": "1s"}, "minimum step for given range is 52m33.6s"),
        ({"exemplars": "x"}, "invalid exemplars"),
    ],
)
def test_a_range_or_step_outside_the_limits_is_refused_with_the_limit(http: httpx.Client, given: dict[str, str], said: str) -> None:
    answer = http.get("/api/metrics/query_range", params={"q": "{} | rate()", "since": "1h"} | given)
    assert answer.status_code == 400
    assert said in answer.text


def test_requests_are_timed_under_tempos_names_of_routes(http: httpx.Client) -> None:
    http.get(f"/api/traces/{TRACE_ID.hex()}")
    http.get("/api/v2/search/tag/name/values")
    http.get("/nope")
    exposed = http.get("/metrics").text
    for route, status in (("api_traces_traceid", 200), ("api_v2_search_tag_tagname_values", 200), ("other", 404)):
        assert f'tempo_request_duration_seconds_count{{method="GET",route="{route}",status_code="{status}",ws="false"}}' in exposed


def test_an_unknown_tenant_cannot_be_flushed(http: httpx.Client) -> None:
    answer = http.get("/flush", params={"tenant": "nobody"})
    assert answer.status_code == 404
    assert "nobody" in answer.text


def test_after_a_flush_the_blocks_are_listed(http: httpx.Client) -> None:
    assert http.get("/flush").status_code == 204
    (block,) = get(http, "/status/blocks")["blocks"]
    assert block["format"] == "vParquet4"
    assert block["totalObjects"] == 1
