"""Looking at one folder: is it a block, and if not, why. Nothing is changed or logged here; that is left to `block_list`.

What a folder is, in the order of the questions:
  its name is no UUID, or it holds neither metadata nor rows     a stranger: passed over in silence
  meta.compacted.json, no meta.json                              COMPACTED: its rows live on in another block
  data.parquet, no meta.json                                     UNPUBLISHED: a write that never came to its end
  meta.json or data.parquet cannot be read at the moment         UNREADABLE: permissions, an I/O error; the content may be sound
  a format that is not read here                                 UNSUPPORTED
  meta.json names another tenant or block                        MISPLACED: copied or renamed by hand
  meta.json is no metadata or does not agree with its checksum,
  data.parquet is absent or of another size than it says         DAMAGED
  otherwise                                                      a block
A folder that vanishes meanwhile, or whose meta.json does (it goes first when a block is deleted), is passed over as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pytempo.backend import LocalBackend, is_name
from pytempo.block import filenames
from pytempo.block.meta import OWN_KEY, BlockMeta
from pytempo.block.versions import UnsupportedFormat
from pytempo.errors import Damaged, NotFound, Unavailable


class LeftOutReason(StrEnum):
    """Why a folder that looks like a block is not in the list; see the table above."""

    COMPACTED = "compacted"
    UNPUBLISHED = "unpublished"
    UNREADABLE = "unreadable"
    UNSUPPORTED = "unsupported"
    MISPLACED = "misplaced"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A folder that is not in the list of blocks."""

    tenant: str
    block_id: str
    reason: LeftOutReason

    cause: str
    """For people: the file and what is wrong with it."""


def block_folders(backend: LocalBackend, tenant: str) -> tuple[str, ...]:
    """Names of the tenant's folders that may be blocks; raises `Unavailable` where the tenant's folder cannot be listed."""
    return tuple(filter(filenames.is_block_id, backend.list(tenant).folders))


def tenant_folders(backend: LocalBackend) -> Iterator[str]:
    """Names of the folders that may be tenants: all that can be part of a key, `lost+found` among them."""
    return filter(is_name, backend.list().folders)


def look_at(backend: LocalBackend, tenant: str, block_id: str) -> BlockMeta | LeftOut | None:
    """The block in a folder, the reason why there is none, or None for a stranger or a folder that has vanished."""
    try:
        return _look_at(backend, tenant, block_id)
    except UnsupportedFormat as error:
        return LeftOut(tenant, block_id, LeftOutReason.UNSUPPORTED, str(error))
    except Damaged as error:
        return LeftOut(tenant, block_id, LeftOutReason.DAMAGED, str(error))
    except Unavailable as error:
        return LeftOut(tenant, block_id, LeftOutReason.UNREADABLE, str(error))


def is_published(backend: LocalBackend, tenant: str, block_id: str) -> bool:
    """Whether the folder still has its meta.json; true where that cannot be told at the moment."""
    try:
        backend.size(filenames.key(tenant, block_id, filenames.META))
    except NotFound:
        return False
    except Unavailable:
        return True
    return True


def _look_at(backend: LocalBackend, tenant: str, block_id: str) -> BlockMeta | LeftOut | None:
    folder = filenames.folder(tenant, block_id)
    files = backend.list(folder).files
    if filenames.META not in files:
        return _without_meta(backend, tenant, block_id, files)
    key = filenames.key(tenant, block_id, filenames.META)
    path = str(backend.local_path(key))
    try:
        meta = BlockMeta.from_bytes(backend.get(key), path)
    except NotFound:
        return None
    if (meta.tenant, meta.block_id) != (tenant, block_id):
        cause = f"{path}: is the metadata of block {meta.block_id} of tenant {meta.tenant}; move the folder back to its name"
        return LeftOut(tenant, block_id, LeftOutReason.MISPLACED, cause)
    if filenames.CHECKSUMS in files and not (meta.exact or OWN_KEY in meta.extra):
        raise Damaged(path, f"says nothing of the file {filenames.CHECKSUMS}, though it is there")
    return _with_its_rows(backend, meta)


def _without_meta(backend: LocalBackend, tenant: str, block_id: str, files: tuple[str, ...]) -> LeftOut | None:
    folder = backend.local_path(filenames.folder(tenant, block_id))
    if filenames.COMPACTED_META in files:
        return LeftOut(tenant, block_id, LeftOutReason.COMPACTED, f"{folder}: has been compacted into another block, or has expired")
    if filenames.DATA in files:
        return LeftOut(tenant, block_id, LeftOutReason.UNPUBLISHED, f"{folder}: {filenames.DATA} without {filenames.META}")
    return None


def _with_its_rows(backend: LocalBackend, meta: BlockMeta) -> BlockMeta | None:
    key = filenames.key(meta.tenant, meta.block_id, filenames.DATA)
    try:
        size = backend.size(key)
    except NotFound as error:
        if not is_published(backend, meta.tenant, meta.block_id):
            return None
        raise Damaged(str(backend.local_path(key)), "is missing, though the block is published") from error
    if size != meta.size:
        raise Damaged(str(backend.local_path(key)), f"has {size} bytes, {filenames.META} says {meta.size}")
    return meta
