"""Batches and blocks that the tests of `block` share."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from pytempo.backend import BytesFile, LocalBackend
from pytempo.block import BlockMeta, DedicatedColumn
from pytempo.block.checked_file import CheckedFile
from pytempo.block.source import BlockSource
from pytempo.block.vparquet4.data_file import DataFile
from pytempo.block.writer import BlockOptions, write_block
from pytempo.model import Batch, Level, MemoryBatch, Scan, merge
from pytempo.otlp import decode
from tests.conformance import corpus

BASE = 1_795_593_600 * 10**9
"""Unix nanoseconds after which all spans of the samples start."""

TENANT = "single-tenant"

SMALL_GROUPS = BlockOptions(row_group_spans=100, dedicated_columns=(DedicatedColumn("host.name", "resource"), DedicatedColumn("user.id")))
"""Some 17 row groups for the corpus, and dedicated columns for two of its attributes."""


@functools.cache
def the_corpus() -> MemoryBatch:
    """260 traces, 1711 spans, with every kind of attribute value."""
    return merge([decode([request]).batch for request in corpus.requests(BASE)])


def batch_of(traces: dict[int, int], fill: Callable[[Span, int], None] | None = None) -> MemoryBatch:
    """Traces with so many spans, by the number that is their id; `fill` may change a span, given its number within the trace."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for trace, count in traces.items():
        for number in range(count):
            start = BASE + trace * 10**9 + number
            span = spans.add(trace_id=trace.to_bytes(16, "big"), span_id=(number + 1).to_bytes(8, "big"), name="op")
            span.start_time_unix_nano, span.end_time_unix_nano = start, start + 10**6
            if fill is not None:
                fill(span, number)
    return merge([decode([request.SerializeToString()]).batch])


def block_of(root: Path, batch: MemoryBatch, options: BlockOptions = SMALL_GROUPS) -> tuple[LocalBackend, BlockMeta]:
    """A block of the batch under `root`."""
    backend = LocalBackend(root)
    return backend, write_block(backend, TENANT, uuid.uuid4(), batch, options=options, sequence=17)


def source_of(root: Path, batch: MemoryBatch, options: BlockOptions = SMALL_GROUPS) -> BlockSource:
    return BlockSource(*block_of(root, batch, options))


def row_groups(source: BlockSource) -> list[Batch]:
    """The row groups of a block, each by itself."""
    batches = source.batches(Scan())
    portions = [portion for batch in batches for portion in batch.portions(np.arange(batch.count(Level.TRACE)))]
    return list({id(portion): portion.batch for portion in portions}.values())


def data_file(content: bytes, path: str = "data.parquet") -> DataFile:
    """An opened data.parquet that lies in memory."""
    return DataFile(CheckedFile(BytesFile(content, path)))
