"""Clients that go away: what they asked for ends, and nothing of it stays behind."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import grpc
import httpx
import pytest

from tests.server.conftest import EXPORT
from tests.server.stream.client import ask, begin
from tests.server.stream.conftest import PORTS, address, large
from tests.servers import RunningServer, serve

QUERY = '{ .large =~ ".*1.*2.*" } | select(.large)'

WARM, TIMES = 16, 100


def open_files(server: RunningServer) -> int:
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))


def threads(server: RunningServer) -> int:
    return len(list(Path(f"/proc/{server.pid}/task").iterdir()))


def wait_until(reached: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline, f"not within 60 s: {what}"
        time.sleep(0.01)


def idle(server: RunningServer) -> bool:
    """Whether the query threads have nothing left to do: what is asked now does not wait."""
    return httpx.get(f"{server.http_url}/api/search", params={"q": "{}", "limit": 1}, timeout=60).status_code == 200


def leave_stream(server: RunningServer, port: str, times: int) -> None:
    with grpc.insecure_channel(address(server, port)) as channel:
        for _ in range(times):
            begin(channel, "Search", Query=QUERY, Limit=2000).cancel()


def leave_http(server: RunningServer, times: int) -> None:
    host, port = server.http_url.removeprefix("http://").split(":")
    path = "/api/search?limit=2000&q=" + quote(QUERY, safe="")
    for _ in range(times):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())


def leave(server: RunningServer, times: int) -> None:
    """In each of the ways that there are, so many times."""
    for port in PORTS:
        leave_stream(server, port, times)
    leave_http(server, times)
    assert idle(server)


def test_clients_that_leave_take_nothing_with_them(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """S67: no threads and no open files are left, and the log has no stack trace."""
    with serve(tmp_path) as server:
        with grpc.insecure_channel(server.otlp_grpc_address, options=[("grpc.max_send_message_length", -1)]) as channel:
            channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=None)(large().SerializeToString(), timeout=60)
        leave(server, WARM)
        wait_until(lambda: open_files(server) < 100, "the connections of the clients that left are closed")
        before = threads(server), open_files(server)
        leave(server, TIMES)
        wait_until(lambda: open_files(server) <= before[1] + 4, f"no more open files than the {before[1]} before")
        assert threads(server) <= before[0] + 8
        with grpc.insecure_channel(address(server, "grpc")) as channel:
            assert len(ask(channel, "Search", Query="{}", Limit=3).traces) == 3
        assert server.stop() == 0
    assert "Traceback" not in capfd.readouterr().err
