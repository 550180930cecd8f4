"""The list of blocks per tenant over a local blocks directory: found by looking, kept up by those who make and remove blocks.

Readers see immutable tuples and never wait. Writers (`refresh`, `add`, `remove`) take turns.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterable
from pathlib import Path

from pytempo.backend import LocalBackend, sync_folder
from pytempo.block import filenames
from pytempo.block.lineage import sources_of
from pytempo.block.meta import BlockMeta
from pytempo.blocklist import scan
from pytempo.blocklist.retired import bytes_below
from pytempo.blocklist.scan import LeftOut, LeftOutReason
from pytempo.blocklist.set_aside import set_aside
from pytempo.errors import Unavailable

Blocks = tuple[BlockMeta, ...]

_LEVELS = {
    LeftOutReason.COMPACTED: logging.DEBUG,
    LeftOutReason.UNPUBLISHED: logging.INFO,
    LeftOutReason.UNREADABLE: logging.WARNING,
    LeftOutReason.UNSUPPORTED: logging.WARNING,
    LeftOutReason.MISPLACED: logging.WARNING,
    LeftOutReason.DAMAGED: logging.ERROR,
}
"""How loud a folder that is left out is named in the log, once, when it is first met."""


class BlockList:
    """Which blocks exist. All methods may be called from any thread; what they return never changes afterwards.

    Whoever deletes a block retires it first (`retired.retire`) and then calls `remove`; its other files go later. A block that was made of
    others (`lineage.sources_of`) takes their place, whether they are retired yet or not.
    """

    def __init__(
        self, root: Path, damaged_root: Path, logger: logging.Logger, read_only: bool = False, scratch_root: Path | None = None
    ) -> None:
        self.backend = LocalBackend(root)
        self.scratch = LocalBackend(scratch_root or root.with_name("compacting"))
        """Where a block is written that comes into the list as a whole, by `adopt`. Emptied by whoever opens the list for writing."""
        self.damaged_root = damaged_root
        self.damaged = LocalBackend(damaged_root)
        self.read_only = read_only
        self._logger = logger
        self._turn = threading.Lock()
        self._blocks: dict[str, Blocks] = {}
        self._left_out: tuple[LeftOut, ...] = ()
        self._unlistable: frozenset[str] = frozenset()
        self._set_aside = 0

    @classmethod
    def open(
        cls, root: Path, damaged_root: Path, logger: logging.Logger, read_only: bool = False, scratch_root: Path | None = None
    ) -> BlockList:
        """The list of the blocks under `root` (`<root>/<tenant>/<uuid>/`), which need not be there yet.

        Damaged blocks are moved below `damaged_root`; with `read_only` they stay where they are and are left out all the same.
        Raises `Unavailable` if `root` itself cannot be listed.
        """
        blocks = cls(root, damaged_root, logger, read_only, scratch_root)
        if not read_only:
            blocks.empty_scratch()
            blocks.sweep()
        blocks.refresh()
        return blocks

    def tenants(self) -> tuple[str, ...]:
        """Tenants with at least one block, sorted."""
        return tuple(sorted(self._blocks))

    def blocks(self, tenant: str) -> Blocks:
        """The tenant's blocks, the latest end first (ties: by id); empty for a tenant that has none."""
        return self._blocks.get(tenant, ())

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What looks like a block and is not in the list, by tenant and id, as of the last `refresh`; damaged ones only while in place."""
        return self._left_out

    @property
    def unsupported(self) -> tuple[LeftOut, ...]:
        """Those of `left_out` whose format is not read here."""
        return tuple(folder for folder in self._left_out if folder.reason is LeftOutReason.UNSUPPORTED)

    @property
    def set_aside_count(self) -> int:
        """Blocks moved below `damaged_root` since this list was opened."""
        return self._set_aside

    def add(self, meta: BlockMeta) -> None:
        """Take in a block that has just been published; one with the same id is replaced."""
        with self._turn:
            others = (block for block in self.blocks(meta.tenant) if block.block_id != meta.block_id)
            self._blocks = {**self._blocks, meta.tenant: _in_order([*others, meta])}

    def replace(self, meta: BlockMeta, sources: Collection[str]) -> None:
        """Take in a block in place of those that it was made of, in one step."""
        with self._turn:
            others = (block for block in self.blocks(meta.tenant) if block.block_id not in (meta.block_id, *sources))
            self._blocks = {**self._blocks, meta.tenant: _in_order([*others, meta])}

    def adopt(self, meta: BlockMeta) -> None:
        """Move a block, complete with its meta.json, from `scratch` to its place: after a restart it is there. The list stays as it is.

        A block of this id that is there already, published by an attempt that failed afterwards, stays. Raises Unavailable.
        """
        folder = filenames.folder(meta.tenant, meta.block_id)
        if scan.is_published(self.backend, meta.tenant, meta.block_id):
            self.scratch.delete_folder(folder)
            self._sync(meta.tenant)
            return
        self.backend.delete_folder(folder)
        self.scratch.move(folder, self.backend, folder)

    def _sync(self, tenant: str) -> None:
        folder = self.backend.local_path(tenant)
        try:
            sync_folder(folder)
        except OSError as error:
            raise Unavailable(f"folder {folder} cannot be synced: {error.strerror}; check the disk") from error

    def bytes_of(self, meta: BlockMeta) -> int:
        """Bytes of all files of a block."""
        return bytes_below(self.backend.local_path(filenames.folder(meta.tenant, meta.block_id)))

    def empty_scratch(self) -> None:
        """Remove what a writer did not bring to its end. Where the disk refuses, it is said in the log and stays."""
        try:
            for tenant in self.scratch.list().folders:
                self.scratch.delete_folder(tenant)
        except Unavailable as error:
            self._logger.warning("what an earlier compaction left is not removed: %s", error)

    def sweep(self) -> None:
        """Remove the files that a killed process was writing; only before anything is written. Where the disk refuses, as above."""
        try:
            left = self.backend.sweep()
        except Unavailable as error:
            self._logger.warning("half-written files that a kill left are not removed: %s", error)
            return
        if left:
            self._logger.info("%d half-written files that a kill left are removed", left)

    def remove(self, tenant: str, block_id: str) -> None:
        """Forget a block that is retired or gone; nothing happens if it is not in the list."""
        with self._turn:
            left = tuple(block for block in self.blocks(tenant) if block.block_id != block_id)
            self._blocks = _without_empty({**self._blocks, tenant: left})

    def refresh(self) -> None:
        """Look again at what is there: new blocks come in, vanished ones go, known ones are not read again.

        Raises `Unavailable` if the root cannot be listed; a folder below it that cannot is named in the log and passed over.
        """
        with self._turn:
            found: dict[str, Blocks] = {}
            left_out: list[LeftOut] = []
            unlistable: set[str] = set()
            for tenant in scan.tenant_folders(self.backend):
                try:
                    names = scan.block_folders(self.backend, tenant)
                except Unavailable as error:
                    unlistable.add(tenant)
                    if tenant not in self._unlistable:
                        self._logger.warning("folder passed over: %s", error)
                    continue
                found[tenant] = self._look_at_all(tenant, names, left_out)
            self._blocks, self._left_out, self._unlistable = _without_empty(found), tuple(left_out), frozenset(unlistable)

    def _look_at_all(self, tenant: str, names: Iterable[str], left_out: list[LeftOut]) -> Blocks:
        known = {block.block_id: block for block in self.blocks(tenant)}
        blocks: list[BlockMeta] = []
        for name in names:
            if name in known and scan.is_published(self.backend, tenant, name):
                blocks.append(known[name])
                continue
            seen = scan.look_at(self.backend, tenant, name)
            if isinstance(seen, BlockMeta):
                blocks.append(seen)
            elif seen is not None and not self._moved(seen):
                left_out.append(seen)
        replaced = {source: block for block in blocks for source in sources_of(block) if source != block.block_id}
        for block in blocks:
            if block.block_id in replaced:
                cause = f"has been compacted into block {replaced[block.block_id].block_id}"
                left_out.append(LeftOut(tenant, block.block_id, LeftOutReason.COMPACTED, cause))
        return _in_order(block for block in blocks if block.block_id not in replaced)

    def _moved(self, folder: LeftOut) -> bool:
        """Name the folder in the log if it is new, and set it aside if it is damaged; whether it is gone from its place."""
        new = folder not in self._left_out
        if new:
            level = _LEVELS[folder.reason]
            self._logger.log(level, "%s block %s of tenant %s left out: %s", folder.reason, folder.block_id, folder.tenant, folder.cause)
        if folder.reason is not LeftOutReason.DAMAGED or self.read_only:
            return False
        path = self.backend.local_path(filenames.folder(folder.tenant, folder.block_id))
        try:
            target = set_aside(path, self.damaged_root, folder.tenant)
        except OSError as error:
            if new:
                self._logger.error("damaged block stays at %s, it cannot be moved below %s: %s", path, self.damaged_root, error)
            return False
        self._set_aside += 1
        self._logger.error("damaged block moved from %s to %s; nothing of it was deleted", path, target)
        return True


def _in_order(blocks: Iterable[BlockMeta]) -> Blocks:
    return tuple(sorted(blocks, key=lambda block: (-block.end, block.block_id)))


def _without_empty(blocks: dict[str, Blocks]) -> dict[str, Blocks]:
    return {tenant: of_tenant for tenant, of_tenant in blocks.items() if of_tenant}
