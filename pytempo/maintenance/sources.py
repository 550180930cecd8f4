"""All sources of a store, live and blocks, and the one step in which spans go from the first to the second."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Collection, Sequence
from uuid import UUID

from pytempo.block import BlockMeta
from pytempo.block.column_cache import MAX_BYTES
from pytempo.block.meanwhile import Readers, spare_cores
from pytempo.block.opened import KeptBlocks
from pytempo.block.source import BlockSource
from pytempo.blocklist import BlockList
from pytempo.errors import Damaged, NotFound
from pytempo.live import Live
from pytempo.model.scan import MAX_TIME, Source

GONE_KEPT = 10_000
"""Ids of replaced and forgotten blocks that are remembered, 100 bytes each: far more than go while a query runs."""


class Sources:
    """What queries read. A reader sees a span in live or in its block, never in neither and never in both. Thread-safe."""

    def __init__(self, live: Live, blocks: BlockList, logger: logging.Logger, max_cached_bytes: int = MAX_BYTES) -> None:
        self.live, self.blocks, self._logger = live, blocks, logger
        self._switch = threading.Lock()
        self.changing = threading.RLock()
        """Held by whoever makes or retires blocks that are listed, on disk and here: compaction and retention take turns."""
        self._gone: deque[str] = deque(maxlen=GONE_KEPT)
        self._opened: dict[str, BlockSource] = {}
        self._kept = KeptBlocks(max_column_bytes=max_cached_bytes, readers=Readers(spare_cores()))
        self._damaged: dict[str, BlockMeta] = {}
        self._flaws: set[tuple[str, str]] = set()

    def of(self, *tenants: str) -> tuple[Source, ...]:
        """The sources of these tenants, in order of arrival."""
        with self._switch:
            metas = [meta for tenant in tenants for meta in self.blocks.blocks(tenant)]
            blocks = [self._open(meta) for meta in metas if meta.block_id not in self._damaged]
            live = [source for tenant in tenants for source in self.live.sources(tenant)]
        return tuple(sorted((*blocks, *live), key=lambda source: source.sequence))

    def tenants(self) -> tuple[str, ...]:
        """Tenants with anything stored, sorted."""
        return tuple(sorted({*self.blocks.tenants(), *self.live.tenants()}))

    def publish(self, meta: BlockMeta, segment: UUID) -> None:
        """The tenant's live spans of `segment` are in the block now."""
        with self._switch:
            self.blocks.add(meta)
            self.live.drop(segment, meta.tenant)

    def replace(self, meta: BlockMeta, blocks: Sequence[str]) -> None:
        """A block has been made of these blocks and takes their place."""
        with self._switch:
            self.blocks.replace(meta, blocks)
            self._let_go(blocks)

    def forget(self, tenant: str, block_id: str) -> None:
        """A block has been retired, or is about to be deleted."""
        with self._switch:
            self.blocks.remove(tenant, block_id)
            self._let_go([block_id])

    def _let_go(self, blocks: Sequence[str]) -> None:
        """No new query reads these blocks; one that has not opened them yet begins again (`leave_out`)."""
        self._gone.extend(blocks)
        for block_id in blocks:
            self._opened.pop(block_id, None)

    def leave_out(self, tenant: str, error: Damaged | NotFound) -> bool:
        """Whether the error tells of a block, which is not read from now on: a damaged one stays where it is, one that is gone
        is forgotten. Whoever met it may ask again."""
        with self._switch:
            met = next((meta for meta in self.blocks.blocks(tenant) if meta.block_id in str(error)), None)
            if met is None:  # it may have been compacted or have expired since the query began
                return isinstance(error, NotFound) and any(block_id in str(error) for block_id in self._gone)
            if met.block_id in self._damaged:
                return False
            self._opened.pop(met.block_id, None)
            if isinstance(error, NotFound):
                self._look_again(met)
                self._logger.warning("block %s of tenant %s has vanished and is no longer listed: %s", met.block_id, tenant, error)
            else:
                self._damaged[met.block_id] = met
                self._logger.error("block %s of tenant %s is damaged and left out of answers: %s", met.block_id, tenant, error)
            return True

    def _look_again(self, vanished: BlockMeta) -> None:
        """A block has vanished. Who only reads looks where its spans are now: the writer may have compacted it."""
        if self.blocks.read_only:
            self.blocks.refresh()
        self.blocks.remove(vanished.tenant, vanished.block_id)

    def is_damaged(self, block_id: str) -> bool:
        """Whether the block is left out of answers."""
        return block_id in self._damaged

    def left_out(self, tenants: Collection[str] | None = None, start: int = 0, end: int = MAX_TIME) -> tuple[str, ...]:
        """The damaged blocks that answers over this range (unix nanoseconds) lack, of these tenants or of all."""
        metas = list(self._damaged.values())
        return tuple(meta.block_id for meta in metas if (tenants is None or meta.tenant in tenants) and meta.overlaps(start, end))

    def close(self) -> None:
        """Let go of the blocks' files, and of the threads that read them; a query that still reads one keeps it until it ends."""
        with self._switch:
            self._opened.clear()
        self._kept.readers.close()

    @property
    def flaws(self) -> int:
        """Files met since the start that are damaged and without which answers are the same, only slower."""
        return len(self._flaws)

    def _flawed(self, block_id: str, error: Damaged) -> None:
        if (block_id, error.path) not in self._flaws:
            self._flaws.add((block_id, error.path))
            told = str(error)  # a log that keeps the error would keep the block's files open by its stack
            self._logger.warning("block %s is read without a file; `pytempo blocks repair` makes it anew: %s", block_id, told)

    def _open(self, meta: BlockMeta) -> BlockSource:
        if meta.block_id not in self._opened:
            self._opened[meta.block_id] = BlockSource(self.blocks.backend, meta, self._flawed, self._kept)
        return self._opened[meta.block_id]
