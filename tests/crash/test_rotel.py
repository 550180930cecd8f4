"""A stock forwarder in front of a server that is killed and started again under load: not one span is lost or doubled.

The forwarder is rotel (PyPI). It keeps what it could not deliver and sends it again, but for a batch whose connection is reset in the
middle: that one it drops, and says so. A batch is of requests one after the other, so each gap in what is found has a line in what it says.
"""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import threading
from collections.abc import Container, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import grpc
import httpx
import pytest

from tests.building import BASE, SECOND, request, span
from tests.sending import send
from tests.servers import serve
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.crash

RESTARTS = 3
SPANS_A_REQUEST = 5
REQUESTS_A_ROUND = 40


def agent() -> Path:
    """The forwarder's program; the test is skipped where it is not installed."""
    found = importlib.util.find_spec("rotel")
    if found is None or found.origin is None:
        pytest.skip("the forwarder rotel is not installed; the extra `dev` brings it on Linux with Python before 3.14")
    return Path(found.origin).parent / "rotel-agent"


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def forwarder(target: int, folder: Path) -> Iterator[str]:
    """A running forwarder that sends on to the OTLP/gRPC port `target`; its own OTLP/gRPC address."""
    ports = [free_port(), free_port()]
    command: list[str | Path] = [agent(), "start", "--exporter=otlp", "--otlp-exporter-protocol=grpc"]
    command += [f"--otlp-grpc-endpoint=127.0.0.1:{ports[0]}", f"--otlp-http-endpoint=127.0.0.1:{ports[1]}"]
    command += [f"--otlp-exporter-endpoint=http://127.0.0.1:{target}", "--batch-timeout=50ms"]
    command += ["--otlp-exporter-retry-initial-backoff=100ms", "--otlp-exporter-retry-max-backoff=500ms"]
    command += [f"--pid-file={folder}/rotel.pid", f"--log-file={folder}/rotel.log"]
    with (folder / "rotel.out").open("w") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            with grpc.insecure_channel(f"127.0.0.1:{ports[0]}") as channel:
                grpc.channel_ready_future(channel).result(PATIENCE)
            yield f"127.0.0.1:{ports[0]}"
        finally:
            process.kill()


def payloads(first: int, last: int) -> Iterator[bytes]:
    """Requests of the numbers from `first` to before `last`, each a trace."""
    for number in range(first, last):
        ids = range(number * SPANS_A_REQUEST + 1, (number + 1) * SPANS_A_REQUEST + 1)
        yield request(*(span(f"{number}", trace=number + 1, id=each, start=BASE + number * SECOND) for each in ids)).SerializeToString()


def matched_by_trace(url: str) -> dict[int, int]:
    """How many spans of each trace are found."""
    found = httpx.get(f"{url}/api/search", params={"q": "{}", "limit": "100000"}, timeout=PATIENCE).json()["traces"]
    assert len({trace["traceID"] for trace in found}) == len(found)
    return {int(trace["traceID"], 16) - 1: trace["spanSets"][0]["matched"] for trace in found}


def gaps(found: Container[int], total: int) -> int:
    """How many runs of numbers below `total` are missing."""
    return sum(number not in found and (number == 0 or number - 1 in found) for number in range(total))


def dropped(folder: Path) -> int:
    """How many batches the forwarder says it gave up."""
    return (folder / "rotel.out").read_text().count("dropping data")


def test_a_forwarder_delivers_everything_over_restarts(tmp_path: Path) -> None:
    target = free_port()
    flags = (f"--otlp-grpc-port={target}", "--max-block-bytes=20000")
    total = (RESTARTS + 1) * REQUESTS_A_ROUND
    data = tmp_path / "data"
    with forwarder(target, tmp_path) as address:
        for round_ in range(RESTARTS):
            with serve(data, *flags) as server:
                sender = threading.Thread(
                    target=send, args=(address, *payloads(round_ * REQUESTS_A_ROUND, (round_ + 1) * REQUESTS_A_ROUND))
                )
                sender.start()
                wait_for(lambda url=server.http_url, first=round_ * REQUESTS_A_ROUND: max(matched_by_trace(url), default=-1) >= first)
                server.kill()
                sender.join(PATIENCE)
        with serve(data, *flags) as server:
            send(address, *payloads(RESTARTS * REQUESTS_A_ROUND, total))
            wait_for(lambda: gaps(matched_by_trace(server.http_url), total) <= dropped(tmp_path))
            found = matched_by_trace(server.http_url)
            assert found == dict.fromkeys(found, SPANS_A_REQUEST)
