"""Node's stock exporters over their three protocols: what they send is found at once, with values of every type."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.servers import RunningServer, serve


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with serve(tmp_path_factory.mktemp("node") / "data") as running:
        yield running


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf", "http/json"])
def test_what_the_stock_exporter_sends_is_found(protocol: str, clients: Path, server: RunningServer) -> None:
    url = f"http://{server.otlp_grpc_address}" if protocol == "grpc" else f"{server.otlp_http_url}/v1/traces"
    sent = subprocess.run(["node", "send.mjs", protocol, url], cwd=clients, capture_output=True, text=True, timeout=60, check=True)
    assert not sent.stderr
    query = (
        f'{{ .protocol = "{protocol}" && .order.total = 12.5 && .express = true && .items = "pen" && .order.id >= 0 && event.attempt = 1 }}'
    )

    answer = httpx.get(f"{server.http_url}/api/search", params={"q": query, "limit": 100}, timeout=30).raise_for_status().json()

    assert sorted(trace["traceID"].rjust(32, "0") for trace in answer["traces"]) == sorted(sent.stdout.split())
    assert {trace["rootServiceName"] for trace in answer["traces"]} == {"shop"}
