"""A store's options from flat settings, as flags and files spell them."""

from __future__ import annotations

from pytempo.limits import LimitOptions
from pytempo.maintenance import CompactionOptions, FlushOptions, RetentionOptions
from pytempo.query.options import MetricsOptions, QueryOptions
from pytempo.store import StoreOptions


def store_options(
    *,
    max_request_bytes: int,
    max_block_bytes: int,
    max_block_duration: int,
    trace_idle_period: int,
    max_live_bytes: int,
    flush_on_close: bool,
    query_timeout: int,
    max_query_memory_bytes: int,
    max_search_duration: int,
    max_trace_bytes: int,
    max_tag_bytes: int,
    metrics: MetricsOptions,
    limits: LimitOptions,
    compaction: CompactionOptions,
    retention: RetentionOptions,
) -> StoreOptions:
    """Sizes in bytes, durations in nanoseconds; the meanings stand in `StoreOptions` and the options of its parts."""
    flush = FlushOptions(
        max_block_bytes=max_block_bytes,
        max_block_duration=max_block_duration,
        trace_idle_period=trace_idle_period,
        max_live_bytes=max_live_bytes,
    )
    query = QueryOptions(
        timeout=query_timeout,
        max_memory_bytes=max_query_memory_bytes,
        max_trace_bytes=max_trace_bytes,
        max_tag_bytes=max_tag_bytes,
        max_search_duration=max_search_duration,
    )
    return StoreOptions(
        max_request_bytes=max_request_bytes,
        flush=flush,
        compaction=compaction,
        retention=retention,
        query=query,
        metrics=metrics,
        limits=limits,
        flush_on_close=flush_on_close,
    )


def compaction_options(
    *, disabled: bool, compaction_window: int, compaction_cycle: int, max_block_bytes: int, max_objects: int, compacted_block_retention: int
) -> CompactionOptions:
    """As Tempo's `compactor.compaction` section; the meanings stand in `CompactionOptions`."""
    return CompactionOptions(
        disabled=disabled,
        compaction_window=compaction_window,
        compaction_cycle=compaction_cycle,
        max_block_bytes=max_block_bytes,
        max_compaction_objects=max_objects,
        compacted_block_retention=compacted_block_retention,
    )


def retention_options(*, block_retention: int, max_bytes_on_disk: int) -> RetentionOptions:
    """0 is no limit; the meanings stand in `RetentionOptions`."""
    return RetentionOptions(block_retention, max_bytes_on_disk)
