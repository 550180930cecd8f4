"""When a block's last spans arrived and which blocks it was made of, kept in its meta.json under keys that Tempo passes over.

"pytempoArrived": 1795595297442709463,                          unix nanoseconds
"pytempoSources": ["126ac82b-35fc-49b6-af18-d886ee1be3a9", ...]  of a compacted block only
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytempo.block.filenames import is_block_id
from pytempo.block.meta import BlockMeta

ARRIVED, SOURCES = "pytempoArrived", "pytempoSources"


def lineage_fields(arrived: int | None, sources: Sequence[str] = ()) -> dict[str, Any]:
    """What a block's meta.json gets beside the fields of `BlockMeta`."""
    fields: dict[str, Any] = {} if arrived is None else {ARRIVED: arrived}
    return {**fields, SOURCES: list(sources)} if sources else fields


def arrived_of(meta: BlockMeta) -> int:
    """A time (unix nanoseconds) at which all spans of the block had arrived; of a block of another writer its end."""
    arrived = meta.extra.get(ARRIVED)
    return arrived if type(arrived) is int and arrived >= 0 else meta.end


def sources_of(meta: BlockMeta) -> tuple[str, ...]:
    """The ids of the blocks whose spans this one has taken over: they count for nothing while it is there."""
    named = meta.extra.get(SOURCES)
    return tuple(name for name in named if isinstance(name, str) and is_block_id(name)) if isinstance(named, list) else ()
