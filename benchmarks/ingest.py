"""From the socket to the block, by the size of requests: CPU a span, memory, bytes on disk, and the two questions that people ask first.

With requests of 64 spans, the same is sent to a second server at half of the rate that the first one took.

python -m benchmarks ingest --spans 200000 --requests 1 16 64 512 8192
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import spool
from benchmarks.data import Corpus, request_id
from benchmarks.machine import Peak, cpu_seconds, folder_bytes
from benchmarks.plot import Panel, over_steps
from benchmarks.report import Report, Rows
from benchmarks.sending import Submit, at_rate, by_grpc, closed, seconds_until
from benchmarks.server import Server, running
from benchmarks.spool import Spool

MOST_REQUESTS = 20_000
"""Of one size: small requests are measured with fewer spans."""

HALF_LOAD = 64
"""The size of requests with which acknowledgements are measured at half of the full rate as well."""

SINGLES = 20
"""Traces that are asked for as soon as they are acknowledged; the slowest counts."""

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
    with tempfile.TemporaryDirectory() as folder:
        spooled = spool.write(Path(folder) / "requests", Corpus(spans, spans_per_request, mix=mix))
        figures = full_load(Path(folder) / "full", spooled, clients)
        if spans_per_request == HALF_LOAD:
            figures |= half_load(Path(folder) / "half", spooled, figures["acknowledged_spans_per_second"] / 2)
        return figures


def full_load(data: Path, spooled: Spool, clients: int) -> dict[str, float]:
    """As much as a new server takes from so many clients, and a few questions afterwards."""
    corpus, spans = spooled.corpus, spooled.corpus.spans
    with running(data) as server, by_grpc(server.otlp_grpc) as submit, Peak(server.pid) as peak:
        before = cpu_seconds(server.pid)
        sent = closed(submit, spooled, clients)
        acknowledged = cpu_seconds(server.pid)
        ask(f"{server.http_url}/flush")
        return {
            "cpu_us_per_span_to_ack": 1e6 * (acknowledged - before) / spans,
            "cpu_us_per_span_to_block": 1e6 * (cpu_seconds(server.pid) - before) / spans,
            "acknowledged_spans_per_second": spans / sent.seconds,
            "acknowledged_p99_ms": sent.percentile(99),
            "peak_memory_mib": peak.mib,
            "disk_bytes_per_span": folder_bytes(data / "blocks") / spans,
            "otlp_bytes_per_span": sum(map(len, spooled)) / spans,
            "trace_by_id_ms": median(corpus.trace_ids, lambda value: f"{server.http_url}/api/traces/{value}"),
            "needle_ms": median(corpus.request_ids, lambda value: _needle(server, value)),
        }


def half_load(data: Path, spooled: Spool, spans_per_second: float) -> dict[str, float]:
    """How long an acknowledgement takes at that rate, and how long after it its spans are found."""
    size = spooled.corpus.spans_per_request
    with running(data) as server, by_grpc(server.otlp_grpc) as submit:
        sent = at_rate(submit, spooled, spans_per_second / size)
        if sent.failures:
            raise sent.failures[0]
        single = [Corpus(8, 8, seed=seed) for seed in range(10_000, 10_000 + SINGLES)]
        return {
            "half_load_spans_per_second": size * len(sent.times) / sent.seconds,
            "half_load_acknowledged_p50_ms": sent.percentile(50),
            "half_load_acknowledged_p99_ms": sent.percentile(99),
            "acknowledged_to_found_ms": 1e3 * max(_until_found(server, submit, corpus) for corpus in single),
        }


def _until_found(server: Server, submit: Submit, corpus: Corpus) -> float:
    """Seconds from the acknowledgement of a trace to the question that finds one of its spans by its attribute."""
    request = next(corpus.requests())
    submit(request).result()
    return seconds_until(lambda: bool(json.loads(ask(_needle(server, request_id(request))))["traces"]))


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
