"""What questions cost, and what they hold in memory, as the store grows.

The data is made by other processes and comes from files, the blocks are written by one process and asked by another: neither's memory holds
what the others need.

python -m benchmarks growth --sizes 100000 1000000 10000000
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytempo
from benchmarks import query, spool
from benchmarks.data import Corpus
from benchmarks.machine import peak_memory
from benchmarks.plot import Panel, over_steps
from benchmarks.questions import KINDS, ROUNDS
from benchmarks.report import Report, Rows
from benchmarks.spool import Spool
from pytempo import StoreOptions
from pytempo.maintenance import FlushOptions

T = TypeVar("T")

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
            data = Path(folder) / "data"
            cost, corpus = blocks(data, size)
            columns[f"{size}"] = {**cost, **_alone(ask, data, corpus)}
    rows = {kind: {size: figures[kind] for size, figures in columns.items()} for kind in next(iter(columns.values()))}
    how = f"benchmarks/data.py, blocks of about {spool.PIECE} spans; median of {ROUNDS} after one not counted, ms on a clock"
    return Report("growth", how, rows, plot(rows))


def plot(rows: Rows) -> str:
    """Some of the kinds, and memory."""
    panels = [Panel(title, {name: list(rows[kind].values()) for name, kind in kinds.items()}) for title, kinds in PANELS.items()]
    panels.append(Panel("largest memory of the process that asks, MiB", {"": list(rows["peak_memory_mib"].values())}))
    return over_steps("Questions by the number of spans", list(rows["trace by id"]), panels)


def blocks(data: Path, spans: int) -> tuple[dict[str, float], Corpus]:
    """Write a store of blocks, in a process of its own; what that cost, and the corpus that knows some of the ids."""
    with tempfile.TemporaryDirectory() as folder:
        spooled = spool.write(Path(folder), Corpus(spans))
        return _alone(fill, data, spooled), spooled.corpus


def _alone(work: Callable[[Path, T], dict[str, float]], folder: Path, what: T) -> dict[str, float]:
    """What a function returns in a new process, whose memory is its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, folder, what).result()


def fill(data: Path, spooled: Spool) -> dict[str, float]:
    """Write the blocks, one for each piece; the CPU that a span costs in process, to its block on disk."""
    used = 0.0
    with pytempo.open(data, options=StoreOptions(flush=FlushOptions(max_block_bytes=2**40, max_live_bytes=2**40))) as store:
        for piece in spooled.pieces():
            for payload in piece:
                began = time.process_time()
                store.export(payload)
                used += time.process_time() - began
            began = time.process_time()
            store.flush()
            used += time.process_time() - began
    return {"CPU us a span, export and flush": 1e6 * used / spooled.corpus.spans}


def ask(data: Path, corpus: Corpus) -> dict[str, float]:
    """Milliseconds by kind, and the largest memory."""
    found = dict[str, float]()
    with pytempo.open(data, read_only=True) as store:
        began = time.perf_counter()
        store.search("{ }")
        found["first search after the start"] = 1e3 * (time.perf_counter() - began)
        for kind, question in KINDS.items():
            query.ask(store, question, corpus, ROUNDS)
            times = []
            for number in range(ROUNDS):
                began = time.perf_counter()
                query.ask(store, question, corpus, number)
                times.append(time.perf_counter() - began)
            found[kind] = 1e3 * statistics.median(times)
    return {**found, "peak_memory_mib": peak_memory(multiprocessing.current_process().pid or 0) / 2**20}
