"""Tenants over real sockets: names that must not become paths, and answers that hold nothing of anybody else (S71, S72)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from tests.building import request, span
from tests.sending import as_tenant, exporter, post, send
from tests.server.stream.client import ask
from tests.servers import RunningServer, serve
from tests.waiting import PATIENCE

BAD_NAMES = ("../x", "a/b", "..", ".", "a\\b", "x" * 151, "a name", "a%2fb", "tenant\u00e9", "a|b/c", "../x|a")
"""None of them may become a folder."""

QUESTIONS = {
    "/api/search": {"q": "{}"},
    "/api/traces/1": {},
    "/api/v2/traces/1": {},
    "/api/search/tags": {},
    "/api/v2/search/tags": {},
    "/api/search/tag/service.name/values": {},
    "/api/v2/search/tag/resource.service.name/values": {},
    "/api/metrics/query_range": {"q": "{} | rate()", "start": "1760000000", "end": "1760000060"},
    "/api/metrics/query": {"q": "{} | count_over_time()", "start": "1759999990", "end": "1760000060"},
}
"""Every question of the HTTP API."""

STREAMS: dict[str, dict[str, Any]] = {
    "Search": {"Query": "{}", "Limit": 100},
    "SearchTags": {},
    "SearchTagsV2": {},
    "SearchTagValues": {"tagName": "service.name"},
    "SearchTagValuesV2": {"tagName": "resource.service.name"},
    "MetricsQueryRange": {"query": "{} | rate() by (resource.service.name)", "start": 1_760_000_000 * 10**9, "end": 1_760_000_060 * 10**9},
    "MetricsQueryInstant": {
        "query": "{} | rate() by (resource.service.name)",
        "start": 1_759_999_990 * 10**9,
        "end": 1_760_000_060 * 10**9,
    },
}
"""Every question of the streaming API."""

ONE, TWO = 0x1111, 0x2222
SHARED = 0x3333
"""Trace ids: of tenant t1, of tenant t2, and one that both have a span of."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tenants") / "data"


@pytest.fixture(scope="module")
def tenants(data: Path) -> Iterator[RunningServer]:
    """A server of two tenants, t1 in a block and t2 live."""
    with serve(data, "--multitenancy") as server:
        send(server.otlp_grpc_address, of_service("first", ONE, 1), of_service("first", SHARED, 2), tenant="t1")
        assert httpx.get(f"{server.http_url}/flush").status_code == 204
        answers = [
            post(server.otlp_http_url, payload, **{"X-Scope-OrgID": "t2"})
            for payload in (of_service("second", TWO, 3), of_service("second", SHARED, 4))
        ]
        assert [answer.status_code for answer in answers] == [200, 200]
        yield server


def of_service(service: str, trace: int, identifier: int) -> bytes:
    return request(span(f"{service} span", trace=trace, id=identifier), service=service).SerializeToString()


@pytest.fixture
def get(tenants: RunningServer) -> Iterator[Callable[..., httpx.Response]]:
    """Asks as a tenant, or as nobody."""
    with httpx.Client(base_url=tenants.http_url, timeout=PATIENCE) as client:

        def get_as(tenant: str | None, path: str, **params: str) -> httpx.Response:
            return client.get(path, params=params, headers={} if tenant is None else {"X-Scope-OrgID": tenant.encode()})

        yield get_as


@pytest.fixture
def channel(tenants: RunningServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(tenants.addresses["grpc"]) as channel:
        yield channel


def folders(data: Path) -> tuple[set[str], set[str]]:
    """The names beside the data directory, and those of the tenants that have blocks."""
    return {path.name for path in data.parent.iterdir()}, {path.name for path in (data / "blocks").iterdir()}


@pytest.mark.parametrize("path", QUESTIONS)
def test_a_question_without_a_tenant_is_a_401(get: Callable[..., httpx.Response], path: str) -> None:
    """S71"""
    for tenant in (None, "", "|t1", "t1||t2"):
        answer = get(tenant, path, **QUESTIONS[path])
        assert (answer.status_code, answer.text) == (401, "no org id"), tenant


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name_is_refused_and_makes_no_file(get: Callable[..., httpx.Response], data: Path, name: str, tenants: RunningServer) -> None:
    """S71"""
    for path, params in QUESTIONS.items():
        assert get(name, path, **params).status_code == 400, path
    assert post(tenants.otlp_http_url, of_service("x", 5, 5), **{"X-Scope-OrgID": name}).status_code == 400
    beside, tenants_with_blocks = folders(data)
    assert beside == {"data"}
    assert tenants_with_blocks <= {"t1", "t2"}


@pytest.mark.parametrize("name", [name for name in BAD_NAMES if name.isascii()])
def test_a_bad_name_is_refused_over_grpc(tenants: RunningServer, channel: grpc.Channel, name: str) -> None:
    """S71; gRPC clients send no other text than ASCII in metadata."""
    with grpc.insecure_channel(tenants.otlp_grpc_address) as otlp, pytest.raises(grpc.RpcError) as refused:
        exporter(otlp)(of_service("x", 5, 5), timeout=PATIENCE, metadata=as_tenant(name))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    for method, fields in STREAMS.items():
        with pytest.raises(grpc.RpcError) as refused:
            ask(channel, method, name, **fields)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT, method


def test_spans_without_a_tenant_are_refused_for_good(tenants: RunningServer) -> None:
    """S71: neither status is one that exporters send again for."""
    answer = post(tenants.otlp_http_url, of_service("x", 5, 5))
    assert answer.status_code == 401
    with grpc.insecure_channel(tenants.otlp_grpc_address) as channel, pytest.raises(grpc.RpcError) as refused:
        exporter(channel)(of_service("x", 5, 5), timeout=PATIENCE)
    assert (refused.value.code(), refused.value.details()) == (grpc.StatusCode.UNAUTHENTICATED, "no org id")


def test_spans_cannot_be_written_to_several_tenants(tenants: RunningServer) -> None:
    answer = post(tenants.otlp_http_url, of_service("x", 5, 5), **{"X-Scope-OrgID": "t1|t2"})
    assert answer.status_code == 400
    assert b"unsupported character" in answer.content


def test_a_header_that_contradicts_itself_is_refused(tenants: RunningServer) -> None:
    twice = [("X-Scope-OrgID", "t1"), ("X-Scope-OrgID", "t2")]
    answer = httpx.get(f"{tenants.http_url}/api/search", params={"q": "{}"}, headers=twice)
    assert (answer.status_code, answer.text) == (400, "the header X-Scope-OrgID comes twice with different tenants")


def test_streams_without_a_tenant_are_refused(channel: grpc.Channel) -> None:
    for method, fields in STREAMS.items():
        with pytest.raises(grpc.RpcError) as refused:
            ask(channel, method, **fields)
        assert (refused.value.code(), refused.value.details()) == (grpc.StatusCode.UNAUTHENTICATED, "no org id"), method


@pytest.mark.parametrize(("asker", "other"), [("t1", "second"), ("t2", "first"), ("t3", "first"), ("t3", "second")])
def test_nothing_of_another_tenant_shows(get: Callable[..., httpx.Response], channel: grpc.Channel, asker: str, other: str) -> None:
    """S72"""
    for path, params in QUESTIONS.items():
        answer = get(asker, path, **params)
        assert answer.status_code in (200, 404), path
        assert other not in answer.text, path
    for method, fields in STREAMS.items():
        assert other not in str(ask(channel, method, asker, **fields)), method


def test_a_trace_of_another_tenant_is_not_found_by_its_id(get: Callable[..., httpx.Response]) -> None:
    """S72"""
    for tenant, own, others in (("t1", ONE, TWO), ("t2", TWO, ONE)):
        assert get(tenant, f"/api/traces/{own:x}").status_code == 200
        assert get(tenant, f"/api/traces/{others:x}").status_code == 404


def test_a_trace_id_that_two_tenants_have_shows_each_its_own_spans(get: Callable[..., httpx.Response]) -> None:
    for tenant, service, other in (("t1", "first", "second"), ("t2", "second", "first")):
        found = get(tenant, f"/api/traces/{SHARED:x}").text
        assert f"{service} span" in found
        assert f"{other} span" not in found


def test_an_unknown_tenant_has_nothing_and_nothing_is_made_for_it(get: Callable[..., httpx.Response], data: Path) -> None:
    """S72"""
    assert get("t3", "/api/search", q="{}").json()["traces"] == []
    assert get("t3", f"/api/traces/{ONE:x}").status_code == 404
    assert folders(data)[1] <= {"t1", "t2"}


def test_a_question_to_several_tenants_joins_them(get: Callable[..., httpx.Response], channel: grpc.Channel) -> None:
    both = get("t2|t1", "/api/search", q="{}").json()["traces"]
    assert sorted(trace["traceID"] for trace in both) == [f"{ONE:x}", f"{TWO:x}", f"{SHARED:x}"]
    assert {trace.traceID for trace in ask(channel, "Search", "t1|t2", Query="{}").traces} == {trace["traceID"] for trace in both}
    values = get("t1|t2|t2|t3", "/api/search/tag/service.name/values").json()["tagValues"]
    assert sorted(values) == ["first", "second"]


def test_a_trace_that_two_tenants_have_is_one_for_who_may_see_both(get: Callable[..., httpx.Response]) -> None:
    found = get("t1|t2", f"/api/traces/{SHARED:x}").text
    assert "first span" in found
    assert "second span" in found
    (listed,) = get("t1|t2", "/api/search", q='{ name = "first span" } && { name = "second span" }').json()["traces"]
    assert listed["traceID"] == f"{SHARED:x}"


@pytest.mark.parametrize("path", ["/ready", "/metrics", "/status/version", "/api/echo", "/api/status/buildinfo", "/flush"])
def test_pages_about_the_process_need_no_tenant(get: Callable[..., httpx.Response], path: str) -> None:
    assert get(None, path).status_code in (200, 204)


def test_reading_several_tenants_at_once_can_be_turned_off(tmp_path: Path) -> None:
    with serve(tmp_path / "data", "--multitenancy", "--no-multi-tenant-queries") as server:
        answer = httpx.get(f"{server.http_url}/api/search", params={"q": "{}"}, headers={"X-Scope-OrgID": "t1|t2"})
        assert answer.status_code == 400
        assert httpx.get(f"{server.http_url}/api/search", params={"q": "{}"}, headers={"X-Scope-OrgID": "t1"}).status_code == 200


def test_without_tenants_the_header_is_ignored(tmp_path: Path) -> None:
    """S72"""
    with serve(tmp_path / "data") as server:
        send(server.otlp_grpc_address, of_service("first", ONE, 1), tenant="../x")
        assert post(server.otlp_http_url, of_service("first", ONE, 2), **{"X-Scope-OrgID": "a|b"}).status_code == 200
        answer = httpx.get(f"{server.http_url}/api/search", params={"q": "{}"}, headers={"X-Scope-OrgID": "someone/else"})
        assert [trace["traceID"] for trace in answer.json()["traces"]] == [f"{ONE:x}"]
