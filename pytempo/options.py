"""How a store behaves: the options of its parts, put together."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytempo.limits import LimitOptions
from pytempo.maintenance import CompactionOptions, FlushOptions, RetentionOptions
from pytempo.query.options import MetricsOptions, QueryOptions, SearchOptions


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """How a store behaves. Sizes in bytes, durations in nanoseconds."""

    max_request_bytes: int = 16 * 1024 * 1024
    """OTLP bytes of one request, decompressed; larger ones are refused. A request is decoded in one piece, at about ten times
    its size in memory."""
    flush: FlushOptions = field(default_factory=FlushOptions)
    compaction: CompactionOptions = field(default_factory=CompactionOptions)
    retention: RetentionOptions = field(default_factory=RetentionOptions)
    query: QueryOptions = field(default_factory=QueryOptions)
    search: SearchOptions = field(default_factory=SearchOptions)
    metrics: MetricsOptions = field(default_factory=MetricsOptions)
    limits: LimitOptions = field(default_factory=LimitOptions)
    """Of tenants that have none of their own."""
    flush_on_close: bool = False
    """Whether closing cuts the live spans into blocks. Without it they wait in the log, which costs nothing but their replay at
    the next start."""
