"""What one tenant may send and ask: the limits that Tempo calls overrides."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LimitOptions:
    """The limits of one tenant. Sizes in bytes, durations in nanoseconds; where nothing else is said, 0 is no limit.

    Nothing is limited by default: memory is bounded for all tenants together (`FlushOptions.max_live_bytes`), and what fits is kept.
    """

    rate_limit_bytes: int | None = None
    """OTLP bytes a second, on average; None is no limit, 0 takes nothing (Tempo: `ingestion.rate_limit_bytes`)."""
    burst_size_bytes: int | None = None
    """OTLP bytes that may come at once; None is `rate_limit_bytes` (Tempo: `ingestion.burst_size_bytes`)."""
    max_traces: int = 0
    """Live traces: those that had a span within the last seconds (Tempo: `ingestion.max_traces_per_user`)."""
    max_bytes_per_trace: int = 0
    """OTLP bytes of the spans of one trace, as long as it is remembered (Tempo: `global.max_bytes_per_trace`)."""
    max_attribute_bytes: int = 0
    """Keys and texts of attributes are cut to so many bytes (Tempo: `ingestion.max_attribute_bytes`)."""
    retry_info: bool = True
    """Whether a sender beyond its rate is told when to come again (Tempo: `ingestion.retry_info_enabled`)."""
    max_search_duration: int = 0
    """The longest window of a search or tag question; 0 is the default of all (Tempo: `read.max_search_duration`)."""
    max_metrics_duration: int = 0
    """The longest range of a metrics question; 0 is the default of all (Tempo: `read.max_metrics_duration`)."""
    block_retention: int = 0
    """Age at which blocks go; 0 is the default of all (Tempo: `compaction.block_retention`)."""
    compaction_window: int = 0
    """Span of time whose blocks are merged; 0 is the default of all (Tempo: `compaction.compaction_window`)."""
    compaction_disabled: bool = False
    """Whether blocks stay as they were flushed (Tempo: `compaction.compaction_disabled`)."""

    @property
    def burst(self) -> int:
        """Bytes that may come at once, where there is a rate."""
        return (self.rate_limit_bytes or 0) if self.burst_size_bytes is None else self.burst_size_bytes

    @property
    def counts_traces(self) -> bool:
        """Whether traces have to be told apart on their way in."""
        return bool(self.max_traces or self.max_bytes_per_trace)

    @property
    def concerns_spans(self) -> bool:
        """Whether what is in a request may be refused or changed, so that it has to be decoded on its way in."""
        return self.counts_traces or bool(self.max_attribute_bytes)
