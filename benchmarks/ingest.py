"""From the socket to the block: CPU a span, memory, bytes on disk, and the two questions that people ask first.

python -m benchmarks ingest --spans 200000 --request 512 --clients 4
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from benchmarks.data import Corpus
from benchmarks.machine import cpu_seconds, folder_bytes, heading, peak_memory
from benchmarks.server import Server, running

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def measure(spans: int, spans_per_request: int, clients: int) -> dict[str, float]:
    """Run it once; the figures by name."""
    corpus = Corpus(spans, spans_per_request)
    requests = list(corpus.requests())
    size = sum(map(len, requests))
    print(heading(f"{spans} spans of {size / spans:.0f} B in requests of {spans_per_request}, {clients} clients"), flush=True)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        before = cpu_seconds(server.pid)
        seconds = send(server, requests, clients)
        acknowledged = cpu_seconds(server.pid)
        ask(f"{server.http_url}/flush")
        figures = {
            "cpu_us_per_span_to_ack": 1e6 * (acknowledged - before) / spans,
            "cpu_us_per_span_to_block": 1e6 * (cpu_seconds(server.pid) - before) / spans,
            "acknowledged_spans_per_second": spans / seconds,
            "peak_memory_mib": peak_memory(server.pid) / 2**20,
            "disk_bytes_per_span": folder_bytes(Path(folder) / "blocks") / spans,
        }
        figures["trace_by_id_ms"] = median(corpus.trace_ids, lambda value: f"{server.http_url}/api/traces/{value}")
        figures["needle_ms"] = median(corpus.request_ids, lambda value: _needle(server, value))
    return figures


def send(server: Server, requests: Sequence[bytes], clients: int) -> float:
    """Export everything over gRPC from so many threads; the seconds it took."""
    with grpc.insecure_channel(server.otlp_grpc) as channel, ThreadPoolExecutor(clients) as pool:
        export = channel.unary_unary(EXPORT)
        grpc.channel_ready_future(channel).result(timeout=30)
        started = time.perf_counter()
        list(pool.map(lambda request: export(request, timeout=60), requests))
        return time.perf_counter() - started


def median(values: Sequence[str], url: Callable[[str], str]) -> float:
    """Milliseconds, the median over different questions of one kind; one is asked first and not counted."""
    times = []
    for value in values[:30]:
        started = time.perf_counter()
        ask(url(value))
        times.append(1e3 * (time.perf_counter() - started))
    return statistics.median(times[1:])


def ask(url: str) -> bytes:
    """The body of an answer; raises for a status that is no success."""
    with urllib.request.urlopen(url, timeout=120) as answer:
        body: bytes = answer.read()
        return body


def _needle(server: Server, value: str) -> str:
    query = urllib.parse.urlencode({"q": f'{{ span.request.id = "{value}" }}'})
    return f"{server.http_url}/api/search?{query}"


def show(figures: dict[str, float], as_json: bool) -> None:
    """Print the figures as a table, or as one JSON object."""
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:34}{value:14,.2f}")
