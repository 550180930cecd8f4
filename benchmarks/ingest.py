"""From the socket to the block, by the size of requests: CPU a span, memory, bytes on disk, and the two questions that people ask first.

python -m benchmarks ingest --spans 200000 --requests 1 16 64 512 8192
"""

from __future__ import annotations

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
from benchmarks.machine import cpu_seconds, folder_bytes, peak_memory
from benchmarks.plot import Panel, over_steps
from benchmarks.report import Report, Rows
from benchmarks.server import Server, running

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


MOST_REQUESTS = 20_000
"""Of one size: small requests are measured with fewer spans."""

DRAWN = 100
"""Microseconds a span: small requests take many times as much, beside which the others could not be told apart."""


def run(spans: int, sizes: Sequence[int], clients: int, mix: str) -> Report:
    """A server of its own for each size of requests."""
    rows = {str(size): measure(min(spans, MOST_REQUESTS * size), size, clients, mix) for size in sizes}
    data = f"{spans} spans of benchmarks/data.py ({mix}), at most {MOST_REQUESTS} requests of a size, {clients} clients; a row a size"
    return Report("ingest", data, rows, plot(rows))


def plot(rows: Rows) -> str:
    """Over the sizes of requests."""
    figures = list(rows.values())
    costs = {f"to the {name}": [min(row[f"cpu_us_per_span_to_{name}"], DRAWN) for row in figures] for name in ("ack", "block")}
    panels = (
        Panel(f"CPU, microseconds a span, up to {DRAWN}", costs),
        Panel("acknowledged, thousand spans a second", {"": [row["acknowledged_spans_per_second"] / 1000 for row in figures]}),
        Panel("99 % are acknowledged within, ms, at full load", {"": [row["acknowledged_p99_ms"] for row in figures]}),
        Panel("largest memory, MiB", {"": [row["peak_memory_mib"] for row in figures]}),
    )
    return over_steps("Ingest by spans of a request", list(rows), panels)


def measure(spans: int, spans_per_request: int, clients: int, mix: str = "plain") -> dict[str, float]:
    """One size of requests; the figures by name."""
    corpus = Corpus(spans, spans_per_request, mix=mix)
    requests = list(corpus.requests())
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        before = cpu_seconds(server.pid)
        times: list[float] = []
        seconds = send(server, requests, clients, times)
        acknowledged = cpu_seconds(server.pid)
        ask(f"{server.http_url}/flush")
        figures = {
            "cpu_us_per_span_to_ack": 1e6 * (acknowledged - before) / spans,
            "cpu_us_per_span_to_block": 1e6 * (cpu_seconds(server.pid) - before) / spans,
            "acknowledged_spans_per_second": spans / seconds,
            "acknowledged_p99_ms": 1e3 * sorted(times)[int(0.99 * len(times))],
            "peak_memory_mib": peak_memory(server.pid) / 2**20,
            "disk_bytes_per_span": folder_bytes(Path(folder) / "blocks") / spans,
            "otlp_bytes_per_span": sum(map(len, requests)) / spans,
        }
        figures["trace_by_id_ms"] = median(corpus.trace_ids, lambda value: f"{server.http_url}/api/traces/{value}")
        figures["needle_ms"] = median(corpus.request_ids, lambda value: _needle(server, value))
    return figures


def send(server: Server, requests: Sequence[bytes], clients: int, times: list[float]) -> float:
    """Export everything over gRPC from so many threads; the seconds it took. `times` gets those of each request."""
    with grpc.insecure_channel(server.otlp_grpc) as channel, ThreadPoolExecutor(clients) as pool:
        export = channel.unary_unary(EXPORT)
        grpc.channel_ready_future(channel).result(timeout=30)
        started = time.perf_counter()

        def one(request: bytes) -> None:
            begin = time.perf_counter()
            export(request, timeout=60)
            times.append(time.perf_counter() - begin)

        list(pool.map(one, requests))
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
