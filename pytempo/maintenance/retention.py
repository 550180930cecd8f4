"""Which blocks go, and when: by age, by size, and what is left of merged ones. Nothing that is live ever does.

**By age** a block goes when its newest span is older than `block_retention`. Its newest end counts, with two exceptions for clocks that
are wrong: an end later than the arrival of the block's last span counts as that arrival, so a span dated 2099 keeps its block no longer
than the others do; and where all spans ended more than a year before they arrived, as from a clock that was never set, the arrival counts
as well, so they are kept as long as any other span. An arrival later than now, as after a clock was set back, counts as now.

**By size**, when the store takes more than `max_bytes_on_disk`: first folders of blocks that are retired already, then the oldest blocks,
by the same age; the newest block of all stays. Blocks whose segment is still in the log stay too (`flush.waiting`).

A block goes in two steps that stand in blocklist/retired.py. By age there is `compacted_block_retention` between them, by size nothing.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pytempo.block.lineage import arrived_of
from pytempo.block.meta import BlockMeta
from pytempo.block.writer import FAR
from pytempo.blocklist import Retired, clear, retire, retired, stamp
from pytempo.errors import PytempoError
from pytempo.maintenance.compaction import settle
from pytempo.maintenance.sources import Sources
from pytempo.maintenance.upkeep_metrics import UpkeepMetrics


@dataclass(frozen=True, slots=True)
class RetentionOptions:
    """How long blocks are kept. Durations in nanoseconds, sizes in bytes; 0 is no limit."""

    block_retention: int = 0
    """Age of its newest span at which a block goes (Tempo: `compactor.compaction.block_retention`, 14 days)."""
    max_bytes_on_disk: int = 0
    """What the store takes on disk: blocks and log, without what was set aside as damaged. It is exceeded by what is being written:
    the block of a flush, and a merged block, which has a tenth of it at most."""


SHARE_OF_A_BLOCK = 10
"""The part of `max_bytes_on_disk` that one merged block may take."""


def age_of(meta: BlockMeta, now: int) -> int:
    """How old the newest span of a block is, in nanoseconds, by the module's rule."""
    newest = max([meta.end, *(last for _, last in meta.ranges)])
    arrived = min(arrived_of(meta), now)  # later than now means that the clock was set back since
    return now - (newest if arrived - FAR <= newest <= arrived else arrived)


class Retention:
    """Drops blocks. Thread-safe."""

    def __init__(
        self,
        sources: Sources,
        options: RetentionOptions,
        *,
        block_retention: Callable[[str], int],
        kept_retired: int,
        waiting: Callable[[str], frozenset[str]],
        used: Callable[[], int],
        metrics: UpkeepMetrics,
        logger: logging.Logger,
        clock: Callable[[], int],
    ) -> None:
        """`block_retention` tells of every tenant what it is, `kept_retired` how long (ns) a retired folder stays, `waiting` which blocks
        of a tenant must stay, `used` how many bytes the store takes on disk."""
        self._sources, self._options, self._retention_of = sources, options, block_retention
        self._kept_retired, self._waiting, self._used = kept_retired, waiting, used
        self._metrics, self._logger, self._clock = metrics, logger, clock

    def apply(self) -> None:
        """Drop everything that has to go now. Raises Unavailable where the disk refuses; the next time goes on."""
        with self._metrics.retention(), self._sources.changing:
            for meta in self._expired():
                self._retire(meta, "its newest span is older than the retention")
            self._clear_old_ones()
            self._make_room()

    def make_room(self) -> None:
        """Drop what has to go by size. Never raises: what cannot be dropped is tried again."""
        if not self._options.max_bytes_on_disk:
            return
        try:
            with self._sources.changing:
                self._make_room()
        except (PytempoError, OSError) as error:
            self._metrics.retention_failed()
            self._logger.error("the store takes more than max_bytes_on_disk, and nothing could be dropped: %s", error)

    @property
    def largest_block(self) -> int:
        """Bytes that a merged block may have: it is dropped as a whole, and while it is written it takes space of its own."""
        return self._options.max_bytes_on_disk // SHARE_OF_A_BLOCK or sys.maxsize

    def _expired(self) -> Iterator[BlockMeta]:
        now = self._clock()
        for tenant in self._sources.blocks.tenants():
            longest, staying = self._retention_of(tenant), self._waiting(tenant)
            for meta in self._sources.blocks.blocks(tenant):
                if longest and age_of(meta, now) > longest and meta.block_id not in staying:
                    yield meta

    def _clear_old_ones(self) -> None:
        now = self._clock()
        for each in list(retired(self._sources.blocks.backend)):
            if each.since > now:  # by a clock that was ahead, or the file system's; it might stay for years
                stamp(self._sources.blocks.backend, each.tenant, each.block_id, now)
            if now - each.since >= self._kept_retired and each.block_id not in self._waiting(each.tenant):
                self._clear(each)

    def _make_room(self) -> None:
        limit = self._options.max_bytes_on_disk
        if not limit or (used := self._used()) <= limit:
            return
        for each in sorted(retired(self._sources.blocks.backend), key=lambda each: each.since):
            if used > limit and each.block_id not in self._waiting(each.tenant):
                used -= each.size
                self._clear(each)
        for meta in self._oldest_first()[:-1]:
            if used > limit and meta.block_id not in self._waiting(meta.tenant):
                used -= self._sources.blocks.bytes_of(meta)
                self._retire(meta, f"the store takes more than {limit} bytes (max_bytes_on_disk)")
                clear(self._sources.blocks.backend, meta.tenant, meta.block_id)
                self._metrics.deleted()

    def _oldest_first(self) -> list[BlockMeta]:
        blocks, now = self._sources.blocks, self._clock()
        return sorted(
            (meta for tenant in blocks.tenants() for meta in blocks.blocks(tenant)), key=lambda meta: (-age_of(meta, now), meta.end)
        )

    def _retire(self, meta: BlockMeta, reason: str) -> None:
        settle(self._sources, meta, self._clock)  # or what it was made of would be there again
        retire(self._sources.blocks.backend, meta.tenant, meta.block_id, self._clock())
        self._sources.forget(meta.tenant, meta.block_id)
        self._metrics.marked()
        self._logger.info(
            "block %s of tenant %s goes (%d traces, %d bytes): %s", meta.block_id, meta.tenant, meta.traces, meta.size, reason
        )

    def _clear(self, each: Retired) -> None:
        clear(self._sources.blocks.backend, each.tenant, each.block_id)
        self._metrics.deleted()
        self._logger.info("folder of block %s of tenant %s is deleted (%d bytes)", each.block_id, each.tenant, each.size)
