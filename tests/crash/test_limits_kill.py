"""A server with limits that is killed while it refuses spans: what it told each sender is what the next start shows, and no more."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.building import request, span
from tests.sending import exporter
from tests.servers import serve
from tests.waiting import PATIENCE

pytestmark = pytest.mark.crash

ROUNDS, CLIENTS, REQUESTS, TRACES = 2, 4, 25, 6
LIMITS = ("--max-bytes-per-trace=6000", f"--max-traces={TRACES - 1}")


def send(address: str, first: int) -> tuple[int, int]:
    """How many spans were taken and refused. Every request has a span of each trace."""
    taken = refused = 0
    with grpc.insecure_channel(address) as channel:
        for number in range(first, first + REQUESTS):
            spans = [
                span(f"{number}", trace=trace + 1, id=100 * number + trace + 1, attributes={"f": "x" * 200}) for trace in range(TRACES)
            ]
            answer = exporter(channel)(request(*spans).SerializeToString(), timeout=PATIENCE)
            told = ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans
            taken, refused = taken + TRACES - told, refused + told
    return taken, refused


def spans(url: str) -> dict[int, int]:
    """The number of spans of each trace."""
    counts = {}
    for trace in range(1, TRACES + 1):
        answer = httpx.get(f"{url}/api/traces/{trace:x}", timeout=PATIENCE)
        batches = json.loads(answer.text)["batches"] if answer.status_code == 200 else []
        counts[trace] = sum(len(scope["spans"]) for batch in batches for scope in batch["scopeSpans"])
    return counts


def test_what_was_refused_stays_away_whatever_limits_the_next_start_has(tmp_path: Path) -> None:
    shown: dict[int, int] = dict.fromkeys(range(1, TRACES + 1), 0)
    for turn in range(ROUNDS):
        with serve(tmp_path / "data", *LIMITS) as server:
            assert spans(server.http_url) == shown
            with ThreadPoolExecutor(CLIENTS) as pool:
                firsts = [1 + (turn * CLIENTS + client) * REQUESTS for client in range(CLIENTS)]
                told = list(pool.map(lambda first: send(server.otlp_grpc_address, first), firsts))
            before, shown = sum(shown.values()), spans(server.http_url)
            assert sum(shown.values()) - before == sum(taken for taken, _ in told)
            assert sum(refused for _, refused in told) > 0
            server.kill()
    with serve(tmp_path / "data") as server:
        assert spans(server.http_url) == shown
        assert httpx.get(f"{server.http_url}/flush", timeout=PATIENCE).status_code == 204
        assert spans(server.http_url) == shown
