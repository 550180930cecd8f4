"""Keys of `querier` and `query_frontend`: how far questions may reach."""

from __future__ import annotations

from pytempo.config.keys import Key, missing, no_effect, refused, used, whole_sections
from pytempo.config.kinds import ANYTHING, BOOLEAN, COUNT, DURATION, NUMBER, POSITIVE, SECOND, SIZE, TEXT, TEXTS

HOUR = 3600 * SECOND

_SHARDS = "A query is one piece of work in this process; nothing is sent or tried again."
_SLO = "No objective is measured; `tempo_request_duration_seconds` has the durations."
_NEWEST = "Spans are searchable from their acknowledgement on, in blocks and before."
_METRICS = "query_frontend.metrics"
_SEARCH = "query_frontend.search"

KEYS: tuple[Key, ...] = (
    used(
        "querier.search.query_timeout",
        DURATION,
        30 * SECOND,
        "Time after which a query of any kind is ended; 0s is no limit.",
        option="store.query.timeout",
    ),
    used(
        "querier.max_concurrent_queries",
        POSITIVE,
        8,
        "Queries that are worked on at a time; others wait (Tempo: 20).",
        option="max_concurrent_queries",
    ),
    used(
        "query_frontend.max_outstanding_per_tenant",
        COUNT,
        2000,
        "Queries that may wait; more are refused with 429.",
        option="max_queued_queries",
    ),
    used(
        f"{_METRICS}.max_duration",
        DURATION,
        24 * HOUR,
        "The longest range of a metrics query; 0s is no limit (Tempo 2.x: 3h).",
        option="store.metrics.max_duration",
    ),
    used(f"{_METRICS}.max_intervals", COUNT, 10_000, "Intervals of a range; 0 is no limit.", option="store.metrics.max_intervals"),
    used(
        f"{_METRICS}.max_response_series",
        COUNT,
        0,
        "Series of an answer; one with more is cut and says so; 0 is no limit.",
        option="store.metrics.max_series",
    ),
    used(f"{_METRICS}.max_exemplars", COUNT, 100, "Exemplars of an answer; 0 is none.", option="store.metrics.max_exemplars"),
    used(
        "query_frontend.multi_tenant_queries_enabled",
        BOOLEAN,
        True,
        "Whether a question may be asked of several tenants, as `a|b`.",
        option="multi_tenant_queries_enabled",
    ),
    used(
        f"{_SEARCH}.max_duration",
        DURATION,
        168 * HOUR,
        "The longest window of a search or tag question; 0s is no limit.",
        option="store.query.max_search_duration",
    ),
    used(f"{_SEARCH}.default_result_limit", POSITIVE, 20, "Traces of a search that says no `limit`.", option="store.search.default_limit"),
    used(f"{_SEARCH}.max_result_limit", COUNT, 262_144, "The largest `limit`; 0 is no limit.", option="store.search.max_limit"),
    used(
        f"{_SEARCH}.default_spans_per_span_set",
        POSITIVE,
        3,
        "Spans a span set of a search that says no `spss`.",
        option="store.search.default_spans",
    ),
    used(f"{_SEARCH}.max_spans_per_span_set", COUNT, 100, "The largest `spss`; 0 is no limit.", option="store.search.max_spans"),
    *no_effect("query_frontend", "A query may have 131072 bytes.", max_query_expression_size_bytes=SIZE),
    *no_effect("querier.trace_by_id", "`querier.search.query_timeout` holds for every query.", query_timeout=DURATION),
    *whole_sections("A trace is looked for here, and nowhere else.", "querier.trace_by_id.external"),
    *whole_sections(_SHARDS, "querier.metrics", "querier.frontend_worker", "querier.partition_ring", "querier.backoff"),
    *no_effect(
        "querier",
        _SHARDS,
        shuffle_sharding_ingesters_enabled=BOOLEAN,
        shuffle_sharding_ingesters_lookback_period=DURATION,
        query_relevant_ingesters=BOOLEAN,
        query_live_store=BOOLEAN,
    ),
    *no_effect(
        "query_frontend",
        _SHARDS,
        max_batch_size=COUNT,
        max_retries=COUNT,
        response_consumers=COUNT,
        max_grpc_streaming_packet_size=SIZE,
    ),
    *whole_sections(_SHARDS, "query_frontend.weights"),
    *no_effect("query_frontend", _NEWEST, rf1_after=TEXT),
    *no_effect(
        "query_frontend",
        "Spans are complete as soon as they are acknowledged, so that nothing newest needs hiding.",
        query_end_cutoff=DURATION,
    ),
    *no_effect(
        _SEARCH,
        _SHARDS,
        concurrent_jobs=COUNT,
        target_bytes_per_job=SIZE,
        ingester_shards=COUNT,
        most_recent_shards=COUNT,
    ),
    *no_effect(_SEARCH, _NEWEST, query_backend_after=DURATION, query_ingesters_until=DURATION),
    *no_effect(_SEARCH, _SLO, duration_slo=DURATION, throughput_bytes_slo=NUMBER),
    *whole_sections(_SLO, f"{_SEARCH}.metadata_slo"),
    *no_effect(
        "query_frontend.trace_by_id",
        _SHARDS,
        query_shards=COUNT,
        concurrent_shards=COUNT,
        blocks_per_shard=COUNT,
    ),
    *no_effect("query_frontend.trace_by_id", _SLO, duration_slo=DURATION, throughput_bytes_slo=NUMBER),
    missing("query_frontend.trace_by_id.external_enabled", BOOLEAN, False, "A trace is looked for here, and nowhere else."),
    *no_effect(_METRICS, _SHARDS, concurrent_jobs=COUNT, target_bytes_per_job=SIZE, interval=DURATION, streaming_shards=COUNT),
    *no_effect(_METRICS, _NEWEST, query_backend_after=DURATION),
    *no_effect(_METRICS, _SLO, duration_slo=DURATION, throughput_bytes_slo=NUMBER),
    missing("query_frontend.mcp_server.enabled", BOOLEAN, False, "There is no MCP server; `/api/mcp` is 404."),
    missing("query_frontend.log_query_request_headers", TEXTS, (), "Requests are not logged one by one."),
    *no_effect("query_frontend", "Nothing depends on headers but the tenant's.", allowed_headers=TEXTS),
    missing("query_frontend.api_timeout", DURATION, 0, "`querier.search.query_timeout` is the time of every query."),
    refused("query_frontend.url_deny_list", ANYTHING, [], "No URL is denied here; deny it in a proxy."),
)
