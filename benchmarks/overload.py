"""More than a server can take, in several shapes: what it holds, whether it goes on answering, and whether it keeps what it acknowledged.

python -m benchmarks overload
"""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import grpc

from benchmarks.load import Template
from benchmarks.machine import heading, peak_memory
from benchmarks.server import Server, running

MIB = 1024 * 1024
PATIENCE = 120.0
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
PROTOBUF = "application/x-protobuf"


@dataclass
class Result:
    """One case on a server of its own."""

    case: str
    seconds: float
    peak_memory_mib: float
    slowest_ready_seconds: float
    slowest_metrics_seconds: float
    acknowledged: int
    """Spans."""
    found: int
    """Those that count_over_time() counts afterwards."""
    refused: int
    """Requests."""


def by_grpc(server: Server, payload: bytes, compression: grpc.Compression | None = None) -> bool:
    """Send one request on a connection of its own; whether it was acknowledged."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(server.otlp_grpc, options=options) as channel:
        try:
            channel.unary_unary(EXPORT)(payload, timeout=PATIENCE, compression=compression, wait_for_ready=True)
        except grpc.RpcError:
            return False
    return True


def by_http(server: Server, payload: bytes, encoding: str = "identity") -> bool:
    """The same over HTTP."""
    headers = {"Content-Type": PROTOBUF, "Content-Encoding": encoding}
    try:
        urllib.request.urlopen(urllib.request.Request(f"{server.otlp_http_url}/v1/traces", payload, headers), timeout=PATIENCE).close()
    except OSError:
        return False
    return True


def together(clients: int, requests: int, copies: int, spans: int, server: Server) -> tuple[int, int]:
    """So many clients, half of them over gRPC, with requests of `copies` times `spans` spans; spans acknowledged, requests refused."""
    template = Template(spans)

    def client(number: int) -> int:
        taken = 0
        for place in range(requests):
            first = (number * requests + place) * copies
            payload = b"".join(template.make(first + copy, time.time_ns()) for copy in range(copies))
            taken += (by_grpc if number % 2 else by_http)(server, payload)
        return taken

    with ThreadPoolExecutor(clients) as pool:
        taken = sum(pool.map(client, range(clients)))
    return taken * copies * template.spans, clients * requests - taken


def bombs(server: Server) -> tuple[int, int]:
    """A gigabyte of zeros in a megabyte, 32 times over HTTP, and 30 MiB of them over gRPC."""
    bomb = gzip.compress(bytes(1024 * MIB), compresslevel=1)
    sends: list[Callable[[], bool]] = [partial(by_http, server, bomb, "gzip")] * 32
    sends += [partial(by_grpc, server, bytes(30 * MIB), grpc.Compression.Gzip)] * 8
    with ThreadPoolExecutor(8) as pool:
        return 0, sum(not taken for taken in pool.map(lambda send: send(), sends))


def slow(server: Server) -> tuple[int, int]:
    """300 silent connections, 100 bodies of 16 MiB that do not come, 100 readers that do not read; and 20 clients beside them."""

    def reach(url: str) -> tuple[str, int]:
        host, port = url.removeprefix("http://").split(":")
        return host, int(port)

    http, otlp = reach(server.http_url), reach(server.otlp_http_url)
    head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {PROTOBUF}\r\nContent-Length: {16 * MIB}\r\n\r\n\n".encode()
    with ExitStack() as stack:
        for address, sent, count in (
            (http, b"", 100),
            (otlp, b"", 100),
            (reach(server.otlp_grpc), b"", 100),
            (otlp, head, 100),
            (http, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 20, 100),
        ):
            for _ in range(count):
                connection = stack.enter_context(socket.create_connection(address))
                connection.sendall(sent)
        return together(20, 10, 1, 64, server)


CASES: dict[str, Callable[[Server], tuple[int, int]]] = {
    "200 clients, 10 requests of 64 spans each": partial(together, 200, 10, 1, 64),
    "16 clients, 2 requests of 15 MiB each": partial(together, 16, 2, 110, 512),
    "silent and slow connections": slow,
    "bombs": bombs,
}


@contextlib.contextmanager
def asking(server: Server) -> Iterator[dict[str, float]]:
    """Seconds of the slowest answer by path, asked from entering to leaving; infinite where one failed."""
    slowest, over = {"/ready": 0.0, "/metrics": 0.0}, threading.Event()

    def ask() -> None:
        while not over.wait(0.1):
            for path in slowest:
                started = time.perf_counter()
                try:
                    urllib.request.urlopen(server.http_url + path, timeout=30).close()
                except OSError:
                    slowest[path] = float("inf")
                slowest[path] = max(slowest[path], time.perf_counter() - started)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield slowest
    finally:
        over.set()
        thread.join()


def count(server: Server) -> int:
    """All spans that are stored."""
    now = int(time.time())
    asked = urllib.parse.urlencode({"q": "{} | count_over_time()", "start": now - 3000, "end": now + 60})
    with urllib.request.urlopen(f"{server.http_url}/api/metrics/query?{asked}", timeout=PATIENCE) as answer:
        series = json.load(answer)["series"]
    return int(series[0]["value"]) if series else 0


def measure(case: str) -> Result:
    """Run one case."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "data", "--log-level=error") as server:
        started = time.perf_counter()
        with asking(server) as slowest:
            acknowledged, refused = CASES[case](server)
        seconds = time.perf_counter() - started
        found = count(server)
        return Result(case, seconds, peak_memory(server.pid) / MIB, slowest["/ready"], slowest["/metrics"], acknowledged, found, refused)


def run(path: Path) -> None:
    """Run all cases, print a line of a table each, and write them to a JSON file."""
    print(heading("requests of benchmarks/data.py; a server of its own for each case"), flush=True)
    print("| case | s | peak MiB | slowest /ready s | slowest /metrics s | acknowledged | found | requests refused |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    results = []
    for case in CASES:
        one = measure(case)
        results.append(asdict(one))
        answers = f"{one.slowest_ready_seconds:.2f} | {one.slowest_metrics_seconds:.2f}"
        counts = f"{one.acknowledged} | {one.found} | {one.refused}"
        print(f"| {case} | {one.seconds:.1f} | {one.peak_memory_mib:.0f} | {answers} | {counts} |", flush=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
