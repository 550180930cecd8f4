"""Keys of the part that holds spans until they are in blocks: `ingester` of 2.x, `live_store` of 3.x."""

from __future__ import annotations

from pytempo.config.keys import Key, no_effect, same, used, whole_sections
from pytempo.config.kinds import BOOLEAN, COUNT, DURATION, POSITIVE, POSITIVE_DURATION, SECOND, SIZE, TEXT

_TRACES = "Spans are searchable and on disk at once; only blocks wait for traces to come to rest."
_BLOCKS = "A block is cut, published and searched in one step, and lies on this machine's disk."

_IDLE = used(
    "ingester.trace_idle_period",
    DURATION,
    5 * SECOND,
    "A block that is old enough waits until no span has come for so long; at most ten times as long.",
    option="store.flush.trace_idle_period",
)
_CHECK = used(
    "ingester.flush_check_period",
    POSITIVE_DURATION,
    1 * SECOND,
    "How often the age of the live spans is looked at (Tempo: 10s).",
    option="store.flush.flush_check_period",
)
_AGE = used(
    "ingester.max_block_duration", DURATION, 30 * 60 * SECOND, "Age at which a block is cut.", option="store.flush.max_block_duration"
)
_BYTES = used(
    "ingester.max_block_bytes",
    POSITIVE,
    50 * 1024 * 1024,
    "Bytes of OTLP at which a block is cut (Tempo 2.x: 524288000).",
    option="store.flush.max_block_bytes",
)

KEYS: tuple[Key, ...] = (
    _IDLE,
    _CHECK,
    _AGE,
    _BYTES,
    used(
        "ingester.flush_all_on_shutdown",
        BOOLEAN,
        False,
        "Whether the live spans are cut into blocks before the end. They are in the log anyway.",
        option="store.flush_on_close",
    ),
    *no_effect("ingester", _TRACES, trace_live_period=DURATION),
    *no_effect("ingester", _BLOCKS, complete_block_timeout=DURATION, flush_op_timeout=DURATION, flush_object_storage=BOOLEAN),
    *no_effect("ingester", "One block is cut at a time.", concurrent_flushes=COUNT),
    *no_effect("ingester", "One process has no ring.", override_ring_key=TEXT),
    *whole_sections("One process has no ring.", "ingester.lifecycler", "ingester.partition_ring"),
    same("live_store.max_trace_idle", _IDLE),
    same("live_store.flush_check_period", _CHECK),
    same("live_store.max_block_duration", _AGE),
    same("live_store.max_block_bytes", _BYTES),
    *no_effect("live_store", _TRACES, max_trace_live=DURATION),
    *no_effect("live_store", "The memory of live spans is bounded by `pytempo.max_live_bytes`.", max_live_traces_bytes=SIZE),
    *no_effect(
        "live_store",
        _BLOCKS,
        complete_block_timeout=DURATION,
        complete_block_concurrency=COUNT,
        flush_op_timeout=DURATION,
        block_reclaim_grace=DURATION,
        initial_backoff=DURATION,
        max_backoff=DURATION,
    ),
    *no_effect("live_store", "Queries read live spans and blocks with the same threads.", query_block_concurrency=COUNT),
    *no_effect(
        "live_store",
        "Spans come from the receivers directly; there is no queue that one could lag behind.",
        commit_interval=DURATION,
        fail_on_high_lag=BOOLEAN,
        readiness_target_lag=DURATION,
        readiness_max_wait=DURATION,
        remove_owner_on_shutdown=BOOLEAN,
        shutdown_marker_dir=TEXT,
        consume_from_partition=TEXT,
    ),
    *whole_sections("The log lies at `storage.trace.wal.path`.", "live_store.wal"),
    *whole_sections("Blocks are written as `storage.trace.block` says.", "live_store.block_config"),
    *whole_sections("Metrics are computed of the spans themselves.", "live_store.metrics"),
    *whole_sections("One process has no ring.", "live_store.ring", "live_store.partition_ring"),
)
