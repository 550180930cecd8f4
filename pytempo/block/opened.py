"""What is kept in memory of blocks that were read: footers, readers, filters; of the blocks that were read last only.

A block of a hundred spans keeps 0.3 MB when it is open, most of it the footer and pyarrow's view of it, a large one more. A store may
have thousands of blocks, and a search over everything reads them all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from pytempo.backend import MOST_OPEN, Backend, KeptOpen
from pytempo.block import column_cache, filenames
from pytempo.block.checksums import Checksums
from pytempo.block.column_cache import ColumnCache
from pytempo.block.id_bloom import BloomShard
from pytempo.block.meanwhile import ALONE, Readers
from pytempo.block.meta import BlockMeta
from pytempo.block.vparquet4 import leaves, paths
from pytempo.block.vparquet4.data_file import DataFile
from pytempo.block.vparquet4.layout import Layout
from pytempo.block.vparquet4.pruning import Pruning
from pytempo.block.vparquet4.stretch import Stretch, stretches
from pytempo.errors import Damaged, NotFound
from pytempo.model.arrays import Bools
from pytempo.model.ids import TraceIds

Report = Callable[[str, Damaged], None]


class OpenedBlock:
    """The parts of one block, each read when it is first asked for. Safe to use from several threads.

    Raises as `BlockSource` does.
    """

    def __init__(self, backend: Backend, meta: BlockMeta, layout: Layout, report: Report, readers: Readers) -> None:
        self.meta, self._backend, self._layout, self._report, self._readers = meta, backend, layout, report, readers
        self._shards: dict[int, BloomShard | None] = {}
        self.looked_at: dict[int, TraceIds] = {}
        """The trace ids of single row groups."""

    @cached_property
    def file(self) -> DataFile:
        return DataFile.open(self._backend, self._key(filenames.DATA), self._checksums, self._layout, self._readers)

    @cached_property
    def pruning(self) -> Pruning:
        return Pruning(self.file)

    @cached_property
    def stretches(self) -> list[Stretch]:
        """All row groups, those together that a scan of everything reads as one."""
        return list(stretches(self.file))

    def stretch(self, group: int) -> Stretch:
        """A row group by itself."""
        return self._single[group]

    @cached_property
    def _single(self) -> list[Stretch]:
        return [single for stretch in self.stretches for single in stretch.singles()]

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

    def shard(self, number: int) -> BloomShard | None:
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

    def read_ids(self) -> TraceIds:
        """The trace ids of all row groups, ascending."""
        column = self.file.read_all(paths.TRACE_ID)
        ids = TraceIds.concat([leaves.trace_ids(chunk, self.file.path) for chunk in column.chunks if len(chunk)])
        unordered = np.flatnonzero(~ascends(ids))
        if len(unordered):
            row = int(unordered[0]) + 1
            raise Damaged(self.file.path, f"the trace id of row {row}, {ids.hex(row)}, does not follow the one before")
        return ids

    def _key(self, name: str) -> str:
        return filenames.key(self.meta.tenant, self.meta.block_id, name)


class KeptBlocks(KeptOpen[OpenedBlock]):
    """The blocks of which something is kept, columns of them, and the threads that read them."""

    def __init__(self, most: int = MOST_OPEN, max_column_bytes: int = column_cache.MAX_BYTES, readers: Readers = ALONE) -> None:
        super().__init__(most)
        self.readers = readers
        self.columns = ColumnCache(max_column_bytes)


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
