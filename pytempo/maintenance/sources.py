"""All sources of a store, live and blocks, and the one step in which spans go from the first to the second."""

from __future__ import annotations

import logging
import threading
from uuid import UUID

from pytempo.block import BlockMeta
from pytempo.block.source import BlockSource
from pytempo.blocklist import BlockList
from pytempo.live import Live
from pytempo.model.scan import Source


class Sources:
    """What queries read. A reader sees a span in live or in its block, never in neither and never in both. Thread-safe."""

    def __init__(self, live: Live, blocks: BlockList, logger: logging.Logger) -> None:
        self.live, self.blocks, self._logger = live, blocks, logger
        self._switch = threading.Lock()
        self._opened: dict[str, BlockSource] = {}

    def of(self, tenant: str) -> tuple[Source, ...]:
        """The sources of a tenant, in order of arrival."""
        with self._switch:
            blocks = [self._open(meta) for meta in self.blocks.blocks(tenant)]
            live = self.live.sources(tenant)
        return tuple(sorted((*blocks, *live), key=lambda source: source.sequence))

    def tenants(self) -> tuple[str, ...]:
        """Tenants with anything stored, sorted."""
        return tuple(sorted({*self.blocks.tenants(), *self.live.tenants()}))

    def publish(self, meta: BlockMeta, segment: UUID) -> None:
        """The tenant's live spans of `segment` are in the block now."""
        with self._switch:
            self.blocks.add(meta)
            self.live.drop(segment, meta.tenant)

    def forget(self, tenant: str, block_id: str) -> None:
        """A block is about to be deleted."""
        with self._switch:
            self.blocks.remove(tenant, block_id)
            self._opened.pop(block_id, None)

    def _open(self, meta: BlockMeta) -> BlockSource:
        if meta.block_id not in self._opened:
            self._opened[meta.block_id] = BlockSource(self.blocks.backend, meta)
        return self._opened[meta.block_id]
