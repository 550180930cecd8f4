"""Queries that are not worth their end: their client has gone, their time is over, or too many others wait."""

from __future__ import annotations

import http.client
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import grpc
import httpx
import pytest

from pytempo.block.meanwhile import spare_cores
from tests.building import BASE, SECOND, request, span
from tests.server.stream.client import ask as ask_stream
from tests.server.stream.client import begin
from tests.servers import RunningServer, serve
from tests.waiting import wait_for

SLOW = "{ " + " || ".join(f'span.text =~ ".*{number}x{number}.*" || span.text =~ ".*y{number}.*"' for number in range(800)) + " }"
"""Minutes of comparisons over what `server` holds."""

SPANS = 30_000
CONCURRENT, QUEUED = 2, 50


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with spans enough to keep queries busy."""
    folder = tmp_path_factory.mktemp("data")
    with serve(folder) as running:
        for first in range(0, SPANS, 5000):
            spans = (span(trace=n + 1, start=BASE + n * SECOND, attributes={"text": f"text {n} " * 20}) for n in range(first, first + 5000))
            body = request(*spans).SerializeToString()
            httpx.post(f"{running.otlp_http_url}/v1/traces", content=body, headers={"content-type": "application/x-protobuf"}, timeout=60)
    return folder


@pytest.fixture
def server(data: Path) -> Iterator[RunningServer]:
    """A server that works on few queries at a time."""
    with serve(data, f"--max-concurrent-queries={CONCURRENT}", f"--max-queued-queries={QUEUED}", "--query-timeout=60s") as running:
        yield running


def ask(server: RunningServer, query: str) -> socket.socket:
    """Sends a search and does not wait for its answer."""
    host, port = server.http_url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    connection.sendall(f"GET {path_of(query)} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    return connection


def path_of(query: str) -> str:
    return "/api/search?q=" + quote(query, safe="")


def answer_to(server: RunningServer, query: str) -> tuple[int, str]:
    """Status and text of an answer. `httpx` refuses URLs as long as that of SLOW."""
    connection = http.client.HTTPConnection(server.http_url.removeprefix("http://"), timeout=60)
    try:
        connection.request("GET", path_of(query))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def statuses(server: RunningServer) -> dict[str, int]:
    """How many searches ended with each status."""
    prefix, counts = 'tempo_request_duration_seconds_count{method="GET",route="api_search"', {}
    for line in httpx.get(f"{server.http_url}/metrics", timeout=60).text.splitlines():
        if line.startswith(prefix):
            counts[line.split('status_code="')[1][:3]] = int(float(line.rsplit(" ", 1)[1]))
    return counts


def descriptors(server: RunningServer) -> int:
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def threads(server: RunningServer) -> int:
    return len(os.listdir(f"/proc/{server.pid}/task"))


def cpu_seconds(server: RunningServer) -> float:
    fields = Path(f"/proc/{server.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def leave(server: RunningServer, count: int) -> None:
    """Ask `count` slow searches and go away from all of them before any is answered."""
    before = statuses(server).get("499", 0)
    connections = [ask(server, SLOW) for _ in range(count)]
    wait_for(lambda: descriptors(server) >= count)
    for connection in connections:
        connection.close()
    wait_for(lambda: statuses(server).get("499", 0) == before + count)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="reads /proc")
def test_searches_whose_clients_leave_end_and_leave_nothing_behind(server: RunningServer) -> None:
    """S67: twice fifty, of which two run and the others wait."""
    leave(server, CONCURRENT)
    held, at_work = descriptors(server), threads(server)
    for _ in range(2):
        leave(server, QUEUED)
    assert "200" not in statuses(server)
    wait_for(lambda: descriptors(server) <= held)
    assert threads(server) <= at_work + spare_cores()  # which read for a query when there is something to read
    assert answer_to(server, "{ }")[0] == 200
    wait_for(lambda: _is_idle(server))


def _is_idle(server: RunningServer) -> bool:
    """Whether the server does next to nothing for a moment."""
    before = cpu_seconds(server)
    time.sleep(0.2)
    return cpu_seconds(server) - before < 0.1


def test_a_query_beyond_its_deadline_is_answered_with_504(data: Path) -> None:
    with serve(data, "--query-timeout=300ms") as server:
        status, text = answer_to(server, SLOW)
        assert status == 504
        assert "within 0.3s, the limit of query_timeout (--query-timeout)" in text
        wait_for(lambda: _is_idle(server))


def test_a_stream_tells_how_far_its_query_is_and_a_client_that_cancels_it_ends_the_query(server: RunningServer) -> None:
    with grpc.insecure_channel(server.addresses["grpc"]) as channel:
        call = begin(channel, "Search", Query=SLOW)
        first = next(message for message in call if message.metrics.inspectedBytes)
        second = next(call)
        assert not first.traces
        assert second.metrics.inspectedBytes >= first.metrics.inspectedBytes
        call.cancel()
        wait_for(lambda: _is_idle(server))
        assert ask_stream(channel, "Search", Query="{ }", Limit=1).traces


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("Search", {"Query": SLOW}),
        ("SearchTagsV2", {"query": SLOW}),
        ("SearchTagValuesV2", {"tagName": "span.text", "query": SLOW}),
        ("MetricsQueryRange", {"query": f"{SLOW} | rate()", "start": BASE, "end": BASE + 3600 * SECOND, "step": 60 * SECOND}),
        ("MetricsQueryInstant", {"query": f"{SLOW} | rate()", "start": BASE, "end": BASE + 3600 * SECOND}),
    ],
)
def test_a_stream_beyond_its_deadline_ends_with_that_status(data: Path, method: str, fields: dict[str, Any]) -> None:
    with serve(data, "--query-timeout=300ms") as server, grpc.insecure_channel(server.addresses["grpc"]) as channel:
        with pytest.raises(grpc.RpcError) as raised:
            ask_stream(channel, method, **fields)
        assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert "within 0.3s, the limit of query_timeout (--query-timeout)" in raised.value.details()


def test_a_query_beyond_the_memory_limit_is_told_so(data: Path) -> None:
    with serve(data, "--max-query-memory-bytes=10000") as server:
        httpx.post(f"{server.http_url}/flush", timeout=60)
        status, text = answer_to(server, '{ span.text =~ ".*" }')
        assert status == 400
        assert "more than the limit of 10000 bytes of max_query_memory_bytes (--max-query-memory-bytes)" in text


def test_more_queries_than_may_wait_are_refused_and_the_others_keep_their_turn(server: RunningServer) -> None:
    connections = [ask(server, SLOW) for _ in range(CONCURRENT + QUEUED)]
    refused = wait_for(lambda: _refusal(server))
    assert refused is not None
    assert refused.headers["retry-after"] == "1"
    assert f"job queue full: {CONCURRENT + QUEUED} query jobs run or wait" in refused.text
    assert "max_queued_queries (--max-queued-queries)" in refused.text
    for connection in connections:
        connection.close()
    wait_for(lambda: answer_to(server, "{ }")[0] == 200)


def _refusal(server: RunningServer) -> httpx.Response | None:
    """The refusal of a further search, once there is one; until then it is in the queue, and goes away again."""
    try:
        answer = httpx.get(f"{server.http_url}/api/search", params={"q": "{ }"}, timeout=0.2)
    except httpx.TimeoutException:
        return None
    return answer if answer.status_code == 429 else None
