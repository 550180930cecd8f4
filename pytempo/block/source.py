"""A block as a source of spans: finds the row groups that a scan or a trace id needs, and hands them out as batches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np

from pytempo.backend import Backend, Keeper
from pytempo.block import id_bloom
from pytempo.block.meta import BlockMeta
from pytempo.block.opened import KeptBlocks, OpenedBlock
from pytempo.block.readers import reader_of
from pytempo.block.sequence import sequence_of
from pytempo.block.vparquet4 import paths
from pytempo.block.vparquet4.keeping import Keeping
from pytempo.block.vparquet4.rows import RowGroupBatch
from pytempo.block.vparquet4.stretch import Stretch
from pytempo.block.vparquet4.wanted import leaves_of
from pytempo.errors import Damaged
from pytempo.model.batch import Batch
from pytempo.model.ids import TraceIds
from pytempo.model.scan import MAX_TIME, Part, Scan

MOST_TOGETHER = 32 * 1024 * 1024
"""Bytes of the columns that a scan names in several row groups that are read as one, decoded."""


class BlockSource(Keeper[OpenedBlock]):
    """The spans of one block (a `model.scan.Source`). Safe to use from several threads.

    Nothing is opened before it is needed. What is opened stays as long as the block is among those of `kept`: the footer, the filters
    that were asked, and data.parquet itself, so that a query goes on when the block is deleted meanwhile. The trace ids stay once they
    were read, 16 bytes each: every query over several blocks asks for them. Every method that reads may raise NotFound where the block is
    gone before it was opened, Damaged naming the file, Unavailable where the disk fails. Damage to a file without which the answer is the
    same, only slower (id filters, checksums), is reported and not raised.
    """

    def __init__(
        self,
        backend: Backend,
        meta: BlockMeta,
        report: Callable[[str, Damaged], None] = lambda block, error: None,
        kept: KeptBlocks | None = None,
    ) -> None:
        """`report` hears of damage that costs no span, with the block's id; `kept` is shared by the blocks of a store, and without it no
        column is kept: who goes through a block once has no use for it. Raises UnsupportedFormat for a block whose rows are not read here.
        """
        self.meta = meta
        self._reader = reader_of(meta)
        self._backend, self._report = backend, report
        self._lock = threading.Lock()
        self._ids: TraceIds | None = None
        self._kept = KeptBlocks(max_column_bytes=0) if kept is None else kept
        self._columns = self._kept.columns.of(self)

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

    def ends_before(self, time: int) -> bool:
        return self.meta.exact and not self.meta.overlaps(time, MAX_TIME)  # Tempo moves times that are far from now

    def trace_ids(self) -> TraceIds:
        if self._ids is None:
            with self._lock:
                if self._ids is None:
                    self._ids = self._open().read_ids()
        return self._ids

    def batches(self, scan: Scan) -> Iterator[Batch]:
        block = self._open()
        holding = None if scan.traces is None else self._holding(block, TraceIds.of(scan.traces))
        if holding != []:  # most blocks hold nothing of a single trace, which their ids tell without the footer
            groups = block.pruning.row_groups(scan)
            if holding is None:
                yield from self._read(block, list(_together(block, groups, scan)), scan)
            else:
                yield from self._read(block, [block.stretch(group) for group in groups if group in holding], scan)

    def parts(self, scan: Scan) -> list[Part]:
        block = self._open()
        reasons = block.pruning.reasons(scan)
        if scan.traces is not None:
            holding = self._holding(block, TraceIds.of(scan.traces))
            for group, reason in enumerate(reasons):
                if reason is None and group not in holding:
                    reasons[group] = f"trace id: {scan.traces.hex()} is not among those of its traces"
        else:
            for stretch in _together(block, [group for group, reason in enumerate(reasons) if reason is None], scan):
                for group in stretch.groups:
                    reasons[group] = None
        return [_part(block, group, reason, scan) for group, reason in enumerate(reasons)]

    def batches_of(self, wanted: TraceIds, scan: Scan) -> Iterator[Batch]:
        block = self._open()
        yield from self._read(block, [block.stretch(group) for group in self._holding(block, wanted)], scan)

    def _open(self) -> OpenedBlock:
        return self._kept.take(self, lambda: OpenedBlock(self._backend, self.meta, self._reader.layout, self._report, self._kept.readers))

    def _read(self, block: OpenedBlock, stretches: list[Stretch], scan: Scan) -> Iterator[RowGroupBatch]:
        batches = (self._batch(block, stretch, scan) for stretch in stretches)
        batch = next(batches, None)
        while batch is not None:
            following = next(batches, None)
            if following is not None:
                following.begin()
            yield batch
            batch = following

    def _batch(self, block: OpenedBlock, stretch: Stretch, scan: Scan | None = None) -> RowGroupBatch:
        """A stretch as a batch, which reads ahead what a scan names."""
        keeping = Keeping.of(self._columns, stretch)
        ids = block.looked_at.get(stretch.groups[0]) if len(stretch.groups) == 1 else None
        if self._ids is not None:
            ids = self._ids.slice(stretch.first_row, stretch.first_row + stretch.rows)
        if scan is None:
            return self._reader.batch(stretch, (), ids, keeping=keeping)
        return self._reader.batch(stretch, leaves_of(scan, stretch, keeping), ids, scan.meter, keeping)

    def _holding(self, block: OpenedBlock, wanted: TraceIds) -> list[int]:
        """The row groups that hold any of these ids (ascending)."""
        if self._ids is None and len(wanted) == 1:
            return self._holding_one(block, wanted)
        found = self.trace_ids().find(wanted)
        if not (found >= 0).any():
            return []
        groups = np.searchsorted(block.file.first_rows, found[found >= 0], side="right") - 1
        return [int(group) for group in np.unique(groups)]

    def _holding_one(self, block: OpenedBlock, wanted: TraceIds) -> list[int]:
        """The row group that holds an id, found without reading the ids of all others."""
        key = wanted.to_bytes()
        shard = block.shard(int(id_bloom.shard_of(key, self.meta.bloom_shards)[0]))
        if shard is not None and not shard.might_hold(key)[0]:
            return []
        bounds = [block.file.chunk(group, paths.TRACE_ID) for group in range(block.file.row_groups)]
        near = [group for group, chunk in enumerate(bounds) if chunk.low is None or chunk.low <= key.tobytes() <= chunk.high]
        for group in near:
            block.looked_at[group] = self._batch(block, block.stretch(group)).trace_ids()
        return [group for group in near if (block.looked_at[group].find(wanted) >= 0).any()]


def _together(block: OpenedBlock, groups: list[int], scan: Scan) -> Iterator[Stretch]:
    """Row groups in stretches, where most of a stretch is wanted and its columns do not take too much memory, otherwise each by itself."""
    if scan.whole:
        yield from map(block.stretch, groups)
        return
    wanted = set(groups)
    for stretch in block.stretches:
        mine = [group for group in stretch.groups if group in wanted]
        if 4 * len(mine) >= 3 * len(stretch.groups) and stretch.memory(leaves_of(scan, stretch)) <= MOST_TOGETHER:
            yield stretch
        else:
            yield from (block.stretch(group) for group in mine)


def _part(block: OpenedBlock, group: int, reason: str | None, scan: Scan) -> Part:
    stretch = block.stretch(group)
    return Part(str(stretch), stretch.rows, sum(stretch.size(path) for path in leaves_of(scan, stretch)), reason)
