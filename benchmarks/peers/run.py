"""One store after the other: what the same spans cost each, and what the same questions take, pair by pair."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import spool
from benchmarks.data import SECOND, Corpus, request_id
from benchmarks.machine import Peak, cpu_seconds, folder_bytes
from benchmarks.peers.present import stores
from benchmarks.peers.pytempo import Pytempo
from benchmarks.peers.store import Ask, Running
from benchmarks.plot import bars
from benchmarks.questions import KINDS, NEEDLE, ROUNDS
from benchmarks.report import Report, Rows
from benchmarks.sending import Submit, closed, seconds_until
from benchmarks.spool import Spool

AGO = 130 * SECOND
"""Before now is where the data begins, since stores treat what is new in a way of its own, and take nothing from the future."""

CALM, CALM_SECONDS, MOST_SECONDS = 0.05, 3.0, 180.0
"""Of a core, for so long, and after at most so long: a store whose merges are over."""

Columns = dict[str, dict[str, float]]
"""Figures by the name of a store, and by their own."""

TOO_SMALL = 1e-3
"""For something to be a multiple of it."""


def run(spans: int, size: int, clients: int, mix: str) -> Report:
    """Measure each store that there is."""
    columns: Columns = {}
    with tempfile.TemporaryDirectory() as folder:
        spooled = spool.write(Path(folder) / "requests", Corpus(spans, size, mix=mix, base=time.time_ns() - AGO))
        for store in stores():
            data = Path(folder) / store.name
            data.mkdir()
            with store.running(data) as running:
                columns[store.name] = measure(running, spooled, clients)
            print(f"{store.name} is measured: {columns[store.name]}", file=sys.stderr, flush=True)
    how = f"{size} a request, {clients} clients; questions over HTTP, median of {ROUNDS} after one not counted, ms on a clock"
    return Report("peers", f"{spans} spans of benchmarks/data.py ({mix}) that end now, {how}", paired(columns), plot(columns))


def plot(columns: Columns) -> str:
    """The questions."""
    asked = {name: {kind: figures[kind] for kind in KINDS if kind in figures} for name, figures in columns.items()}
    return bars("Questions over HTTP, median of a kind", asked, "ms")


def measure(running: Running, spooled: Spool, clients: int) -> dict[str, float]:
    """The figures of one store, by name."""
    spans, figures = spooled.corpus.spans, dict[str, float]()
    with Peak(running.pid) as peak, running.sender() as submit:
        before = cpu_seconds(running.pid)
        sent = closed(submit, spooled, clients)
        figures["CPU us a span, to the acknowledgement"] = 1e6 * (cpu_seconds(running.pid) - before) / spans
        running.settle(sum(part.traces for part in spooled.corpora))
        figures["CPU us a span, to the block on disk"] = 1e6 * (cpu_seconds(running.pid) - before) / spans
        figures["acknowledged spans a second"] = spans / sent.seconds
        figures["acknowledged within ms, 99 %"] = sent.percentile(99)
        figures["largest memory of ingest, MiB"] = peak.mib
        wait_until_calm(running.pid)
        figures["CPU us a span, until it is calm"] = 1e6 * (cpu_seconds(running.pid) - before) / spans
        figures["disk bytes a span"] = folder_bytes(running.data) / spans
        for kind in KINDS:
            if kind in running.questions:
                figures |= _timed(kind, running.questions[kind], spooled.corpus)
        figures["largest memory of all, MiB"] = peak.mib
        figures["from acknowledged to found, ms"] = 1e3 * _until_found(running, submit, spooled.corpus)
    return figures


def _timed(kind: str, ask: Ask, corpus: Corpus) -> dict[str, float]:
    """Milliseconds of a kind, and how much the last answer held."""
    times = []
    found = ask(corpus, ROUNDS)
    for number in range(ROUNDS):
        began = time.perf_counter()
        found = ask(corpus, number)
        times.append(time.perf_counter() - began)
    return {kind: 1e3 * statistics.median(times), f"found: {kind}": found}


def _until_found(running: Running, submit: Submit, corpus: Corpus) -> float:
    """Seconds from the acknowledgement of a trace until a question finds one of its spans."""
    single = Corpus(8, 8, seed=corpus.seed + 1_000_000, base=corpus.base)
    (request,) = single.requests()
    single.request_ids[:] = [request_id(request)]
    submit(request).result()
    return seconds_until(lambda: running.questions[NEEDLE](single, 0) > 0)


def wait_until_calm(pid: int) -> None:
    """Until a store no longer does anything by itself, or has not ended that in a long time."""
    since = time.monotonic()
    while time.monotonic() - since < MOST_SECONDS:
        before = cpu_seconds(pid)
        time.sleep(CALM_SECONDS)
        if cpu_seconds(pid) - before < CALM * CALM_SECONDS:
            return


def paired(columns: Columns) -> Rows:
    """A row for each figure: that of each store, how many times that of pytempo it is, and how much each found."""
    rows = {}
    for name in columns[Pytempo.name]:
        if name.startswith("found: "):
            continue
        values = {store: figures[name] for store, figures in columns.items() if name in figures}
        ours = values[Pytempo.name]
        ratios = {f"{store} / pytempo": value / ours for store, value in values.items() if store != Pytempo.name and ours > TOO_SMALL}
        found = {f"found, {store}": figures[f"found: {name}"] for store, figures in columns.items() if f"found: {name}" in figures}
        rows[name] = {**values, **ratios, **found}
    return rows
