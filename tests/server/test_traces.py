"""Trace by id over HTTP, beyond the whole trace: some of its spans, and a trace that is too large."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx

from pytempo.server.api import tempopb
from tests.building import request, span
from tests.sending import send
from tests.servers import serve

PROTOBUF = {"accept": "application/protobuf"}


def spans_of(http: httpx.Client, trace_id: str, **params: str) -> list[str]:
    """The names of the spans of a trace, by v2."""
    answer = http.get(f"/api/v2/traces/{trace_id}", params=params)
    assert answer.status_code == 200, answer.text
    resources = answer.json()["trace"].get("resourceSpans", [])
    return sorted(span["name"] for resource in resources for scope in resource["scopeSpans"] for span in scope["spans"])


def test_a_query_chooses_the_spans_of_a_trace(http: httpx.Client, export: Callable[..., bytes]) -> None:
    chain = (span(f"{depth}", trace=0x9111, id=depth + 1, parent=depth, attributes={"depth": depth}) for depth in range(6))
    export(request(*chain).SerializeToString())
    assert spans_of(http, "9111") == ["0", "1", "2", "3", "4", "5"]
    q = "{ .depth = 3 }"
    assert spans_of(http, "9111", q=q) == ["3"]
    assert spans_of(http, "9111", q=q, match_depth="1") == ["3", "4"]
    assert spans_of(http, "9111", q=q, match_depth="-1") == ["3", "4", "5"]
    assert spans_of(http, "9111", q=q, ancestor_depth="1") == ["3"]  # without keep_hierarchy it says nothing
    assert spans_of(http, "9111", q=q, keep_hierarchy="true") == ["0", "1", "2", "3"]
    assert spans_of(http, "9111", q=q, keep_hierarchy="true", ancestor_depth="2", match_depth="1") == ["1", "2", "3", "4"]
    assert spans_of(http, "9111", q="{ .depth = 77 }") == []


def test_a_trace_beyond_the_limit_is_422_in_v1_and_partial_in_v2(tmp_path: Path) -> None:
    spans = (span(f"{n}", trace=0x9222, id=n, attributes={"filler": "x" * 100_000}) for n in range(1, 60))
    with serve(tmp_path, "--max-trace-bytes=5000000") as server, httpx.Client(base_url=server.http_url, timeout=60) as http:
        send(server.otlp_grpc_address, request(*spans).SerializeToString())
        answer = http.get("/api/traces/9222")
        assert answer.status_code == 422
        assert answer.text.startswith("trace exceeds max size (max bytes: 5000000)")
        found = http.get("/api/v2/traces/9222").json()
        assert found["status"] == "PARTIAL"
        assert found["message"] == answer.text.strip()
        assert len(spans_of(http, "9222")) == 49
        message = tempopb.message_class("TraceByIDResponse").FromString(http.get("/api/v2/traces/9222", headers=PROTOBUF).content)
        assert (message.status, message.message) == (1, found["message"])
        assert spans_of(http, "9222", q='{ name = "60" }') == []
        assert spans_of(http, "9222", q='{ name = "59" }') == ["59"]
