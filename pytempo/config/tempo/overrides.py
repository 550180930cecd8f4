"""Keys of `overrides`: what holds for every tenant without limits of its own, in both forms, and the file with those of single tenants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytempo.config import limit_keys
from pytempo.config.keys import Fate, Key, missing, no_effect, same, used
from pytempo.config.kinds import ANYTHING, BOOLEAN, POSITIVE_SECONDS, TEXT
from pytempo.config.limit_keys import LimitKey

DEFAULTS = "overrides.defaults"

MOST_TRACES = f"{DEFAULTS}.ingestion.max_traces_per_user"
MOST_TRACES_GLOBALLY = f"{DEFAULTS}.ingestion.max_global_traces_per_user"

_EFFECTS = {
    "rate_limit_bytes": "OTLP bytes a second that a tenant may send (Tempo: 15000000); left out, there is no limit, and 0 takes nothing.",
    "burst_size_bytes": "OTLP bytes that may come at once (Tempo: 20000000); left out, as the rate.",
    "max_traces": "Live traces of a tenant; 0 is no limit (Tempo: 10000).",
    "max_attribute_bytes": "Keys and texts of attributes are cut to so many bytes; 0 cuts nothing (Tempo: 2048).",
    "retry_info": "Whether a sender beyond its rate is told when to come again.",
    "max_bytes_per_trace": "OTLP bytes of one trace; 0 is no limit (Tempo: 5000000).",
    "max_search_duration": "The longest window of a search; 0s is `query_frontend.search.max_duration`.",
    "max_metrics_duration": "The longest range of a metrics query; 0s is `query_frontend.metrics.max_duration`.",
    "block_retention": "Age at which blocks go; 0s is `compactor.compaction.block_retention`.",
    "compaction_window": "Span of time whose blocks are merged; 0s is `compactor.compaction.compaction_window`.",
    "compaction_disabled": "Whether a tenant's blocks stay as they were flushed.",
}
"""By the field of `LimitOptions`."""

_DEFAULTS: dict[str, Any] = {"rate_limit_bytes": None, "burst_size_bytes": None, "retry_info": True, "compaction_disabled": False}
"""By the same; 0 for the others."""

_FLAGS = {
    "ingestion.rate_limit_bytes": "distributor.ingestion-rate-limit-bytes",
    "ingestion.burst_size_bytes": "distributor.ingestion-burst-size-bytes",
    "ingestion.rate_strategy": "distributor.rate-limit-strategy",
    "ingestion.max_traces_per_user": "ingester.max-traces-per-user",
    "ingestion.max_global_traces_per_user": "ingester.max-global-traces-per-user",
    "global.max_bytes_per_trace": "ingester.max-bytes-per-trace",
    "read.max_bytes_per_tag_values_query": "querier.max-bytes-per-tag-values-query",
    "read.max_blocks_per_tag_values_query": "querier.max-blocks-per-tag-values-query",
}

_WHY_NOT = {
    "ingestion.rate_strategy": "There is one process, so that what is local is global.",
    "ingestion.tenant_shard_size": "There is one process.",
    "ingestion.artificial_delay": "Answers are sent when spans are durable, and no later.",
    "read.unsafe_query_hints": "Hints change no answer.",
    "read.left_pad_trace_ids": "Trace ids have the form that Tempo gives them by default.",
    "storage.parquet_dedicated_columns": "Each block chooses: the ten texts that most of its spans, and of its resources, have.",
    "metrics_generator": "No metrics are made of spans.",
    "cost_attribution": "Bytes are counted by tenant only.",
}
_TAGS = "Tag names and values are complete, up to their bytes."

_TAG_BYTES = "read.max_bytes_per_tag_values_query"


def _limits() -> Iterator[Key]:
    for limit in limit_keys.KEYS:
        key = _scoped(limit)
        yield key
        path = f"overrides.{limit.flat}"
        yield same(path, key) if key.fate is Fate.USED else Key(path, key.fate, key.why, key.kind, key.default, whole=key.whole)


def _scoped(limit: LimitKey) -> Key:
    path, flag = f"{DEFAULTS}.{limit.scoped}", _FLAGS.get(limit.scoped, "")
    if limit.scoped == "forwarders":
        return Key(path, Fate.REFUSED, "Spans are forwarded to nobody; let a Collector send them to both.", limit.kind, ())
    if limit.scoped == _TAG_BYTES:
        why = "Bytes of names or values of one tag answer, of any tenant, which is cut beyond; 0 is no limit."
        return used(path, limit.kind, 1_000_000, why, option="store.query.max_tag_bytes", flag=flag)
    if not limit.field:
        return Key(path, Fate.NO_EFFECT, _WHY_NOT.get(limit.scoped, _TAGS), limit.kind, flag=flag, whole=limit.kind is ANYTHING)
    option = "" if path == MOST_TRACES_GLOBALLY else f"store.limits.{limit.field}"
    return used(path, limit.kind, _DEFAULTS.get(limit.field, 0), _EFFECTS[limit.field], option=option, flag=flag)


_ATTRIBUTES = next(_scoped(limit) for limit in limit_keys.KEYS if limit.field == "max_attribute_bytes")

KEYS: tuple[Key, ...] = (
    used(
        "overrides.per_tenant_override_config",
        TEXT,
        "",
        "A file with the limits of single tenants.",
        flag="config.per-user-override-config",
    ),
    used(
        "overrides.per_tenant_override_period",
        POSITIVE_SECONDS,
        10.0,
        "How often that file is read again.",
        option="overrides_period",
        flag="config.per-user-override-period",
    ),
    missing(
        "overrides.user_configurable_overrides",
        ANYTHING,
        None,
        "Limits are set in files, not over HTTP; `/api/overrides` is 404.",
        whole=True,
    ),
    *no_effect("", "Both forms are read.", enable_legacy_overrides=BOOLEAN),
    *no_effect("overrides", "Both forms are read.", enable_legacy_overrides=BOOLEAN),
    *_limits(),
    same("distributor.max_attribute_bytes", _ATTRIBUTES),
)
