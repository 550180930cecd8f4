"""The life of a server process: start, signals, end, and starts that cannot be."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import httpx
import pytest

from tests.conftest import ROOT
from tests.server.conftest import EXPORT, request
from tests.servers import command, serve
from tests.store.processes import closed_to_others


def run(*args: str, data: Path) -> subprocess.CompletedProcess[str]:
    """A server that is expected not to start."""
    return subprocess.run(command(data, *args), capture_output=True, text=True, timeout=60, check=False)


def test_the_addresses_are_printed_one_a_line(tmp_path: Path) -> None:
    process = subprocess.Popen(command(tmp_path), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout as lines:
        printed = [next(lines).rstrip("\n") for _ in range(5)]
        process.terminate()
        assert process.wait(60) == 0
    assert re.fullmatch(r"http        http://127\.0\.0\.1:\d+", printed[0])
    assert re.fullmatch(r"grpc        127\.0\.0\.1:\d+", printed[1])
    assert re.fullmatch(r"otlp-grpc   127\.0\.0\.1:\d+", printed[2])
    assert re.fullmatch(r"otlp-http   http://127\.0\.0\.1:\d+", printed[3])
    assert printed[4] == "ready"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_server_with_status_0(tmp_path: Path, number: signal.Signals) -> None:
    with serve(tmp_path) as server:
        server.signal(number)
        assert server.wait() == 0


def test_a_second_signal_changes_nothing(tmp_path: Path) -> None:
    with serve(tmp_path) as server:
        for _ in range(3):
            server.signal(signal.SIGTERM)
        assert server.wait() == 0


def open_connections(stack: ExitStack, *addresses: str) -> Iterator[socket.socket]:
    """A connection to each address: idle after an answer, idle without a request, and in the middle of one's headers."""
    for sent in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"", b"GET / HTT"):
        for address in addresses:
            parts = urlsplit(address)
            connection = stack.enter_context(socket.create_connection((parts.hostname, parts.port), timeout=30))
            connection.sendall(sent)
            if sent.endswith(b"\r\n\r\n"):
                assert connection.recv(9) == b"HTTP/1.1 "
            yield connection


def test_open_connections_do_not_hold_up_the_end(tmp_path: Path) -> None:
    with serve(tmp_path) as server, ExitStack() as stack:
        connections = list(open_connections(stack, server.http_url, server.otlp_http_url))
        channel = stack.enter_context(grpc.insecure_channel(server.otlp_grpc_address))
        channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=None)(b"", timeout=30)
        assert server.stop() == 0
        assert len(connections) == 6


def test_what_was_acknowledged_is_there_after_a_stop(tmp_path: Path) -> None:
    with serve(tmp_path) as server, httpx.Client(base_url=server.otlp_http_url) as client:
        for number in range(20):
            body = request(number.to_bytes(8) + b"\1" * 8).SerializeToString()
            answer = client.post("/v1/traces", content=body, headers={"content-type": "application/x-protobuf"})
            assert answer.status_code == 200
        assert server.stop() == 0
    with serve(tmp_path) as server:
        assert len(httpx.get(f"{server.http_url}/api/search", params={"q": "{}", "limit": 100}).json()["traces"]) == 20


def test_a_flush_on_shutdown_leaves_blocks(tmp_path: Path) -> None:
    with serve(tmp_path, "--flush-on-shutdown") as server:
        with grpc.insecure_channel(server.otlp_grpc_address) as channel:
            call = channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=None)
            call(request(b"x" * 16).SerializeToString(), timeout=30)
        assert not list(tmp_path.glob("blocks/single-tenant/*/meta.json"))
        assert server.stop() == 0
    assert len(list(tmp_path.glob("blocks/single-tenant/*/meta.json"))) == 1


def test_the_grpc_api_answers_health_and_streams(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serve(tmp_path, f"--grpc-port={port}"), grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        health = channel.unary_unary("/grpc.health.v1.Health/Check", request_serializer=None, response_deserializer=None)
        assert health(b"", timeout=30) == b"\x08\x01"
        search = channel.unary_stream("/tempopb.StreamingQuerier/Search", request_serializer=None, response_deserializer=None)
        assert list(search(b"", timeout=30)) == [b"\x12\x00"]


@pytest.mark.parametrize("flag", ["--http-port", "--grpc-port", "--otlp-grpc-port", "--otlp-http-port"])
def test_a_port_in_use_stops_the_start_and_is_named(tmp_path: Path, flag: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(f"{flag}={port}", data=tmp_path)
    assert ended.returncode == 1
    assert f"{flag} {port}" in ended.stderr
    assert "in use" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_a_data_directory_in_use_stops_the_start_and_names_its_holder(tmp_path: Path) -> None:
    with serve(tmp_path) as server:
        ended = run(data=tmp_path)
        assert ended.returncode == 1
        assert str(tmp_path) in ended.stderr
        assert str(server.pid) in ended.stderr
        assert httpx.get(f"{server.http_url}/ready").status_code == 200


def test_a_data_directory_that_cannot_be_one_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a directory")
    ended = run(data=file)
    assert ended.returncode == 1
    assert str(file) in ended.stderr
    assert "Traceback" not in ended.stderr


AS_SOMEBODY_ELSE = """
import os, sys
from pytempo.cli import main
import pytempo.server
os.setgroups([])
os.setgid(10001)
os.setuid(10001)
sys.argv = sys.argv[1:]
main()
"""
"""Root may write everywhere, so it first becomes a user who may not."""


@pytest.mark.skipif(os.getuid() == 0 and bool(closed_to_others()), reason=closed_to_others() or "open to other users")
def test_a_data_directory_of_somebody_else_is_refused_with_uid_gid_and_remedy() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        data.chmod(0o555)
        args = [sys.executable, "-c", AS_SOMEBODY_ELSE, *command(data)[2:]] if os.getuid() == 0 else command(data)
        ended = subprocess.run(args, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    uid, gid = (10001, 10001) if os.getuid() == 0 else (os.getuid(), os.getgid())
    assert ended.returncode == 1
    assert str(data) in ended.stderr
    assert f"uid {uid}, gid {gid}" in ended.stderr
    assert "fsGroup" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--htp-port=1"], "htp-port"),
        (["--http-port=99999"], "--http-port"),
        (["--max-block-duration=5"], "units"),
        (["--trace-idle-period=-1s"], "negative"),
        (["--log-level=loud"], "loud"),
    ],
)
def test_a_wrong_flag_stops_the_start(tmp_path: Path, args: list[str], said: str) -> None:
    ended = run(*args, data=tmp_path / "data")
    assert ended.returncode == 2
    assert said in ended.stderr
    assert not (tmp_path / "data").exists()
