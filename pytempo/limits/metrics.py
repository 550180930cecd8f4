"""The limits as Prometheus metrics, by Tempo's names."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pytempo.limits.limits import Limits
from pytempo.limits.options import LimitOptions

NAMES: dict[str, Callable[[LimitOptions], float]] = {
    "ingestion_rate_limit_bytes": lambda limits: float("inf") if limits.rate_limit_bytes is None else limits.rate_limit_bytes,
    "ingestion_burst_size_bytes": lambda limits: float("inf") if limits.rate_limit_bytes is None else limits.burst,
    "max_local_traces_per_user": lambda limits: limits.max_traces,
    "max_global_traces_per_user": lambda limits: 0,
    "max_bytes_per_trace": lambda limits: limits.max_bytes_per_trace,
    "block_retention": lambda limits: limits.block_retention,
}
"""By the label `limit_name`; 0 is no limit but for the first two, which say infinity."""


class LimitMetrics:
    """The limits themselves, whether the last reading of them went well, and how much was cut by them."""

    def __init__(self, registry: CollectorRegistry, limits: Limits) -> None:
        name, text = "tempo_distributor_attributes_truncated", "Keys and values of attributes that were cut."
        self._truncated = Counter(name, text, ("tenant",), registry=registry)
        registry.register(_Limits(limits))

    def truncated(self, tenant: str, count: int) -> None:
        """Count keys and values that were cut."""
        self._truncated.labels(tenant).inc(count)


class ReloadMetrics:
    """Whether the file of overrides could be read, and which one holds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        name, text = "tempo_runtime_config_last_reload_successful", "Whether the file of overrides could be read the last time."
        self._successful = Gauge(name, text, registry=registry)
        self._hash = Gauge("tempo_runtime_config_hash", "The file of overrides that holds.", ("sha256",), registry=registry)

    def read(self, digest: str) -> None:
        """The file with this SHA-256 holds now."""
        self._successful.set(1)
        self._hash.clear()
        self._hash.labels(digest).set(1)

    def failed(self) -> None:
        """The file cannot be read; what held before holds on."""
        self._successful.set(0)


class _Limits(Collector):
    """Reads the limits at the moment of a scrape."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        defaults = GaugeMetricFamily("tempo_limits_defaults", "Limits of tenants without their own.", labels=["limit_name"])
        for name, value in NAMES.items():
            defaults.add_metric([name], value(self._limits.defaults))
        yield defaults
        overrides = GaugeMetricFamily("tempo_limits_overrides", "Limits of single tenants.", labels=["limit_name", "user"])
        for tenant, limits in self._limits.overrides.items():
            for name, value in NAMES.items():
                overrides.add_metric([name, tenant], value(limits))
        if self._limits.overrides:
            yield overrides
