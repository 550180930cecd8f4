"""What questions cost, and what they hold in memory, as the store grows.

python -m benchmarks growth --sizes 100000 1000000
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytempo
from benchmarks.data import Corpus
from benchmarks.machine import peak_memory
from benchmarks.plot import Panel, over_steps
from benchmarks.query import KINDS, ROUNDS
from benchmarks.report import Report, Rows
from pytempo import StoreOptions
from pytempo.maintenance import FlushOptions

SPANS = 200_000
"""Of a block, about."""

PANELS = {
    "single finds, ms": {
        "trace by id": "trace by id",
        "one value": '{ span.request.id = "..." }, one hit',
        "a value that is nowhere": "a value that is nowhere",
    },
    "searches, ms": {
        "status and service": '{ status = error && resource.service.name = "..." }',
        "duration": "{ duration > 900ms }",
        "errors, count() > 3": "{ status = error } | count() > 3",
    },
    "metrics, ms": {
        "rate() by service": "{ } | rate() by (resource.service.name)",
        "quantile by name": "{ } | quantile_over_time(duration, .99) by (name)",
    },
}
"""Kinds of questions, by panel of the plot and what they are called there."""


def run(sizes: Sequence[int]) -> Report:
    """A store of each size, asked by a process of its own."""
    columns = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            columns[f"{size}"] = {**_alone(fill, Path(folder), size), **_alone(ask, Path(folder), size)}
    rows = {kind: {size: figures[kind] for size, figures in columns.items()} for kind in next(iter(columns.values()))}
    data = f"benchmarks/data.py, blocks of about {SPANS} spans; median of {ROUNDS} after one not counted, ms on a clock"
    return Report("growth", data, rows, plot(rows))


def plot(rows: Rows) -> str:
    """Some of the kinds, and memory."""
    panels = [Panel(title, {name: list(rows[kind].values()) for name, kind in kinds.items()}) for title, kinds in PANELS.items()]
    panels.append(Panel("largest memory of the process that asks, MiB", {"": list(rows["peak_memory_mib"].values())}))
    return over_steps("Questions by the number of spans", list(rows["trace by id"]), panels)


def _alone(work: Callable[[Path, int], dict[str, float]], folder: Path, spans: int) -> dict[str, float]:
    """What a function returns in a new process, whose memory is its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, folder, spans).result()


def fill(folder: Path, spans: int) -> dict[str, float]:
    """Write the blocks; the CPU that a span costs in process, to its block on disk."""
    used = 0.0
    with pytempo.open(folder, options=StoreOptions(flush=FlushOptions(max_block_bytes=2**40, max_live_bytes=2**40))) as store:
        corpus = Corpus(spans)
        for number, payload in enumerate(corpus.requests(), 1):
            began = time.process_time()
            store.export(payload)
            if number % (SPANS // corpus.spans_per_request) == 0:
                store.flush()
            used += time.process_time() - began
        began = time.process_time()
        store.flush()
        used += time.process_time() - began
    return {"CPU us a span, export and flush": 1e6 * used / spans}


def ask(folder: Path, spans: int) -> dict[str, float]:
    """Milliseconds by kind, and the largest memory."""
    corpus, found = Corpus(min(spans, 100_000)), dict[str, float]()
    for _ in corpus.requests():
        pass  # which notes the ids that are asked for
    with pytempo.open(folder, read_only=True) as store:
        began = time.perf_counter()
        store.search("{ }")
        found["first search after the start"] = 1e3 * (time.perf_counter() - began)
        for kind, question in KINDS.items():
            question(store, corpus, ROUNDS)
            times = []
            for number in range(ROUNDS):
                began = time.perf_counter()
                question(store, corpus, number)
                times.append(time.perf_counter() - began)
            found[kind] = 1e3 * statistics.median(times)
    return {**found, "peak_memory_mib": peak_memory(multiprocessing.current_process().pid or 0) / 2**20}
