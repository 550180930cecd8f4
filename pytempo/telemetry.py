"""The names of pytempo's own Prometheus metrics, and their exposition; the registry is passed in, so that two stores can share a process.

Names, labels and buckets are Tempo's, so that its dashboards and alerts read them.
"""

from __future__ import annotations

import platform
import sys
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from threading import Lock
from typing import TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8"

REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0)
"""Seconds."""

MESSAGE_BUCKETS = tuple(float(1024 << power) for power in range(0, 16, 2))
"""Bytes."""

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


Named: TypeAlias = Callable[[], tuple[str, str]]
"""Tells method and route of a request, as far as they are known."""


class _InFlight(Collector):
    """The requests that are being answered; what their routes are is asked at the scrape, for it is not known at their beginning."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._named: dict[int, Named] = {}

    @contextmanager
    def __call__(self, named: Named) -> Iterator[None]:
        with self._lock:
            self._named[id(named)] = named
        try:
            yield
        finally:
            with self._lock:
                del self._named[id(named)]

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily("tempo_inflight_requests", "Requests that are being answered.", labels=["method", "route"])
        with self._lock:
            named = list(self._named.values())
        for labels, count in Tally(each() for each in named).items():
            family.add_metric(labels, count)
        yield family


class RequestMetrics:
    """How many requests there are and how long they took, by route."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._duration = Histogram(
            "tempo_request_duration_seconds",
            "Time (in seconds) spent serving HTTP requests.",
            ("method", "route", "status_code", "ws"),
            buckets=REQUEST_BUCKETS,
            registry=registry,
        )
        self.in_flight = _InFlight()
        """Around a request."""
        registry.register(self.in_flight)
        labels = ("method", "route")
        self._received = Histogram("tempo_request_message_bytes", "Bytes of requests.", labels, buckets=MESSAGE_BUCKETS, registry=registry)
        self._sent = Histogram("tempo_response_message_bytes", "Bytes of answers.", labels, buckets=MESSAGE_BUCKETS, registry=registry)

    def sizes(self, method: str, route: str, received: int, sent: int) -> None:
        """Count the bytes of the bodies of one request and its answer."""
        self._received.labels(method, route).observe(received)
        self._sent.labels(method, route).observe(sent)

    def observe(self, method: str, route: str, status: int | str, seconds: float) -> None:
        """Count one request; `route` is the path template in Tempo's spelling (`api_traces_traceid`).

        Of gRPC, whose method is `gRPC`, it is the full name, and `status` is success, error or cancel.
        """
        self._duration.labels(method, route, str(status), "false").observe(seconds)


RING_NAMES = ("distributor", "ingester", "compactor")
RING_STATES = ("ACTIVE", "JOINING", "LEAVING", "PENDING", "Unhealthy")

PUSH_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds from the receiver to the acknowledgement."""

THIS_PROCESS = "local"
"""The one value of the label `ingester`: spans go straight into the log of this process."""


class ReceiverMetrics:
    """What came in over OTLP, and what became of it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ingress = Counter("tempo_distributor_ingress_bytes", "Bytes of requests, taken or not.", ("tenant",), registry=registry)
        self._push = Histogram(
            "tempo_distributor_push_duration_seconds", "Time until spans were stored.", buckets=PUSH_BUCKETS, registry=registry
        )
        self._appends = Counter("tempo_distributor_ingester_appends", "Requests to be stored.", ("ingester",), registry=registry)
        self._failures = Counter(
            "tempo_distributor_ingester_append_failures", "Requests that the log or its limits refused.", ("ingester",), registry=registry
        )
        Gauge("tempo_distributor_ingester_clients", "Always 1: this process.", registry=registry).set(1)
        labels = ("receiver", "transport")
        self._accepted = BareCounter("tempo_receiver_accepted_spans", "Spans that were stored and acknowledged.", labels, registry)
        self._refused = BareCounter("tempo_receiver_refused_spans", "Spans that were not stored.", labels, registry)
        self._spans = Counter("tempo_distributor_spans_received", "Spans stored, by tenant.", ("tenant",), registry=registry)
        self._bytes = Counter("tempo_distributor_bytes_received", "Bytes of stored requests, by tenant.", ("tenant",), registry=registry)
        self._discarded = Counter("tempo_discarded_spans", "Spans not stored, by reason.", ("reason", "tenant"), registry=registry)
        self._crowded_out = Counter(
            "pytempo_receiver_crowded_out_requests",
            "Requests that were not read, since there was no room for them, and that are to be sent again.",
            ("transport",),
            registry=registry,
        )

    def pushed(self, tenant: str, size: int, seconds: float, *, stored: bool) -> None:
        """Count a request of `size` bytes, and how long it took to store it or to find that it cannot be now."""
        self._ingress.labels(tenant).inc(size)
        self._push.observe(seconds)
        self._appends.labels(THIS_PROCESS).inc()
        if not stored:
            self._failures.labels(THIS_PROCESS).inc()

    def accepted(self, transport: str, tenant: str, spans: int, size: int) -> None:
        """Count the stored spans of a request of `size` bytes."""
        self._accepted.add(spans, "otlp/otlp_receiver", transport)
        self._spans.labels(tenant).inc(spans)
        self._bytes.labels(tenant).inc(size)

    def crowded_out(self, transport: str) -> None:
        """Count a request that was not read; nobody knows how many spans it has."""
        self._crowded_out.labels(transport).inc()

    def refused(self, transport: str, tenant: str, spans: int, reason: str) -> None:
        """Count spans that were not stored, and why."""
        self._refused.add(spans, "otlp/otlp_receiver", transport)
        self._discarded.labels(reason, tenant).inc(spans)


def publish_ring(registry: CollectorRegistry) -> None:
    """tempo_ring_members: the parts of Tempo that this process is, each its ring's only member."""
    gauge = Gauge("tempo_ring_members", "Parts of this process, by their state.", ("name", "state"), registry=registry)
    for name in RING_NAMES:
        for state in RING_STATES:
            gauge.labels(name, state).set(state == "ACTIVE")


def publish_connections(registry: CollectorRegistry, http: Callable[[], int]) -> None:
    """tempo_tcp_connections: those of the HTTP servers, counted at the scrape. Those of gRPC are in its library, which does not tell."""
    Gauge("tempo_tcp_connections", "Open connections.", ("protocol",), registry=registry).labels("http").set_function(http)


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
