"""How far questions may reach: the limits of every query, and those of metrics queries."""

from __future__ import annotations

from dataclasses import dataclass

HOUR = 3600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """Limits of every query; 0 is no limit."""

    timeout: int = 30 * 1_000_000_000
    """Nanoseconds, counted from the question on, after which a query is ended (Tempo: `querier.search.query_timeout`)."""
    max_memory_bytes: int = 256 * 1024 * 1024
    """Columns that one query may hold in memory, in estimated bytes of what it reads from blocks. Beyond, it reads columns again
    rather than keep them; a query that needs more at once is refused."""
    max_cached_bytes: int = 128 * 1024 * 1024
    """Columns of blocks that are kept in memory for the next query, of all queries together; 0 keeps none."""
    max_trace_bytes: int = 50_000_000
    """OTLP bytes, about, of a trace that is answered with whole (Tempo: `max_bytes_per_trace`)."""
    max_tag_bytes: int = 1_000_000
    """Bytes of names or values of one tag answer, which is cut beyond (Tempo: `max_bytes_per_tag_values_query`)."""
    max_search_duration: int = 168 * HOUR
    """The longest window of a search or tag question, in nanoseconds (Tempo: `query_frontend.search.max_duration`)."""


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How much a search over HTTP or gRPC may ask for."""

    default_limit: int = 20
    """Traces of one that says no limit (Tempo: `query_frontend.search.default_result_limit`)."""
    max_limit: int = 262_144
    """The largest limit; 0 is none (Tempo: `query_frontend.search.max_result_limit`)."""
    default_spans: int = 3
    """Spans a span set of one that does not say (Tempo: `query_frontend.search.default_spans_per_span_set`)."""
    max_spans: int = 100
    """The most that it may say; 0 is no limit (Tempo: `query_frontend.search.max_spans_per_span_set`)."""


@dataclass(frozen=True, slots=True)
class MetricsOptions:
    """Limits of metrics queries; 0 is no limit."""

    max_intervals: int = 10_000
    """Intervals of a range (Tempo: `query_frontend.metrics.max_intervals`)."""
    max_duration: int = 24 * HOUR
    """The longest range, in nanoseconds (Tempo: `query_frontend.metrics.max_duration`)."""
    max_series: int = 0
    """Series of an answer; one with more is cut and says so (Tempo: `query_frontend.metrics.max_response_series`)."""
    max_exemplars: int = 100
    """Exemplars of an answer; here 0 is none (Tempo: `query_frontend.metrics.max_exemplars`)."""
