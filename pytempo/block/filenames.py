"""Every file name of a block's folder, and the keys made of them; what the files hold stands in docs/format/block.md."""

from __future__ import annotations

from uuid import UUID

META = "meta.json"
"""Publishes the block: written last, removed first."""

DATA = "data.parquet"
"""The rows: one per trace, ascending by trace id."""

INDEX = "index"
"""The last trace id of each row group; readers do without."""

CHECKSUMS = "checksums"
"""What the bytes of `DATA` and of the small files must be; ours, Tempo passes over it."""

COMPACTED_META = "meta.compacted.json"
"""`META` renamed: the block's rows live on in a compacted one, and its folder waits for deletion."""

NO_COMPACT = "nocompact.flg"
"""Empty: the block is never an input of a compaction."""


def bloom(shard: int) -> str:
    """The file of one shard of the id bloom filter, counted from 0."""
    return f"bloom-{shard}"


def is_block_id(name: str) -> bool:
    """Whether a folder of this name may be a block: a UUID in its canonical form, lower case with hyphens."""
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def folder(tenant: str, block_id: str) -> str:
    """The folder of a block, as a backend's key."""
    return f"{tenant}/{block_id}"


def key(tenant: str, block_id: str, name: str) -> str:
    """The key `<tenant>/<uuid>/<name>` of one file of a block."""
    return f"{tenant}/{block_id}/{name}"
