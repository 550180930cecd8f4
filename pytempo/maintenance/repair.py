"""Making sound again what can be: files beside the rows are made anew, and of a damaged data.parquet the sound row groups are saved.

Where every row is sound and only filters, row index or checksums are not (`flawed`), in place:

    1  every row is read
    2  bloom-0 ..., index, checksums are put anew, each whole or not at all; a stop between two leaves a flawed block as before

Where rows or meta.json are damaged, into new blocks, the original untouched:

    1  move     the damaged folder goes below damaged/ as it is, if it is not there yet; its sound rows are missing until 2 is done
    2  write    sound row groups become new blocks, each published like any other
    3  mark     a file `saved-as` in the folder that was set aside names them

The ids of new blocks follow from the id of the damaged one, so a repair that was stopped goes on with the block it was at. Nothing is ever
deleted. No other process may have the data directory open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import pyarrow as pa
import pyarrow.parquet as pq

from pytempo.block import BlockMeta, RowIndex, filenames, id_bloom
from pytempo.block.checksums import HashingFile
from pytempo.block.dedicated import DEDICATED_KEY, DedicatedColumn, from_text
from pytempo.block.inspection import STRIDE, Inspection
from pytempo.block.lineage import arrived_of
from pytempo.block.sequence import sequence_of
from pytempo.block.versions import UnsupportedFormat
from pytempo.block.vparquet4 import paths
from pytempo.block.vparquet4.schema import DEDICATED_COLUMNS
from pytempo.block.writer import BlockOptions, write_block, write_side_files
from pytempo.blocklist import BlockList, set_aside
from pytempo.errors import Damaged, NotFound, Unavailable
from pytempo.maintenance.verify import SAVED, waiting
from pytempo.model.levels import Level
from pytempo.model.merge import merge

SPANS_A_BLOCK = 200_000
"""Of the blocks that sound row groups are saved in: bounds the memory that a repair takes."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """A step of a repair that is done. `step` is one of `read`, `rewritten`, `moved`, `saved`, and last `marked` or, where not every row
    could be saved, `lost`."""

    block_id: str
    step: str
    detail: str = ""
    bytes: int = 0


def repair(blocks: BlockList, options: BlockOptions) -> Iterator[Repaired]:
    """Repair every block of a store that is not sound, those that were set aside before included; yields after every step.

    Raises Unavailable where the disk refuses: whatever was not done yet is done by repairing again.
    """
    for meta in [meta for tenant in blocks.tenants() for meta in blocks.blocks(tenant)]:
        inspection = Inspection(blocks.backend, meta)
        for size in inspection.steps():
            yield Repaired(meta.block_id, "read", bytes=size)
        if not inspection.is_sound:
            yield _rewrite(blocks, inspection, options) or _move(blocks, meta)
    for folder in waiting(blocks.damaged_root):
        yield from _save(folder, blocks, options)


def _move(blocks: BlockList, meta: BlockMeta) -> Repaired:
    blocks.remove(meta.tenant, meta.block_id)
    try:
        moved = set_aside(blocks.backend.local_path(filenames.folder(meta.tenant, meta.block_id)), blocks.damaged_root, meta.tenant)
    except OSError as error:
        raise Unavailable(f"block {meta.block_id} cannot be moved below {blocks.damaged_root}: {error.strerror}; check the disk") from error
    return Repaired(meta.block_id, "moved", str(moved))


def _rewrite(blocks: BlockList, inspection: Inspection, options: BlockOptions) -> Repaired | None:
    """Make the files beside sound rows anew; meta.json stands. None where that cannot be: rows are damaged, or other filters are due."""
    meta, file, ids = inspection.meta, inspection.file, inspection.ids.to_bytes()
    shards = id_bloom.build(ids, options.bloom_shard_size_bytes, options.bloom_false_positive)
    if inspection.damage or file is None or len(shards) != meta.bloom_shards:
        return None
    hashing, key = HashingFile(), filenames.key(meta.tenant, meta.block_id, filenames.DATA)
    for first in range(0, meta.size, STRIDE):
        hashing.write(blocks.backend.read_range(key, first, min(STRIDE, meta.size - first)))
    index = RowIndex(tuple(bytes(row) for row in ids[file.first_rows[1:] - 1]))
    write_side_files(blocks.backend, filenames.folder(meta.tenant, meta.block_id), hashing.checksums(), shards, index)
    return Repaired(meta.block_id, "rewritten", ", ".join(error.path.rsplit("/", 1)[-1] for error in inspection.flaws))


def _save(folder: Path, blocks: BlockList, options: BlockOptions) -> Iterator[Repaired]:
    """The sound row groups of a folder below damaged/, in new blocks; what cannot be saved is said."""
    tenant = folder.parent.name
    try:
        inspection = Inspection(blocks.damaged, _meta_of(folder))
        for size in inspection.steps():
            yield Repaired(folder.name, "read", bytes=size)
        if inspection.file is None:
            raise inspection.damage[0] if inspection.damage else Damaged(str(folder), f"rows of {inspection.meta.format} are not read here")
        _check_names(inspection)
    except (Damaged, NotFound, UnsupportedFormat) as error:
        yield Repaired(folder.name, "lost", f"nothing can be saved: {error}")
        return
    saved = []
    for number, groups in enumerate(_portions(inspection)):
        new = uuid5(NAMESPACE_OID, f"{tenant}/{folder.name}/{number}")
        saved.append(f"{new}\n")
        if not any(meta.block_id == str(new) for meta in blocks.blocks(tenant)):
            batch = merge([inspection.batch(group) for group in groups])
            blocks.add(
                write_block(
                    blocks.backend,
                    tenant,
                    new,
                    batch,
                    options=options,
                    sequence=sequence_of(inspection.meta),
                    arrived=arrived_of(inspection.meta),
                )
            )
            yield Repaired(folder.name, "saved", f"{batch.count(Level.SPAN)} spans in block {new}")
    blocks.damaged.put(f"{tenant}/{folder.name}/{SAVED}", "".join(saved).encode())
    lost, every = inspection.file.row_groups - len(inspection.sound_groups), inspection.file.row_groups
    detail = f"{lost} of {every} row groups; {inspection.damage[0]}" if lost else "every row was saved"
    yield Repaired(folder.name, "lost" if lost else "marked", detail)


def _portions(inspection: Inspection) -> Iterator[list[int]]:
    """The sound row groups, so many at a time that they make a block."""
    portion, spans = list[int](), 0
    for group in inspection.sound_groups:
        portion.append(group)
        spans += inspection.spans_of[group]
        if spans >= SPANS_A_BLOCK:
            yield portion
            portion, spans = [], 0
    if portion:
        yield portion


def _meta_of(folder: Path) -> BlockMeta:
    """What is known of a block that was set aside: its meta.json as far as it can be read, else what its other files tell.

    Raises Damaged where there are no rows, UnsupportedFormat for rows that are not read here.
    """
    path, tenant = folder / filenames.META, folder.parent.name
    rows = folder / filenames.DATA
    if not rows.exists():
        raise Damaged(str(rows), "is missing")
    status, checksums = rows.stat(), (folder / filenames.CHECKSUMS).exists()
    found: dict[str, Any] = {"block_id": folder.name, "tenant": tenant, "size": status.st_size, "checksums": checksums}
    try:
        return replace(BlockMeta.from_bytes(path.read_bytes(), str(path)), **found)
    except (Damaged, OSError):
        columns = _columns_of(rows)
        return BlockMeta(**found, start=status.st_mtime_ns, end=status.st_mtime_ns, row_groups=0, exact=False, dedicated_columns=columns)


def _columns_of(rows: Path) -> tuple[DedicatedColumn, ...]:
    """The dedicated columns that a data.parquet names in its footer; none where it does not, or cannot be read."""
    try:
        return from_text((pq.read_metadata(rows).metadata or {})[DEDICATED_KEY.encode()])
    except (KeyError, ValueError, pa.ArrowException, OSError):
        return ()


def _check_names(inspection: Inspection) -> None:
    """Raise Damaged where attributes have columns of their own whose names stood in a meta.json that cannot be read any more."""
    file = inspection.file
    if file is None or inspection.meta.exact or inspection.meta.row_groups or inspection.meta.dedicated_columns:
        return
    columns = [paths.dedicated(level.word, name) for level in (Level.RESOURCE, Level.SPAN) for name in DEDICATED_COLUMNS]
    if not all(file.chunk(group, path).empty for group in inspection.sound_groups for path in columns):
        raise Damaged(str(file.path), "the names of its dedicated attributes stood in meta.json, which cannot be read")
