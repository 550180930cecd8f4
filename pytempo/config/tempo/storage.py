"""Keys of `storage`: where the log and the blocks lie, and how blocks are written."""

from __future__ import annotations

from pytempo.config.keys import Key, missing, no_effect, used, whole_sections
from pytempo.config.kinds import ANYTHING, BOOLEAN, COUNT, DURATION, NUMBER, SIZE, TEXT, choice

TRACE = "storage.trace"
_LOCAL_ONLY = "Only the backend `local` is there."
_OWN_FORMAT = "The log has a format of its own, in which nothing is guessed or compressed by choice."
_POLL = "This process writes all blocks of its directory itself, and knows them without looking."
_CACHE = "Blocks are files of this machine, cached by its operating system."
_OBJECT_STORE = "blocks lie on a local disk here: give it a volume and set storage.trace.local.path, and copy or snapshot that volume"

KEYS: tuple[Key, ...] = (
    used(
        f"{TRACE}.backend",
        choice("local", "", otherwise=_OBJECT_STORE),
        "local",
        "Where blocks lie: on a local disk, also where it is left empty.",
    ),
    used(
        f"{TRACE}.wal.path",
        TEXT,
        "/var/tempo/wal",
        "The folder of the log. The one above it is the data directory, which also holds the lock and what is found damaged.",
    ),
    used(
        f"{TRACE}.local.path",
        TEXT,
        "/var/tempo/blocks",
        "The folder of the blocks, in the same folder as that of the log; left out, `blocks` beside it.",
    ),
    used(
        f"{TRACE}.block.bloom_filter_false_positive",
        NUMBER,
        0.01,
        "Share of absent trace ids that cost a look into a block.",
        option="store.flush.block.bloom_false_positive",
    ),
    used(
        f"{TRACE}.block.bloom_filter_shard_size_bytes",
        SIZE,
        102_400,
        "Size of one file of the trace id filter.",
        option="store.flush.block.bloom_shard_size_bytes",
    ),
    *no_effect(f"{TRACE}.block", "Blocks are written as vParquet4, which Tempo 2.x and 3.x read; 3 to 5 are read.", version=TEXT),
    *no_effect(
        f"{TRACE}.block", "Row groups are small by design; `pytempo.row_group_spans` is their size.", parquet_row_group_size_bytes=SIZE
    ),
    *no_effect(
        f"{TRACE}.block",
        "Settings of formats before Parquet.",
        search_encoding=TEXT,
        search_page_size_bytes=SIZE,
        v2_encoding=TEXT,
        v2_index_downsample_bytes=SIZE,
        v2_index_page_size_bytes=SIZE,
    ),
    missing(
        f"{TRACE}.block.parquet_dedicated_columns",
        ANYTHING,
        [],
        "Each block chooses, unless `pytempo.dedicated_columns` is false: the ten texts that most of its spans, and resources, have.",
    ),
    *no_effect(f"{TRACE}.wal", _OWN_FORMAT, v2_encoding=TEXT, search_encoding=TEXT, version=TEXT),
    *no_effect(f"{TRACE}.wal", "The times of a block are those of its spans.", ingestion_time_range_slack=DURATION),
    *no_effect(
        TRACE,
        _POLL,
        blocklist_poll=DURATION,
        blocklist_poll_concurrency=COUNT,
        blocklist_poll_tenant_concurrency=COUNT,
        blocklist_poll_fallback=BOOLEAN,
        blocklist_poll_tenant_index_builders=COUNT,
        blocklist_poll_stale_tenant_index=DURATION,
        blocklist_poll_jitter_ms=COUNT,
        blocklist_poll_tolerate_consecutive_errors=COUNT,
        blocklist_poll_tolerate_tenant_failures=COUNT,
        empty_tenant_deletion_enabled=BOOLEAN,
        empty_tenant_deletion_age=DURATION,
    ),
    *whole_sections("Queries have as many threads as `querier.max_concurrent_queries` says.", f"{TRACE}.pool"),
    *whole_sections("Blocks are read by row group, as far as a query needs them.", f"{TRACE}.search"),
    *no_effect(TRACE, _CACHE, cache=TEXT, cache_min_compaction_level=COUNT, cache_max_block_age=DURATION),
    *whole_sections(_CACHE, f"{TRACE}.background_cache", f"{TRACE}.memcached", f"{TRACE}.redis"),
    *whole_sections(_LOCAL_ONLY, f"{TRACE}.s3", f"{TRACE}.gcs", f"{TRACE}.azure"),
)
