"""From a WAL segment to blocks, in an order that survives a stop after any step.

    1  seal       the segment takes no more records; new ones go to the next
    2  write      for each tenant: data.parquet, bloom and index of the block, synced, in a folder that nobody sees yet
    3  publish    meta.json is renamed into that folder: from here on the block is found after a restart
    4  switch     queries read the block instead of the live spans, in one step
    5  delete     when every tenant's block is published, the segment goes

A block's id follows from the segment's id and the tenant (`block_id`). So a start that finds a segment still there knows which
of its tenants are in a block already: those records are skipped, the others are read again and cut again. Stopped between 2 and
3, the folder without meta.json is written anew; between 3 and 5, nothing shows twice, because the segment's records are not
read again. As long as a segment is there its blocks are neither compacted nor dropped (`waiting`).
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID, uuid5

from pytempo.block import BlockMeta
from pytempo.block.lineage import sources_of
from pytempo.block.writer import BlockOptions, write_block
from pytempo.blocklist import is_retired
from pytempo.maintenance.sources import Sources
from pytempo.wal import SegmentInfo, Wal


class Step(enum.Enum):
    """What `cut` has just done."""

    PUBLISHED = "meta.json of a tenant's block is in place"
    SWITCHED = "queries read the block"
    DELETED = "the segment is gone"


@dataclass(frozen=True, slots=True)
class Cut:
    """A step of one flush, with the block it concerns and the seconds and bytes that writing it took."""

    step: Step
    meta: BlockMeta | None = None
    seconds: float = 0.0


def block_id(segment: UUID, tenant: str) -> UUID:
    """The id of the block that holds what `segment` holds of `tenant`."""
    return uuid5(segment, tenant)


def cut(
    segment: SegmentInfo,
    wal: Wal,
    sources: Sources,
    options: BlockOptions,
    timer: Callable[[], float] = time.perf_counter,
    clock: Callable[[], int] = time.time_ns,
) -> Iterator[Cut]:
    """Cut a sealed segment whose records are live into blocks; yields after every step, and does nothing between two.

    Raises Unavailable where the disk refuses: whatever was not done yet is done by cutting again.
    """
    for tenant in sources.live.tenants(segment.id):
        started = timer()
        batch, block = sources.live.merged(segment.id, tenant), block_id(segment.id, tenant)
        backend = sources.blocks.backend
        meta = write_block(backend, tenant, block, batch, options=options, sequence=segment.created, arrived=clock(), anew=True)
        yield Cut(Step.PUBLISHED, meta, timer() - started)
        sources.publish(meta, segment.id)
        yield Cut(Step.SWITCHED, meta)
    wal.delete(segment)
    yield Cut(Step.DELETED)


def is_published(sources: Sources, segment: SegmentInfo, tenant: str) -> bool:
    """Whether the block of this segment and tenant exists already, or did until it was compacted."""
    wanted = str(block_id(segment.id, tenant))
    if any(wanted == meta.block_id or wanted in sources_of(meta) for meta in sources.blocks.blocks(tenant)):
        return True
    return is_retired(sources.blocks.backend, tenant, wanted)


def waiting(wal: Wal, tenant: str) -> frozenset[str]:
    """The ids of the tenant's blocks, made or not, whose segments are still there, for a start to see what it need not read again."""
    return frozenset(str(block_id(segment.id, tenant)) for segment in wal.segments())
