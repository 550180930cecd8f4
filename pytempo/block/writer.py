"""Writing a block: all its files, in the order that makes it appear whole or not at all.

    1  what an earlier attempt left in the folder is removed (it has no meta.json, or the block would be published)
    2  data.parquet, bloom-0 ..., index, checksums: each durable before the next; the folder is no block to any reader yet
    3  meta.json is renamed into place: the block is published

A stop between any two steps leaves nothing that a reader sees; writing the block again begins at step 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np

from pytempo.backend import Backend
from pytempo.block import filenames, id_bloom
from pytempo.block.checksums import Checksums, HashingFile, digest
from pytempo.block.dedicated import DedicatedColumn
from pytempo.block.meta import BlockMeta
from pytempo.block.row_index import RowIndex
from pytempo.block.sequence import sequence_fields
from pytempo.block.time_ranges import Range, cover
from pytempo.block.vparquet4.file_writer import write_rows
from pytempo.block.vparquet4.row_groups import SPANS_PER_ROW_GROUP
from pytempo.model.arrays import Array, Ints
from pytempo.model.batch import Batch
from pytempo.model.ids import TraceIds
from pytempo.model.levels import Level

FAR = 366 * 24 * 3600 * 10**9
"""Nanoseconds without a trace that make those on one side outliers: a clock that was never set, not a late arrival."""


@dataclass(frozen=True, slots=True)
class BlockOptions:
    """How blocks are written. The defaults are Tempo's, row groups aside."""

    row_group_spans: int = SPANS_PER_ROW_GROUP
    """Spans of a row group, about; a trace is never divided."""
    compression_level: int = 3
    """Of zstd."""
    bloom_false_positive: float = id_bloom.FALSE_POSITIVE_RATE
    """Share of absent trace ids that cost a look into the rows."""
    bloom_shard_size_bytes: int = id_bloom.SHARD_BYTES
    """Bits of one file of the trace id filter, in bytes."""
    dedicated_columns: tuple[DedicatedColumn, ...] = ()
    """Attributes that get a column of their own, in order: up to ten string attributes each of resources and spans."""


def write_block(backend: Backend, tenant: str, block_id: UUID, batch: Batch, *, options: BlockOptions, sequence: int) -> BlockMeta:
    """Write and publish a block of all spans of a batch (see `vparquet4.build.build_table` for what it must be).

    `sequence` is the block's place in the order of arrival (`model.scan.Source`). Raises Unavailable where the medium fails, ValueError for
    a batch without spans and for a block that is published already.
    """
    if not batch.count(Level.SPAN):
        raise ValueError(f"block {block_id}: a block without spans cannot be found by anybody")
    folder = filenames.folder(tenant, str(block_id))
    if filenames.META in backend.list(folder).files:
        raise ValueError(f"block {block_id} of tenant {tenant} is published already")
    backend.delete_folder(folder)
    with backend.writer(f"{folder}/{filenames.DATA}") as file:
        hashing = HashingFile(file)
        bounds = write_rows(hashing, batch, options.dedicated_columns, options.row_group_spans, options.compression_level)
    ids = batch.trace_ids()
    shards = id_bloom.build(ids.to_bytes(), options.bloom_shard_size_bytes, options.bloom_false_positive)
    write_side_files(backend, folder, hashing.checksums(), shards, _row_index(ids, bounds))
    meta = _meta(backend, tenant, block_id, batch, options, sequence, row_groups=len(bounds) - 1, bloom_shards=len(shards))
    backend.put(f"{folder}/{filenames.META}", meta.to_bytes())
    return meta


def write_side_files(backend: Backend, folder: str, checksums: Checksums, shards: Sequence[bytes], index: RowIndex) -> None:
    """Put the id filters, the row index and the checksums of a block whose data.parquet is written into its folder."""
    contents = {filenames.bloom(number): data for number, data in enumerate(shards)} | {filenames.INDEX: index.to_bytes()}
    for name, data in contents.items():
        backend.put(f"{folder}/{name}", data)
    listed = replace(checksums, files={name: digest(data) for name, data in contents.items()})
    backend.put(f"{folder}/{filenames.CHECKSUMS}", listed.to_bytes())


def _row_index(ids: TraceIds, bounds: Ints) -> RowIndex:
    last = ids.take(bounds[1:] - 1).to_bytes()
    return RowIndex(tuple(bytes(row) for row in last))


def _meta(
    backend: Backend, tenant: str, block_id: UUID, batch: Batch, options: BlockOptions, sequence: int, *, row_groups: int, bloom_shards: int
) -> BlockMeta:
    data = filenames.key(tenant, str(block_id), filenames.DATA)
    size = backend.size(data)
    summary = batch.summary()
    ranges = cover(summary.start, summary.end)
    start, end = main_range(ranges, summary.start)
    return BlockMeta(
        block_id=str(block_id),
        tenant=tenant,
        start=start,
        end=end,
        size=size,
        row_groups=row_groups,
        traces=batch.count(Level.TRACE),
        bloom_shards=bloom_shards,
        footer_size=int.from_bytes(backend.read_range(data, size - 8, 4), "little"),
        dedicated_columns=options.dedicated_columns,
        ranges=tuple(ranges),
        spans=batch.count(Level.SPAN),
        checksums=True,
        extra=sequence_fields(sequence),
    )


def main_range(ranges: Sequence[Range], starts: Array) -> Range:
    """The times of a block for those who know one range only, made of `ranges` (as `cover` gives them for traces that start at `starts`).

    Ranges that are not further than `FAR` from the next belong together; it spans those with most traces, the latest of equal ones.
    """
    firsts, lasts = (np.array(edges, np.uint64) for edges in zip(*ranges, strict=True))
    cluster = np.concatenate(([0], np.cumsum(firsts[1:] - lasts[:-1] > FAR)))
    traces = np.bincount(cluster[np.searchsorted(firsts, starts, side="right") - 1])
    most = len(traces) - 1 - int(np.argmax(traces[::-1]))
    inside = np.flatnonzero(cluster == most)
    return ranges[inside[0]][0], ranges[inside[-1]][1]
