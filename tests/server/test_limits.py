"""Limits over real sockets: how senders are refused, what is counted, and limits that change while the server runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.building import request, span
from tests.sending import JSON, as_tenant, exporter, post
from tests.servers import RunningServer, command, serve
from tests.waiting import PATIENCE, wait_for

OVERRIDES = """
overrides:
  slow: {ingestion: {rate_limit_bytes: 1, burst_size_bytes: 2000}}
  silent: {ingestion: {rate_limit_bytes: 1, burst_size_bytes: 2000, retry_info_enabled: false}}
  small: {global: {max_bytes_per_trace: 3000}, ingestion: {max_traces_per_user: 2}}
  short: {read: {max_search_duration: 1h, max_metrics_duration: 1m}}
  <b>: {}
"""

BIG = {"filler": "x" * 1000}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("limits") / "limits.yaml"
    path.write_text(OVERRIDES.replace("  <b>: {}\n", ""))
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, file: Path) -> Iterator[RunningServer]:
    data = tmp_path_factory.mktemp("data")
    with serve(data, "--multitenancy", "--overrides", str(file), "--overrides-period", "50ms", "--max-search-duration", "2d") as running:
        yield running


@pytest.fixture
def otlp(server: RunningServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.otlp_grpc_address) as channel:
        yield channel


def payload(name: str, trace: int) -> bytes:
    return request(span(name, trace=trace, attributes=BIG)).SerializeToString()


def as_(tenant: str) -> dict[str, str]:
    return {"X-Scope-OrgID": tenant}


def discarded(server: RunningServer, reason: str, tenant: str) -> float:
    lines = httpx.get(f"{server.http_url}/metrics").text.splitlines()
    wanted = f'tempo_discarded_spans_total{{reason="{reason}",tenant="{tenant}"}}'
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(wanted))


def refused(channel: grpc.Channel, tenant: str) -> grpc.RpcError:
    """The refusal of the second of two requests that are more than the burst together."""
    for name in ("a", "b"):
        try:
            exporter(channel)(payload(name, 1), timeout=PATIENCE, metadata=as_tenant(tenant))
        except grpc.RpcError as error:
            return error
    raise AssertionError("both were taken")


def test_a_sender_beyond_its_rate_is_told_over_grpc_when_to_come_again(server: RunningServer, otlp: grpc.Channel) -> None:
    before = discarded(server, "rate_limited", "slow")
    error = refused(otlp, "slow")
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error.details().startswith("RATE_LIMITED: tenant slow may send 1 bytes a second and 2000 at once")
    (packed,) = [value for key, value in error.trailing_metadata() if key == "grpc-status-details-bin"]
    hint = RetryInfo()
    assert Status.FromString(packed).details[0].Unpack(hint)
    assert 0 < hint.retry_delay.seconds < 2000
    assert discarded(server, "rate_limited", "slow") == before + 1


@pytest.mark.parametrize("kind", ["application/x-protobuf", JSON])
def test_a_sender_beyond_its_rate_is_told_over_http_when_to_come_again(server: RunningServer, otlp: grpc.Channel, kind: str) -> None:
    refused(otlp, "slow")
    body = payload("c", 2) if kind != JSON else b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"' + b"x" * 1000 + b'"}]}]}]}'
    answer = post(server.otlp_http_url, body, kind, **as_("slow"))
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) < 2000
    assert b"RATE_LIMITED" in answer.content


def test_the_hint_is_left_out_where_it_is_not_wanted(server: RunningServer, otlp: grpc.Channel) -> None:
    assert not [key for key, _ in refused(otlp, "silent").trailing_metadata() if key == "grpc-status-details-bin"]
    answer = post(server.otlp_http_url, payload("c", 2), **as_("silent"))
    assert (answer.status_code, "Retry-After" in answer.headers) == (429, False)


def test_other_tenants_are_not_slowed(server: RunningServer, otlp: grpc.Channel) -> None:
    refused(otlp, "slow")
    for _ in range(5):
        assert post(server.otlp_http_url, payload("a", 1), **as_("free")).status_code == 200


def test_what_a_limit_refuses_is_told_and_counted(server: RunningServer, otlp: grpc.Channel) -> None:
    spans = [span(f"large {n}", trace=1, attributes=BIG) for n in range(4)] + [span(f"{n}", trace=n) for n in (2, 3, 4)]
    answer = exporter(otlp)(request(*spans).SerializeToString(), timeout=PATIENCE, metadata=as_tenant("small"))
    told = ExportTraceServiceResponse.FromString(answer).partial_success
    assert told.rejected_spans == 4
    assert "max_bytes_per_trace" in told.error_message
    assert "max_traces_per_user" in told.error_message
    assert discarded(server, "trace_too_large", "small") == 2
    assert discarded(server, "live_traces_exceeded", "small") == 2
    found = httpx.get(f"{server.http_url}/api/search", params={"q": "{}"}, headers=as_("small")).json()["traces"]
    assert {trace["traceID"] for trace in found} == {"1", "2"}


def test_windows_are_bounded_by_tenant(server: RunningServer) -> None:
    def search(tenant: str, hours: int) -> httpx.Response:
        window = {"start": "1760000000", "end": str(1760000000 + hours * 3600)}
        return httpx.get(f"{server.http_url}/api/search", params={"q": "{}", **window}, headers=as_(tenant))

    assert [search("short", hours).status_code for hours in (1, 2)] == [200, 400]
    assert [search("free", hours).status_code for hours in (48, 49)] == [200, 400]
    assert [search("free|short", hours).status_code for hours in (1, 2)] == [200, 400]
    metrics = {"q": "{} | rate()", "start": "1760000000", "end": "1760000120", "step": "10"}
    for tenant, status in (("short", 400), ("free", 200), ("free|short", 400)):
        assert httpx.get(f"{server.http_url}/api/metrics/query_range", params=metrics, headers=as_(tenant)).status_code == status


def test_the_limits_of_a_running_server_can_be_seen_and_changed(server: RunningServer, file: Path) -> None:
    def page(path: str) -> httpx.Response:
        return httpx.get(f"{server.http_url}/status/{path}", headers={"Accept": "application/json"})

    assert page("overrides").json() == {"tenants": ["short", "silent", "slow", "small"]}
    small = page("overrides/small").json()
    assert (small["from"], small["limits"]["global"]) == ("its own entry", {"max_bytes_per_trace": 3000})
    assert page("overrides/free").json()["from"] == "the defaults"
    assert page("overrides/a%20b").status_code == 400
    assert "max_bytes_per_trace: 3000" in page("runtime_config").text
    good = file.read_text()
    replace(file, "overrides: {free: {global: {max_bytes_per_trace: 1}}}")
    wait_for(lambda: page("overrides").json() == {"tenants": ["free"]})
    replace(file, "overrides: {free: {global: {max_bytes: 1}}}")
    wait_for(lambda: "tempo_runtime_config_last_reload_successful 0.0" in httpx.get(f"{server.http_url}/metrics").text)
    assert page("overrides").json() == {"tenants": ["free"]}
    replace(file, good)
    wait_for(lambda: len(page("overrides").json()["tenants"]) == 4)


def replace(file: Path, text: str) -> None:
    """Put a new text in place of a file at once, as a ConfigMap does."""
    beside = file.with_suffix(".new")
    beside.write_text(text)
    os.replace(beside, file)


def test_people_get_html(server: RunningServer) -> None:
    for path in ("overrides", "overrides/slow"):
        answer = httpx.get(f"{server.http_url}/status/{path}")
        assert answer.headers["content-type"].startswith("text/html")
        assert "slow" in answer.text


def test_a_bad_file_stops_the_start(tmp_path: Path) -> None:

    (tmp_path / "limits.yaml").write_text(OVERRIDES)
    ended = subprocess.run(
        command(tmp_path / "data", "--overrides", str(tmp_path / "limits.yaml")),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.endswith(
        "limits.yaml:7:3: tenant name '<b>' has an unsupported character; allowed are letters, digits and ! - _ . * ' ( )\n"
    )
