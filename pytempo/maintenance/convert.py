"""Rewriting blocks of older or newer formats as the one that is written here, in an order that survives a stop after any step.

    1  write and publish   a block of the same spans; its id follows from that of the old one
    2  switch              queries read the new block instead of the old one, in one step
    3  retire              meta.json of the old block becomes meta.compacted.json: nobody reads it, and its files go after a while

Stopped between 1 and 3, both blocks are there and hold the same spans, which answers show once; converting again finds the new block by
its id and goes on with step 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from pytempo.block import BlockMeta
from pytempo.block.dedicated import DedicatedColumn
from pytempo.block.sequence import sequence_of
from pytempo.block.source import BlockSource
from pytempo.block.versions import WRITTEN
from pytempo.block.vparquet4 import DEDICATED_COLUMNS, RESOURCE_COLUMNS, SPAN_STRING_COLUMNS
from pytempo.block.writer import BlockOptions, write_batches
from pytempo.blocklist import retire
from pytempo.maintenance.compaction_merge import merged
from pytempo.maintenance.sources import Sources


@dataclass(frozen=True, slots=True)
class Conversion:
    """One block that was rewritten."""

    old: BlockMeta
    new: BlockMeta


def outdated(sources: Sources) -> tuple[BlockMeta, ...]:
    """The blocks in another format than the one that is written, by tenant."""
    blocks = sources.blocks
    return tuple(meta for tenant in blocks.tenants() for meta in blocks.blocks(tenant) if meta.format != WRITTEN)


def convert(sources: Sources, options: BlockOptions, clock: Callable[[], int]) -> Iterator[Conversion]:
    """Rewrite every outdated block, one after the other; yields after each.

    Memory is that of one row group of the old block and of two new ones. Raises Damaged for a block that cannot be read, which stays as it
    is, and Unavailable where the disk refuses.
    """
    for old in outdated(sources):
        with sources.changing:
            new = _published(sources, old) or _rewrite(sources, old, options)
            sources.replace(new, [old.block_id])
            retire(sources.blocks.backend, old.tenant, old.block_id, clock())
        yield Conversion(old, new)


def converted_id(old: BlockMeta) -> UUID:
    """The id of the block that a block becomes."""
    return uuid5(UUID(old.block_id), WRITTEN)


def _published(sources: Sources, old: BlockMeta) -> BlockMeta | None:
    """The new block, where an earlier attempt came so far."""
    wanted = str(converted_id(old))
    return next((meta for meta in sources.blocks.blocks(old.tenant) if meta.block_id == wanted), None)


def _rewrite(sources: Sources, old: BlockMeta, options: BlockOptions) -> BlockMeta:
    source, options = BlockSource(sources.blocks.backend, old), replace(options, dedicated_columns=_dedicated(old))
    return write_batches(
        sources.blocks.backend,
        old.tenant,
        converted_id(old),
        (batch for batch, _ in merged([source])),
        options=options,
        traces=len(source.trace_ids()),
        sequence=sequence_of(old),
        anew=True,
    )


def _dedicated(old: BlockMeta) -> tuple[DedicatedColumn, ...]:
    """The dedicated columns that the new format has room for: ten strings each of resources and spans, without those that are fixed."""
    fixed = {("resource", key) for key in RESOURCE_COLUMNS} | {("span", key) for key in SPAN_STRING_COLUMNS}
    kept: list[DedicatedColumn] = []
    for scope in ("resource", "span"):
        fitting = (column for column in old.dedicated_columns if column.scope == scope and column.type == "string")
        kept += [DedicatedColumn(column.name, column.scope) for column in fitting if (scope, column.name) not in fixed][
            : len(DEDICATED_COLUMNS)
        ]
    return tuple(kept)
