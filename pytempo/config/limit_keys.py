"""The limits of tenants that Tempo knows, by their names in both forms of overrides; what they mean here stands in `LimitOptions`."""

from __future__ import annotations

from dataclasses import dataclass

from pytempo.config.kinds import ANYTHING, BOOLEAN, COUNT, DURATION, SIZE, TEXTS, Kind, choice


@dataclass(frozen=True, slots=True)
class LimitKey:
    """One limit by its name in the scoped form and in the flat one; `field` is that of LimitOptions, empty where it has no effect."""

    scoped: str
    flat: str
    kind: Kind
    field: str = ""


KEYS = (
    LimitKey("ingestion.rate_limit_bytes", "ingestion_rate_limit_bytes", SIZE, "rate_limit_bytes"),
    LimitKey("ingestion.burst_size_bytes", "ingestion_burst_size_bytes", SIZE, "burst_size_bytes"),
    LimitKey("ingestion.max_traces_per_user", "max_traces_per_user", COUNT, "max_traces"),
    LimitKey("ingestion.max_global_traces_per_user", "max_global_traces_per_user", COUNT, "max_traces"),
    LimitKey("ingestion.max_attribute_bytes", "ingestion_max_attribute_bytes", SIZE, "max_attribute_bytes"),
    LimitKey("ingestion.retry_info_enabled", "ingestion_retry_info_enabled", BOOLEAN, "retry_info"),
    LimitKey("global.max_bytes_per_trace", "max_bytes_per_trace", SIZE, "max_bytes_per_trace"),
    LimitKey("read.max_search_duration", "max_search_duration", DURATION, "max_search_duration"),
    LimitKey("read.max_metrics_duration", "max_metrics_duration", DURATION, "max_metrics_duration"),
    LimitKey("compaction.block_retention", "block_retention", DURATION, "block_retention"),
    LimitKey("compaction.compaction_window", "compaction_window", DURATION, "compaction_window"),
    LimitKey("compaction.compaction_disabled", "compaction_disabled", BOOLEAN, "compaction_disabled"),
    LimitKey("ingestion.rate_strategy", "ingestion_rate_strategy", choice("local", "global")),
    LimitKey("ingestion.tenant_shard_size", "ingestion_tenant_shard_size", COUNT),
    LimitKey("ingestion.artificial_delay", "ingestion_artificial_delay", DURATION),
    LimitKey("read.max_bytes_per_tag_values_query", "max_bytes_per_tag_values_query", SIZE),
    LimitKey("read.max_blocks_per_tag_values_query", "max_blocks_per_tag_values_query", COUNT),
    LimitKey("read.max_condition_groups_per_tag_query", "max_condition_groups_per_tag_query", COUNT),
    LimitKey("read.unsafe_query_hints", "unsafe_query_hints", BOOLEAN),
    LimitKey("read.left_pad_trace_ids", "left_pad_trace_ids", BOOLEAN),
    LimitKey("storage.parquet_dedicated_columns", "parquet_dedicated_columns", ANYTHING),
    LimitKey("metrics_generator", "metrics_generator", ANYTHING),
    LimitKey("cost_attribution", "cost_attribution", ANYTHING),
    LimitKey("forwarders", "forwarders", TEXTS),
)
"""All limits."""
