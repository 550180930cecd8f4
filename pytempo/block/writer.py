"""Writing a block: all its files, in the order that makes it appear whole or not at all.

    1  what an earlier attempt left in the folder is removed (it has no meta.json, or the block would be published)
    2  data.parquet, bloom-0 ..., index, checksums: each durable before the next; the folder is no block to any reader yet
    3  meta.json is renamed into place: the block is published

A stop between any two steps leaves nothing that a reader sees; writing the block again begins at step 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import numpy as np

from pytempo.backend import Backend
from pytempo.block import filenames, id_bloom
from pytempo.block.checksums import Checksums, HashingFile, digest
from pytempo.block.chosen_columns import chosen
from pytempo.block.dedicated import DedicatedColumn
from pytempo.block.lineage import lineage_fields
from pytempo.block.meta import BlockMeta
from pytempo.block.row_index import RowIndex
from pytempo.block.sequence import sequence_fields
from pytempo.block.time_ranges import Range, cover
from pytempo.block.vparquet4.file_writer import RowWriter
from pytempo.block.vparquet4.row_groups import SPANS_PER_ROW_GROUP
from pytempo.model.arrays import Array
from pytempo.model.batch import Batch
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
    dedicated_columns: tuple[DedicatedColumn, ...] | None = None
    """Attributes that get a column of their own, in order: up to ten string attributes each of resources and spans.

    None leaves it to the block: where it may `choose_columns`, those that most of its spans or resources have (`chosen_columns`).
    """
    choose_columns: bool = True

    @property
    def columns(self) -> tuple[DedicatedColumn, ...]:
        """The columns, where they are said or have been chosen."""
        return self.dedicated_columns or ()


@dataclass(frozen=True, slots=True)
class Written:
    """What the files of a block hold, for its meta.json."""

    row_groups: int
    traces: int
    spans: int
    bloom_shards: int
    ranges: tuple[Range, ...]
    """Disjoint intervals that hold every span, as `time_ranges.cover` makes them."""


def write_block(
    backend: Backend,
    tenant: str,
    block_id: UUID,
    batch: Batch,
    *,
    options: BlockOptions,
    sequence: int,
    arrived: int | None = None,
    anew: bool = False,
) -> BlockMeta:
    """Write and publish a block of all spans of a batch (see `vparquet4.build.build_table` for what it must be).

    `sequence` is the block's place in the order of arrival (`model.scan.Source`), `arrived` a time at which all of its spans were there.
    With `anew` what is published under this id goes first: an attempt that failed after its last step left it, perhaps not durable.
    Raises Unavailable where the medium fails, ValueError for a batch without spans, and unless `anew` for a published block.
    """
    if not batch.count(Level.SPAN):
        raise ValueError(f"block {block_id}: a block without spans cannot be found by anybody")
    traces = batch.count(Level.TRACE)
    if options.dedicated_columns is None and options.choose_columns:
        options = replace(options, dedicated_columns=chosen(batch))
    return write_batches(backend, tenant, block_id, [batch], options=options, traces=traces, sequence=sequence, arrived=arrived, anew=anew)


def write_batches(
    backend: Backend,
    tenant: str,
    block_id: UUID,
    batches: Iterable[Batch],
    *,
    options: BlockOptions,
    traces: int,
    sequence: int,
    arrived: int | None = None,
    anew: bool = False,
) -> BlockMeta:
    """As `write_block`, of batches whose trace ids ascend, one after the other; `traces` is how many there will be, at most."""
    starts: list[Array] = []

    def noted() -> Iterator[Batch]:
        for batch in batches:
            starts.append(batch.summary().start)
            yield batch

    if anew:
        backend.delete(filenames.key(tenant, str(block_id), filenames.META))
    written = write_files(backend, tenant, block_id, noted(), options=options, traces=traces)
    start, end = main_range(written.ranges, np.concatenate(starts))
    extra = {**sequence_fields(sequence), **lineage_fields(arrived)}
    return write_meta(backend, tenant, block_id, written, start=start, end=end, options=options, extra=extra)


def write_files(backend: Backend, tenant: str, block_id: UUID, batches: Iterable[Batch], *, options: BlockOptions, traces: int) -> Written:
    """Steps 1 and 2: all files of a block but meta.json, from batches whose trace ids ascend, one after the other.

    `traces` is how many there will be, at most. Memory is that of one batch and of the filters. Raises Unavailable, ValueError for a block
    that is published already, and whatever the batches raise; data.parquet is there whole or not at all.
    """
    folder = filenames.folder(tenant, str(block_id))
    if filenames.META in backend.list(folder).files:
        raise ValueError(f"block {block_id} of tenant {tenant} is published already")
    backend.delete_folder(folder)
    blooms = id_bloom.BloomBuilder(traces, options.bloom_shard_size_bytes, options.bloom_false_positive)
    last_ids: list[bytes] = []
    ranges: list[Range] = []
    rows = spans = 0
    with backend.writer(f"{folder}/{filenames.DATA}") as file:
        hashing = HashingFile(file)
        with RowWriter(hashing, options.columns, options.row_group_spans, options.compression_level) as writer:
            for batch in batches:
                bounds, ids = writer.write(batch), batch.trace_ids()
                blooms.add(ids.to_bytes())
                last_ids += [bytes(row) for row in ids.take(bounds[1:] - 1).to_bytes()]
                ranges = _widened(ranges, batch)
                rows, spans = rows + len(ids), spans + batch.count(Level.SPAN)
    shards = blooms.files()
    write_side_files(backend, folder, hashing.checksums(), shards, RowIndex(tuple(last_ids)))
    return Written(len(last_ids), rows, spans, len(shards), tuple(ranges))


def write_side_files(backend: Backend, folder: str, checksums: Checksums, shards: Sequence[bytes], index: RowIndex) -> None:
    """Put the id filters, the row index and the checksums of a block whose data.parquet is written into its folder."""
    contents = {filenames.bloom(number): data for number, data in enumerate(shards)} | {filenames.INDEX: index.to_bytes()}
    for name, data in contents.items():
        backend.put(f"{folder}/{name}", data)
    listed = replace(checksums, files={name: digest(data) for name, data in contents.items()})
    backend.put(f"{folder}/{filenames.CHECKSUMS}", listed.to_bytes())


def _widened(ranges: Sequence[Range], batch: Batch) -> list[Range]:
    """The ranges, so that they hold the traces of a batch too."""
    summary = batch.summary()
    firsts, lasts = (np.array([interval[edge] for interval in ranges], np.uint64) for edge in (0, 1))
    return cover(np.concatenate([firsts, summary.start]), np.concatenate([lasts, summary.end]))


def write_meta(
    backend: Backend,
    tenant: str,
    block_id: UUID,
    written: Written,
    *,
    start: int,
    end: int,
    options: BlockOptions,
    extra: Mapping[str, Any],
    compaction_level: int = 0,
    replication_factor: int = 1,
) -> BlockMeta:
    """Step 3: meta.json, with which the block is there; `start` and `end` are its times for who knows but one range. Raises Unavailable."""
    data = filenames.key(tenant, str(block_id), filenames.DATA)
    size = backend.size(data)
    meta = BlockMeta(
        block_id=str(block_id),
        tenant=tenant,
        start=start,
        end=end,
        size=size,
        row_groups=written.row_groups,
        traces=written.traces,
        bloom_shards=written.bloom_shards,
        footer_size=int.from_bytes(backend.read_range(data, size - 8, 4), "little"),
        compaction_level=compaction_level,
        replication_factor=replication_factor,
        dedicated_columns=options.columns,
        ranges=written.ranges,
        spans=written.spans,
        checksums=True,
        extra=extra,
    )
    backend.put(filenames.key(tenant, str(block_id), filenames.META), meta.to_bytes())
    return meta


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
