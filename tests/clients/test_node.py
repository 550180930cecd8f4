"""Node's stock exporters over their three protocols: what they send is found at once, with values of every type."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.servers import RunningServer, serve

HERE = Path(__file__).parent / "node"

INSTALL_SECONDS = 120


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clients and what they need, installed from the registry of npm."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed: the exporters of JavaScript need them")
    folder = tmp_path_factory.mktemp("node") / "clients"
    shutil.copytree(HERE, folder)
    install = ["npm", "install", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts"]
    try:
        done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install the exporters within {INSTALL_SECONDS} s")
    if done.returncode:
        pytest.skip(f"npm cannot install the exporters: {done.stderr.strip().splitlines()[-1:]}")
    return folder


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
