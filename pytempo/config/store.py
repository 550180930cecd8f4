"""A store's options from flat settings, as flags and files spell them."""

from __future__ import annotations

from pytempo.limits import LimitOptions
from pytempo.maintenance import FlushOptions
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
    metrics: MetricsOptions,
    limits: LimitOptions,
) -> StoreOptions:
    """Sizes in bytes, durations in nanoseconds; the meanings stand in `StoreOptions` and the options of its parts."""
    flush = FlushOptions(
        max_block_bytes=max_block_bytes,
        max_block_duration=max_block_duration,
        trace_idle_period=trace_idle_period,
        max_live_bytes=max_live_bytes,
    )
    query = QueryOptions(timeout=query_timeout, max_memory_bytes=max_query_memory_bytes, max_search_duration=max_search_duration)
    return StoreOptions(
        max_request_bytes=max_request_bytes, flush=flush, query=query, metrics=metrics, limits=limits, flush_on_close=flush_on_close
    )
