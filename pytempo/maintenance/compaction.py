"""From several blocks to one, in an order that survives a stop after any step.

    1  write      the merged block, whole and with its meta.json, in a folder that is none of the blocks'
    2  publish    that folder is renamed into the blocks: a start finds it, and passes over the blocks that its meta.json names as sources
    3  switch     queries read the merged block instead of its sources, in one step
    4  retire     meta.json of each source becomes meta.compacted.json: other readers pass over them too
    (5 clear      the sources' folders go after compacted_block_retention: maintenance/retention.py)

Stopped before 2, the half block is swept away by the next start. Stopped between 2 and 4, the next start retires the sources that are not
retired yet (`settle`), before anything else is done to the merged block. So no span is missed and none shows twice at any moment.

A source may expire while the block is written. Then the block is thrown away: what is published holds exactly what it replaces.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pytempo.block.lineage import sources_of
from pytempo.block.meta import BlockMeta
from pytempo.blocklist import retire
from pytempo.errors import NotFound, Unavailable
from pytempo.maintenance.compaction_job import Job
from pytempo.maintenance.sources import Sources


class CompactionStep(enum.Enum):
    """What `compact` has just done."""

    WRITTEN = "the merged block is complete, outside of the blocks"
    PUBLISHED = "it is among the blocks"
    SWITCHED = "queries read it"
    RETIRED = "a source has meta.compacted.json"


@dataclass(frozen=True, slots=True)
class Compacted:
    """A step of one compaction, with the merged block."""

    step: CompactionStep
    meta: BlockMeta


class Abandoned(Unavailable):
    """A merge that came to no end, since the store stops or the process that was at it has ended; the blocks are as they were."""


def compact(job: Job, write: Callable[[Job], BlockMeta], sources: Sources, clock: Callable[[], int]) -> Iterator[Compacted]:
    """Merge blocks; yields after every step, and does nothing between two. `write` does the first.

    Raises NotFound where an input has gone meanwhile, Unavailable where the disk refuses, and what `write` raises.
    """
    meta = write(job)
    yield Compacted(CompactionStep.WRITTEN, meta)
    with sources.changing:
        _check_inputs(job, sources)
        sources.blocks.adopt(meta)
        yield Compacted(CompactionStep.PUBLISHED, meta)
        sources.replace(meta, sources_of(meta))
        yield Compacted(CompactionStep.SWITCHED, meta)
        for source in sources_of(meta):
            retire(sources.blocks.backend, meta.tenant, source, clock())
            yield Compacted(CompactionStep.RETIRED, meta)


def settle(sources: Sources, meta: BlockMeta, clock: Callable[[], int]) -> int:
    """Retire what a block that is listed was made of and is not retired yet; how many that were. Raises Unavailable."""
    with sources.changing:
        return sum(retire(sources.blocks.backend, meta.tenant, source, clock()) for source in sources_of(meta))


def _check_inputs(job: Job, sources: Sources) -> None:
    listed = {meta.block_id for meta in sources.blocks.blocks(job.tenant)}
    gone = [meta.block_id for meta in job.inputs if meta.block_id not in listed or sources.is_damaged(meta.block_id)]
    if gone:
        sources.blocks.empty_scratch()
        raise NotFound(f"block {gone[0]} of tenant {job.tenant} went while it was merged with others; the merged block is thrown away")
