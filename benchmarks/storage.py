"""Bytes a span: in the log, in blocks as they are cut, in the block that they are merged into, and what each of its columns takes.

python -m benchmarks storage --spans 1000000
"""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

import pytempo
from benchmarks.data import Corpus
from benchmarks.machine import folder_bytes
from benchmarks.plot import bars
from benchmarks.report import Report
from pytempo import StoreOptions
from pytempo.maintenance import CompactionOptions, FlushOptions

COLUMNS = 14
"""Of those that take most."""
BLOCK = 200_000
"""Spans of a block."""


def run(spans: int, mix: str) -> Report:
    """Write, flush, merge, and weigh after each."""
    rows, columns = measure(spans, mix)
    figures = {name: {"bytes a span": value} for name, value in {**rows, **columns}.items()}
    plot = bars("What a span takes", {"": {**rows, **columns}}, "bytes a span")
    return Report("storage", f"{spans} spans of benchmarks/data.py ({mix}), blocks of {BLOCK}", figures, plot)


def measure(spans: int, mix: str) -> tuple[dict[str, float], dict[str, float]]:
    """Bytes a span of each state, and of the columns that take most of the merged block."""
    corpus, sent, log = Corpus(spans, mix=mix), 0, 0
    options = StoreOptions(
        flush=FlushOptions(max_block_bytes=2**40, max_live_bytes=2**40),
        compaction=CompactionOptions(disabled=True, worker_process=False, compacted_block_retention=0, max_block_bytes=2**40),
    )
    with tempfile.TemporaryDirectory() as folder, pytempo.open(folder, options=options) as store:
        for number, payload in enumerate(corpus.requests(), 1):
            store.export(payload)
            sent += len(payload)
            if number % (BLOCK // corpus.spans_per_request) == 0:
                log += folder_bytes(Path(folder) / "wal")
                store.flush()
        log += folder_bytes(Path(folder) / "wal")
        store.flush()
        blocks = Path(folder) / "blocks"
        cut = folder_bytes(blocks)
        store.compact()
        store.expire()
        states = {"sent as OTLP": sent, "in the log": log, "in blocks as they are cut": cut, "merged": folder_bytes(blocks)}
        files = sorted(blocks.glob("*/*/data.parquet"), key=lambda path: path.stat().st_size)
        largest = pq.read_metadata(files[-1])
        inside = sum(meta.spans for meta in store.blocks() if str(files[-1].parent.name) == meta.block_id)
    sizes = Counter[str]()
    for group in range(largest.num_row_groups):
        for number in range(largest.num_columns):
            column = largest.row_group(group).column(number)
            sizes[column.path_in_schema.replace(".list.element", "")] += column.total_compressed_size
    return {name: size / spans for name, size in states.items()}, {path: size / inside for path, size in sizes.most_common(COLUMNS)}
