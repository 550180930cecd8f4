"""Keys of `pytempo`, a section that Tempo does not have: settings for which Tempo has no name."""

from __future__ import annotations

from pytempo.config.keys import Key, used
from pytempo.config.kinds import BOOLEAN, POSITIVE, SIZE

KEYS: tuple[Key, ...] = (
    used(
        "pytempo.max_live_bytes",
        POSITIVE,
        200 * 1024 * 1024,
        "Bytes of OTLP that may wait for their block; beyond, exports wait and are then refused.",
        option="store.flush.max_live_bytes",
    ),
    used(
        "pytempo.max_query_memory_bytes",
        SIZE,
        256 * 1024 * 1024,
        "Columns that one query may hold, in bytes; 0 is no limit.",
        option="store.query.max_memory_bytes",
    ),
    used(
        "pytempo.max_cached_bytes",
        SIZE,
        128 * 1024 * 1024,
        "Columns of blocks that are kept in memory for the next query, in bytes of all together; 0 keeps none.",
        option="store.query.max_cached_bytes",
    ),
    used(
        "pytempo.max_bytes_on_disk",
        SIZE,
        0,
        "Beyond so many bytes on disk the oldest blocks go; 0 is no limit.",
        option="store.retention.max_bytes_on_disk",
    ),
    used(
        "pytempo.max_trace_bytes",
        SIZE,
        50_000_000,
        "OTLP bytes of a trace by id that is shown whole; 0 is no limit.",
        option="store.query.max_trace_bytes",
    ),
    used(
        "pytempo.row_group_spans",
        POSITIVE,
        10_000,
        "Spans of a row group of a block, about.",
        option="store.flush.block.row_group_spans",
    ),
    used(
        "pytempo.dedicated_columns",
        BOOLEAN,
        True,
        "Whether blocks give the texts that most spans have columns of their own. "
        "Some versions of Tempo leave their values out where they list those of a tag.",
        option="store.flush.block.choose_columns",
    ),
)
