"""A block's place in the order of arrival, kept in its meta.json under a key of its own that Tempo passes over."""

from __future__ import annotations

from typing import Any

from pytempo.block.meta import BlockMeta

KEY = "pytempoSequence"


def sequence_fields(sequence: int) -> dict[str, Any]:
    """What a block's meta.json gets beside the fields of `BlockMeta`."""
    return {KEY: sequence}


def sequence_of(meta: BlockMeta) -> int:
    """The block's number; a block of another writer counts as filled at its end (unix nanoseconds)."""
    sequence = meta.extra.get(KEY)
    return sequence if type(sequence) is int and sequence >= 0 else meta.end
