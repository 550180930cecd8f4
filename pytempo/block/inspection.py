"""Reading a whole block to see whether it is sound: every byte, every page, and whether its files agree. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from pytempo.backend import Backend
from pytempo.block import filenames, id_bloom
from pytempo.block.checked_file import CheckedFile
from pytempo.block.checksums import Checksums
from pytempo.block.id_bloom import BloomShard
from pytempo.block.meta import BlockMeta
from pytempo.block.opened import ascends, read_checksums
from pytempo.block.readers import reader_of
from pytempo.block.row_index import RowIndex
from pytempo.block.versions import READABLE
from pytempo.block.vparquet4.data_file import DataFile
from pytempo.block.vparquet4.stretch import Stretch
from pytempo.errors import Damaged, NotFound
from pytempo.model.batch import Batch
from pytempo.model.ids import TraceIds
from pytempo.model.levels import Level

STRIDE = 1 << 20
"""Bytes read in one go; a multiple of the pieces that checksums stand for."""


class Inspection:
    """One look at one block. `flaws` are of files without which answers are the same, `damage` costs spans; both fill while it goes on."""

    def __init__(self, backend: Backend, meta: BlockMeta) -> None:
        self._backend, self.meta = backend, meta
        self.flaws: list[Damaged] = []
        self.damage: list[Damaged] = []
        self.sound_groups: list[int] = []
        self.file: DataFile | None = None
        self._checksums: Checksums | None = None
        self._ids: list[TraceIds] = []
        self.spans_of: dict[int, int] = {}

    @property
    def is_sound(self) -> bool:
        return not self.flaws and not self.damage

    def steps(self) -> Iterator[int]:
        """Look at everything; yields bytes of data.parquet that were gone through, those of `meta.size` twice in all.

        Raises NotFound where the block is deleted meanwhile, Unavailable where it cannot be read at the moment.
        """
        with self._noting(self.flaws):
            self._checksums = read_checksums(self._backend, self.meta) if self.meta.checksums else None
        yield from self._read_bytes()
        if self.meta.format not in READABLE:
            yield from self._read_pages()
            return
        self._reader = reader_of(self.meta)
        try:
            self.file = DataFile.open(self._backend, self._key(filenames.DATA), self._checksums, self._reader.layout)
        except Damaged as error:
            self._note(self.damage, error)
            return
        yield from self._read_rows(self.file)
        if not self.damage:
            self._compare(self.file)
            self._look_at_side_files(self.file, self.ids)

    @property
    def ids(self) -> TraceIds:
        """The trace ids of all sound row groups."""
        return TraceIds.concat(self._ids)

    def batch(self, group: int) -> Batch:
        """A row group of a file that has a footer, to be read."""
        assert self.file is not None
        return self._reader.batch(Stretch(self.file, range(group, group + 1)))

    def _read_bytes(self) -> Iterator[int]:
        """Every byte, also those that no query ever asks for."""
        with self._noting(self.damage):
            content = CheckedFile(self._backend.open(self._key(filenames.DATA)), self._checksums)
            for first in range(0, content.size, STRIDE):
                length = min(STRIDE, content.size - first)
                with self._noting(self.damage):
                    content.read(first, length)
                yield length

    def _read_pages(self) -> Iterator[int]:
        """Every page of a file whose columns mean nothing here."""
        try:
            with pq.ParquetFile(self._path(filenames.DATA), memory_map=False, page_checksum_verification=True) as file:
                for group in range(file.num_row_groups):
                    file.read_row_group(group, use_threads=False)
                    yield self.meta.size // file.num_row_groups
        except (pa.ArrowException, OSError) as error:
            self.damage.append(Damaged(self._path(filenames.DATA), f"cannot be read: {error}"))

    def _read_rows(self, file: DataFile) -> Iterator[int]:
        """Every value of every row group."""
        for group in range(file.row_groups):
            with self._noting(self.damage):
                ids, self.spans_of[group] = self._read_all(file, group)
                self._ids.append(ids)
                self.sound_groups.append(group)
            yield self.meta.size // file.row_groups

    def _read_all(self, file: DataFile, group: int) -> tuple[TraceIds, int]:
        file.read(group, list(file.layout.leaves))
        batch = self.batch(group)
        return batch.trace_ids(), batch.count(Level.SPAN)

    def _compare(self, file: DataFile) -> None:
        """What meta.json says against what is there; a writer need not say how many traces and spans there are."""
        rows, spans = int(file.first_rows[-1]), sum(self.spans_of.values())
        counts = {
            "totalRecords": (self.meta.row_groups, file.row_groups),
            "totalObjects": (self.meta.traces or rows, rows),
            "spans": (spans if self.meta.spans is None else self.meta.spans, spans),
        }
        for name, (said, found) in counts.items():
            if said != found:
                self.damage.append(Damaged(self._path(filenames.META), f"says {name} {said}, the rows have {found}"))

    def _look_at_side_files(self, file: DataFile, ids: TraceIds) -> None:
        if not ascends(ids).all():
            self.damage.append(Damaged(file.path, "its trace ids do not ascend"))
        keys = ids.to_bytes()
        shard_of = id_bloom.shard_of(keys, self.meta.bloom_shards)
        for number in range(self.meta.bloom_shards):
            with self._noting(self.flaws):
                self._look_at_shard(filenames.bloom(number), keys[shard_of == number])
        with self._noting(self.flaws):
            index = RowIndex.from_bytes(self._side_file(filenames.INDEX), self._path(filenames.INDEX))
            last = tuple(bytes(row) for row in keys[file.first_rows[1:] - 1])
            if self.meta.checksums and index.last_ids != last:  # another writer's may be of other pages
                raise Damaged(self._path(filenames.INDEX), "is not that of these rows")

    def _look_at_shard(self, name: str, ids: id_bloom.Ids) -> None:
        shard = BloomShard.from_bytes(self._side_file(name), self._path(name))
        missing = int((~shard.might_hold(ids)).sum())
        if missing:
            raise Damaged(self._path(name), f"says of {missing} trace ids which are here that they are not")

    def _side_file(self, name: str) -> bytes:
        try:
            data = self._backend.get(self._key(name))
        except NotFound as error:
            raise Damaged(self._path(name), "is missing") from error
        if self._checksums is not None:
            self._checksums.check_file(name, data, self._path(name))
        return data

    @contextmanager
    def _noting(self, into: list[Damaged]) -> Iterator[None]:
        """Damage that is met ends what is looked at, is noted once, and looking goes on behind it."""
        try:
            yield
        except Damaged as error:
            self._note(into, error)

    def _note(self, into: list[Damaged], error: Damaged) -> None:
        if str(error) not in map(str, (*self.flaws, *self.damage)):
            into.append(error)

    def _key(self, name: str) -> str:
        return filenames.key(self.meta.tenant, self.meta.block_id, name)

    def _path(self, name: str) -> str:
        return str(self._backend.local_path(self._key(name)) or self._key(name))
