"""Blocks on their way out: `meta.compacted.json` instead of `meta.json`, then nothing. Who goes, and when, is decided in maintenance.

    1  retire    meta.json becomes meta.compacted.json, its time that of the retirement: no reader looks at the block any more
    2  clear     data.parquet and the rest go, meta.compacted.json last

Stopped at any point, the folder is a whole block, a retired one, or a retired one of which some files are gone; `clear` goes on with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pytempo.backend import LocalBackend
from pytempo.block import filenames
from pytempo.blocklist import scan
from pytempo.errors import NotFound, Unavailable


@dataclass(frozen=True, slots=True)
class Retired:
    """A block that waits for its deletion."""

    tenant: str
    block_id: str
    since: int
    """Unix nanoseconds, as its meta.compacted.json says by its time of change."""
    size: int
    """Bytes of its files."""


def retire(backend: LocalBackend, tenant: str, block_id: str, now: int) -> bool:
    """Step 1, durable on return; whether the block was there and not retired yet. Raises Unavailable."""
    new = filenames.key(tenant, block_id, filenames.COMPACTED_META)
    try:
        backend.move(filenames.key(tenant, block_id, filenames.META), backend, new)
    except NotFound:
        return False
    stamp(backend, tenant, block_id, now)
    return True


def stamp(backend: LocalBackend, tenant: str, block_id: str, now: int) -> None:
    """Say of a retired block that it has been so since `now`."""
    with suppress(OSError):  # an older time only lets it go earlier
        os.utime(backend.local_path(filenames.key(tenant, block_id, filenames.COMPACTED_META)), ns=(now, now))


def is_retired(backend: LocalBackend, tenant: str, block_id: str) -> bool:
    """Whether the block's folder says that its rows live on elsewhere or have expired."""
    try:
        backend.size(filenames.key(tenant, block_id, filenames.COMPACTED_META))
    except NotFound:
        return False
    return True


def retired(backend: LocalBackend) -> Iterator[Retired]:
    """All blocks that wait for their deletion, also those of a Tempo. Folders that cannot be listed are passed over."""
    for tenant in scan.tenant_folders(backend):
        with suppress(Unavailable):
            for block_id in scan.block_folders(backend, tenant):
                found = _retired(backend, tenant, block_id)
                if found is not None:
                    yield found


def _retired(backend: LocalBackend, tenant: str, block_id: str) -> Retired | None:
    folder = backend.local_path(filenames.folder(tenant, block_id))
    try:
        if (folder / filenames.META).exists():
            return None
        since = (folder / filenames.COMPACTED_META).stat().st_mtime_ns
    except OSError:  # none, or gone meanwhile
        return None
    return Retired(tenant, block_id, since, bytes_below(folder))


def clear(backend: LocalBackend, tenant: str, block_id: str) -> None:
    """Step 2. Raises Unavailable where the disk refuses; what is left waits for the next attempt."""
    folder = filenames.folder(tenant, block_id)
    for name in sorted(backend.list(folder).files, key=lambda name: (name == filenames.COMPACTED_META, name != filenames.DATA)):
        backend.delete(f"{folder}/{name}")
    backend.delete_folder(folder)


def bytes_below(folder: Path) -> int:
    """Bytes of all files below a folder; what vanishes meanwhile counts for nothing."""
    total = 0
    waiting = [folder]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
    return total
