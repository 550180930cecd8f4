"""Which option of `pytempo serve` sets which field of `ServeOptions`, and how it is read: alone, or before a configuration file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import typer

from pytempo.cli.options import duration, positive_duration
from pytempo.config.apply import field_at, replaced

T = TypeVar("T")

SECOND = 1_000_000_000

TLS = ("http_tls", "grpc_tls", "otlp_grpc_tls", "otlp_http_tls")
"""One certificate on the command line is for every port."""

FIELDS = {
    "data": "data",
    "host": "host",
    "http_port": "http_port",
    "grpc_port": "grpc_port",
    "otlp_grpc_port": "otlp_grpc_port",
    "otlp_http_port": "otlp_http_port",
    "otlp_max_request_bytes": "store.max_request_bytes",
    "otlp_http_cors_allowed_origin": "otlp_http_cors_allowed_origins",
    "otlp_http_cors_allowed_header": "otlp_http_cors_allowed_headers",
    "otlp_http_cors_max_age": "otlp_http_cors_max_age",
    "otlp_receive_timeout": "receive_timeout",
    "tls_cert_file": " ".join(TLS),
    "tls_key_file": " ".join(TLS),
    "tls_client_ca_file": " ".join(TLS),
    "tls_min_version": " ".join(TLS),
    "max_block_bytes": "store.flush.max_block_bytes",
    "max_block_duration": "store.flush.max_block_duration",
    "trace_idle_period": "store.flush.trace_idle_period",
    "max_live_bytes": "store.flush.max_live_bytes",
    "flush_on_shutdown": "store.flush_on_close",
    "block_retention": "store.retention.block_retention",
    "max_bytes_on_disk": "store.retention.max_bytes_on_disk",
    "compaction": "store.compaction.disabled",
    "compaction_window": "store.compaction.compaction_window",
    "compaction_cycle": "store.compaction.compaction_cycle",
    "compaction_max_block_bytes": "store.compaction.max_block_bytes",
    "compaction_max_objects": "store.compaction.max_compaction_objects",
    "compacted_block_retention": "store.compaction.compacted_block_retention",
    "query_timeout": "store.query.timeout",
    "max_query_memory_bytes": "store.query.max_memory_bytes",
    "max_cached_bytes": "store.query.max_cached_bytes",
    "max_trace_bytes": "store.query.max_trace_bytes",
    "max_tag_bytes": "store.query.max_tag_bytes",
    "max_search_duration": "store.query.max_search_duration",
    "max_metrics_duration": "store.metrics.max_duration",
    "max_metrics_intervals": "store.metrics.max_intervals",
    "max_metrics_series": "store.metrics.max_series",
    "max_metrics_exemplars": "store.metrics.max_exemplars",
    "rate_limit_bytes": "store.limits.rate_limit_bytes",
    "burst_size_bytes": "store.limits.burst_size_bytes",
    "max_traces": "store.limits.max_traces",
    "max_bytes_per_trace": "store.limits.max_bytes_per_trace",
    "max_attribute_bytes": "store.limits.max_attribute_bytes",
    "overrides": "overrides",
    "overrides_period": "overrides_period",
    "config_expand_env": "overrides_expand_env",
    "multitenancy": "multitenancy_enabled",
    "multi_tenant_queries": "multi_tenant_queries_enabled",
    "max_concurrent_queries": "max_concurrent_queries",
    "max_queued_queries": "max_queued_queries",
}
"""By the parameter of the command; paths have dots, and blanks between several."""

ELSEWHERE = {"context", "config_file", "log_level"}
"""Parameters that set no field."""

READ: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("max_block_duration", "trace_idle_period", "block_retention", "compacted_block_retention"), duration),
    **dict.fromkeys(("query_timeout", "max_search_duration", "max_metrics_duration"), duration),
    **dict.fromkeys(("compaction_window", "compaction_cycle"), positive_duration),
    "compaction": lambda wanted: not wanted,
    "otlp_http_cors_allowed_origin": lambda given: tuple(given or ()),
    "otlp_http_cors_allowed_header": lambda given: tuple(given or ("*",)),
    "otlp_receive_timeout": lambda text: positive_duration(text) / SECOND,
    "overrides_period": lambda text: _period(text) / SECOND,
}
"""How parameters are read that are spelled otherwise than their fields."""

HOSTS = ("http_host", "grpc_host", "otlp_grpc_host", "otlp_http_host", "internal_host")


def chosen(context: typer.Context) -> set[str]:
    """The parameters that stand on the command line."""
    return {name for name in context.params if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"}


def values_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The fields by path as the parameters set them, without `data` and TLS. Raises typer.BadParameter."""
    values: dict[str, Any] = {}
    for name, paths in FIELDS.items():
        if name != "data" and not name.startswith("tls_"):
            values |= dict.fromkeys(paths.split(), READ[name](parameters[name]) if name in READ else parameters[name])
    return values


def _period(text: str) -> int:
    nanoseconds = duration(text)
    if not nanoseconds:
        raise typer.BadParameter("0s is too often; give a time such as 10s", param_hint="--overrides-period")
    return nanoseconds


def over_file(given: T, configured: T, parameters: set[str]) -> T:
    """The options of a configuration, with those fields from `given` whose parameters are among these."""
    paths = [path for name in sorted(parameters & FIELDS.keys()) for path in FIELDS[name].split()]
    values = {path: field_at(given, path) for path in paths}
    if "host" in values:  # one for all, whatever the file says of single ports
        values |= dict.fromkeys(HOSTS)
    return replaced(configured, values)
