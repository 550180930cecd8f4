"""When blocks are merged, and how large they may become. Names and meanings are Tempo's (`compactor.compaction`) where it has them."""

from __future__ import annotations

from dataclasses import dataclass

SECOND = 1_000_000_000
HOUR = 3600 * SECOND


@dataclass(frozen=True, slots=True)
class CompactionOptions:
    """Durations in nanoseconds, sizes in bytes of data.parquet."""

    disabled: bool = False
    """Whether the store leaves its blocks as they are; `Store.compact` works all the same."""
    compaction_window: int = HOUR
    """Blocks are merged whose ends lie in the same window. Windows are whole multiples since 1970."""
    max_block_bytes: int = 100 * 1024**3
    """What the inputs of one merge have together, at most."""
    max_compaction_objects: int = 6_000_000
    """Traces that the inputs of one merge have together, at most."""
    compaction_cycle: int = 30 * SECOND
    """How often the store looks for something to do."""
    compacted_block_retention: int = HOUR
    """How long the folder of a merged or expired block stays, for queries of other processes that still read it."""
    min_input_blocks: int = 4
    """Blocks of about one size that a window which still fills must have for a merge; a window that is over needs two."""
    max_input_blocks: int = 8
    """Blocks of one merge, at most: each has a row group in memory, about 10 MB."""
    worker_process: bool = True
    """Whether merges run in a process of their own, at low priority, so that queries keep this one's interpreter to themselves."""
