"""A block as a source of spans: finds the row groups that a scan or a trace id needs, and hands them out as batches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np

from pytempo.backend import Backend
from pytempo.block import filenames, id_bloom
from pytempo.block.checksums import Checksums
from pytempo.block.id_bloom import BloomShard
from pytempo.block.meta import BlockMeta
from pytempo.block.readers import reader_of
from pytempo.block.sequence import sequence_of
from pytempo.block.vparquet4 import leaves, paths
from pytempo.block.vparquet4.data_file import DataFile
from pytempo.block.vparquet4.pruning import Pruning
from pytempo.block.vparquet4.rows import RowGroupBatch, leaves_of
from pytempo.errors import Damaged, NotFound
from pytempo.model.arrays import Bools
from pytempo.model.batch import Batch
from pytempo.model.ids import TraceIds
from pytempo.model.scan import Meter, Part, Scan


class BlockSource:
    """The spans of one block (a `model.scan.Source`). Safe to use from several threads.

    Nothing is opened before it is needed. What is opened stays: the footer, the filters that were asked, the trace ids once they were read,
    and data.parquet itself, so that a query goes on when the block is deleted meanwhile. Every method that reads may raise NotFound where
    the block is gone before it was opened, Damaged naming the file, Unavailable where the disk fails. Damage to a file without which the
    answer is the same, only slower (id filters, checksums), is reported and not raised.
    """

    def __init__(self, backend: Backend, meta: BlockMeta, report: Callable[[str, Damaged], None] = lambda block, error: None) -> None:
        """`report` hears of damage that costs no span, with the block's id. Raises UnsupportedFormat for a block whose rows are not
        read here."""
        self.meta = meta
        self._reader = reader_of(meta)
        self._backend, self._report = backend, report
        self._lock = threading.RLock()
        self._shards: dict[int, BloomShard | None] = {}
        self._ids: TraceIds | None = None
        self._looked_at: dict[int, TraceIds] = {}

    @property
    def name(self) -> str:
        return self.meta.block_id

    @property
    def sequence(self) -> int:
        return sequence_of(self.meta)

    @property
    def size(self) -> int:
        return self.meta.size

    def touches(self, start: int, end: int) -> bool:
        return self.meta.overlaps(start, end)

    def trace_ids(self) -> TraceIds:
        if self._ids is None:
            with self._lock:
                if self._ids is None:
                    self._ids = self._read_ids()
        return self._ids

    def batches(self, scan: Scan) -> Iterator[Batch]:
        groups = self._pruning.row_groups(scan)
        if scan.traces is not None:
            holding = self._holding(TraceIds.of(scan.traces))
            groups = [group for group in groups if group in holding]
        yield from self._open(groups, scan)

    def parts(self, scan: Scan) -> list[Part]:
        reasons = self._pruning.reasons(scan)
        if scan.traces is not None:
            holding = self._holding(TraceIds.of(scan.traces))
            for group, reason in enumerate(reasons):
                if reason is None and group not in holding:
                    reasons[group] = f"trace id: {scan.traces.hex()} is not among those of its traces"
        return [self._part(group, reason, scan) for group, reason in enumerate(reasons)]

    def _part(self, group: int, reason: str | None, scan: Scan) -> Part:
        wanted = leaves_of(scan, self._file, group)
        first, last = self._file.first_rows[group : group + 2].tolist()
        return Part(f"row group {group}", last - first, sum(self._file.chunk(group, path).size for path in wanted), reason)

    def batches_of(self, wanted: TraceIds, scan: Scan) -> Iterator[Batch]:
        yield from self._open(self._holding(wanted), scan)

    @cached_property
    def _file(self) -> DataFile:
        return DataFile.open(self._backend, self._key(filenames.DATA), self._checksums, self._reader.layout)

    @cached_property
    def _checksums(self) -> Checksums | None:
        """None where the block has none, or none that can be used."""
        if not self.meta.checksums:
            return None
        try:
            return read_checksums(self._backend, self.meta)
        except Damaged as error:
            self._report(self.meta.block_id, error)
            return None

    @cached_property
    def _pruning(self) -> Pruning:
        return Pruning(self._file)

    def _open(self, groups: list[int], scan: Scan) -> Iterator[RowGroupBatch]:
        for group in groups:
            yield self._batch(group, leaves_of(scan, self._file, group), scan.meter)

    def _batch(self, group: int, ahead: frozenset[str] = frozenset(), meter: Meter | None = None) -> RowGroupBatch:
        ids = self._looked_at.get(group)
        if self._ids is not None:
            first, last = self._file.first_rows[group : group + 2]
            ids = TraceIds(self._ids.high[first:last], self._ids.low[first:last])
        return self._reader.batch(self._file, group, ahead, ids, meter)

    def _holding(self, wanted: TraceIds) -> list[int]:
        """The row groups that hold any of these ids (ascending)."""
        if self._ids is None and len(wanted) == 1:
            return self._holding_one(wanted)
        found = self.trace_ids().find(wanted)
        groups = np.searchsorted(self._file.first_rows, found[found >= 0], side="right") - 1
        return [int(group) for group in np.unique(groups)]

    def _holding_one(self, wanted: TraceIds) -> list[int]:
        """The row group that holds an id, found without reading the ids of all others."""
        key = wanted.to_bytes()
        shard = self._shard(int(id_bloom.shard_of(key, self.meta.bloom_shards)[0]))
        if shard is not None and not shard.might_hold(key)[0]:
            return []
        bounds = [self._file.chunk(group, paths.TRACE_ID) for group in range(self._file.row_groups)]
        near = [group for group, chunk in enumerate(bounds) if chunk.low is None or chunk.low <= key.tobytes() <= chunk.high]
        for group in near:
            self._looked_at[group] = self._batch(group).trace_ids()
        return [group for group in near if (self._looked_at[group].find(wanted) >= 0).any()]

    def _shard(self, number: int) -> BloomShard | None:
        """A shard of the id filter; None where the block has none that can be trusted, then every id may be there."""
        if number not in self._shards:
            try:
                self._shards[number] = self._read_shard(filenames.bloom(number))
            except Damaged as error:
                self._report(self.meta.block_id, error)
                self._shards[number] = None
        return self._shards[number]

    def _read_shard(self, name: str) -> BloomShard:
        path = str(self._backend.local_path(self._key(name)) or self._key(name))
        try:
            data = self._backend.get(self._key(name))
        except NotFound as error:
            raise Damaged(path, "is missing; trace ids are looked up without it") from error
        if self._checksums is not None:
            self._checksums.check_file(name, data, path)
        return BloomShard.from_bytes(data, path)

    def _read_ids(self) -> TraceIds:
        column = self._file.read_all(paths.TRACE_ID)
        ids = TraceIds.concat([leaves.trace_ids(chunk, self._file.path) for chunk in column.chunks if len(chunk)])
        unordered = np.flatnonzero(~ascends(ids))
        if len(unordered):
            row = int(unordered[0]) + 1
            raise Damaged(self._file.path, f"the trace id of row {row}, {ids.hex(row)}, does not follow the one before")
        return ids

    def _key(self, name: str) -> str:
        return filenames.key(self.meta.tenant, self.meta.block_id, name)


def read_checksums(backend: Backend, meta: BlockMeta) -> Checksums | None:
    """What the bytes of a block must be; None for a file of a later version. Raises Damaged where the file is missing or changed."""
    key = filenames.key(meta.tenant, meta.block_id, filenames.CHECKSUMS)
    path = str(backend.local_path(key) or key)
    try:
        return Checksums.from_bytes(backend.get(key), path)
    except NotFound as error:
        raise Damaged(path, "is missing, though the block was written with it") from error


def ascends(ids: TraceIds) -> Bools:
    """For every id but the first whether it is greater than the one before."""
    high, low = ids.high, ids.low
    out: Bools = (high[1:] > high[:-1]) | ((high[1:] == high[:-1]) & (low[1:] > low[:-1]))
    return out
