"""The names of pytempo's own Prometheus metrics, and their exposition; the registry is passed in, so that two stores can share a process.

Names, labels and buckets are Tempo's, so that its dashboards and alerts read them.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8"

REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0)
"""Seconds."""

_BARE_NAMES = ("tempo_receiver_accepted_spans", "tempo_receiver_refused_spans")
"""Counters that Tempo exports without the suffix `_total`."""


class BareCounter(Collector):
    """A counter whose samples have no suffix; `prometheus_client.Counter` would add one. `expose` completes its type line."""

    def __init__(self, name: str, documentation: str, labels: tuple[str, ...], registry: CollectorRegistry) -> None:
        self._name, self._documentation, self._labels = name, documentation, labels
        self._values: dict[tuple[str, ...], float] = {}
        self._lock = Lock()
        registry.register(self)

    def add(self, amount: float, *labels: str) -> None:
        """Count `amount` more under these label values."""
        with self._lock:
            self._values[labels] = self._values.get(labels, 0.0) + amount

    def collect(self) -> Iterable[Metric]:
        family = Metric(self._name, self._documentation, "counter")
        with self._lock:
            values = dict(self._values)
        for labels, value in values.items():
            family.add_sample(self._name, dict(zip(self._labels, labels, strict=True)), value)
        yield family

    def describe(self) -> Iterable[Metric]:
        yield Metric(self._name, self._documentation, "counter")


class RequestMetrics:
    """How long requests took, by route."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._duration = Histogram(
            "tempo_request_duration_seconds",
            "Time (in seconds) spent serving HTTP requests.",
            ("method", "route", "status_code", "ws"),
            buckets=REQUEST_BUCKETS,
            registry=registry,
        )

    def observe(self, method: str, route: str, status: int | str, seconds: float) -> None:
        """Count one request; `route` is the path template in Tempo's spelling (`api_traces_traceid`).

        Of gRPC, whose method is `gRPC`, it is the full name, and `status` is success, error or cancel.
        """
        self._duration.labels(method, route, str(status), "false").observe(seconds)


class ReceiverMetrics:
    """What came in over OTLP, and what became of it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("receiver", "transport")
        self._accepted = BareCounter("tempo_receiver_accepted_spans", "Spans that were stored and acknowledged.", labels, registry)
        self._refused = BareCounter("tempo_receiver_refused_spans", "Spans that were not stored.", labels, registry)
        self._spans = Counter("tempo_distributor_spans_received", "Spans stored, by tenant.", ("tenant",), registry=registry)
        self._bytes = Counter("tempo_distributor_bytes_received", "Bytes of stored requests, by tenant.", ("tenant",), registry=registry)
        self._discarded = Counter("tempo_discarded_spans", "Spans not stored, by reason.", ("reason", "tenant"), registry=registry)

    def accepted(self, transport: str, tenant: str, spans: int, size: int) -> None:
        """Count the stored spans of a request of `size` bytes."""
        self._accepted.add(spans, "otlp/otlp_receiver", transport)
        self._spans.labels(tenant).inc(spans)
        self._bytes.labels(tenant).inc(size)

    def refused(self, transport: str, tenant: str, spans: int, reason: str) -> None:
        """Count spans that were not stored, and why."""
        self._refused.add(spans, "otlp/otlp_receiver", transport)
        self._discarded.labels(reason, tenant).inc(spans)


def publish_build_info(registry: CollectorRegistry, tempo_version: str) -> None:
    """tempo_build_info: the version of Tempo that the API follows, and as revision our own."""
    labels = ("version", "revision", "branch", "goversion", "goos", "goarch", "tags")
    gauge = Gauge("tempo_build_info", "Always 1; the labels tell what is running.", labels, registry=registry)
    python = f"python{platform.python_version()}"
    gauge.labels(tempo_version, f"pytempo-{own_version()}", "main", python, sys.platform, platform.machine(), "").set(1)


def own_version() -> str:
    """The version of pytempo, `0+unknown` where it runs from a tree that is not installed."""
    try:
        return version("pytempo")
    except PackageNotFoundError:
        return "0+unknown"


def expose(registry: CollectorRegistry) -> bytes:
    """All metrics in Prometheus' text format 0.0.4 (`EXPOSITION_TYPE`)."""
    text = generate_latest(registry)
    for name in _BARE_NAMES:
        for word in ("HELP", "TYPE"):
            text = text.replace(f"# {word} {name}_total ".encode(), f"# {word} {name} ".encode())
    return text
