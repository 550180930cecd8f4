"""Merging blocks: CPU a span, memory, bytes, and how long queries take meanwhile, with the merge in this process and in one of its own.

python -m benchmarks compaction --blocks 8 --spans 50000
"""

from __future__ import annotations

import os
import resource
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import pytempo
from benchmarks.data import Corpus
from benchmarks.machine import folder_bytes
from benchmarks.plot import bars
from benchmarks.report import Report
from pytempo import Store, StoreOptions
from pytempo.maintenance import CompactionOptions

MILLISECOND = 1e-3


def run(blocks: int, spans: int) -> Report:
    """Merge in a thread and in a worker process."""
    rows = measure(blocks, spans)
    queries = {name: {key: value for key, value in row.items() if key.startswith("query_")} for name, row in rows.items()}
    return Report("compaction", f"{blocks} blocks of {spans} spans", rows, bars("Traces by id beside a merge", queries, "ms"))


def measure(blocks: int, spans: int) -> dict[str, dict[str, float]]:
    """The figures of a merge in a `thread` and in a `process`."""
    figures: dict[str, dict[str, float]] = {}
    for name, worker in (("thread", False), ("process", True)):
        options = StoreOptions(compaction=CompactionOptions(disabled=True, worker_process=worker, compacted_block_retention=0))
        with tempfile.TemporaryDirectory() as folder, pytempo.open(folder, options=options) as store:
            corpora = [Corpus(spans, seed=seed) for seed in range(blocks)]
            for corpus in corpora:
                for payload in corpus.requests():
                    store.export(payload)
                store.flush()
            trace = corpora[0].trace_ids[0]
            figures[name] = _merged(store, lambda store=store, trace=trace: store.trace(trace), blocks * spans)
            figures[name]["disk_bytes_per_span"] = folder_bytes(Path(folder) / "blocks" / "single-tenant" / store.blocks()[0].block_id) / (
                blocks * spans
            )
    return figures


def _merged(store: Store, query: Callable[[], object], spans: int) -> dict[str, float]:
    """One merge with one query after the other beside it."""
    alone = _times(query, lambda: False, at_least=30)
    before, started = _cpu(), time.perf_counter()
    merging = threading.Thread(target=store.compact)
    merging.start()
    beside = _times(query, merging.is_alive)
    merging.join()
    children = _cpu() - before
    figures = {"cpu_us_per_span": 1e6 * children / spans} if children else {}
    figures |= {
        "seconds": time.perf_counter() - started,
        "query_alone_p50_ms": float(np.percentile(alone, 50)) / MILLISECOND,
        "query_beside_p50_ms": float(np.percentile(beside, 50)) / MILLISECOND,
        "query_beside_p99_ms": float(np.percentile(beside, 99)) / MILLISECOND,
    }
    if children:
        figures["worker_peak_memory_mib"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return figures


def _times(query: Callable[[], object], goes_on: Callable[[], bool], at_least: int = 1) -> list[float]:
    """Seconds of each query, one every ten milliseconds."""
    times: list[float] = []
    while len(times) < at_least or goes_on():
        started = time.perf_counter()
        query()
        times.append(time.perf_counter() - started)
        time.sleep(0.01)
    return times


def _cpu() -> float:
    """CPU seconds of this process' children that have ended."""
    used = os.times()
    return used.children_user + used.children_system
