"""The queue of questions as Prometheus metrics, by the names of Tempo's query frontend and querier, which are one here."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pytempo.server.bridge import Lane
from pytempo.telemetry import REQUEST_BUCKETS

EVERYBODY = "all"
"""The one value of the label `user`: questions wait in one queue."""


class QueueMetrics(Collector):
    """Reads the lane of the questions at the moment of a scrape, and is told by it how long they waited."""

    def __init__(self, queries: Lane, registry: CollectorRegistry) -> None:
        self._queries = queries
        waited = Histogram(
            "tempo_query_frontend_queue_duration_seconds",
            "Time until a thread took them.",
            buckets=REQUEST_BUCKETS,
            registry=registry,
        )
        queries.waited = waited.observe
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        length = GaugeMetricFamily("tempo_query_frontend_queue_length", "Questions that wait for a thread.", labels=["user"])
        length.add_metric([EVERYBODY], self._queries.waiting)
        discarded = CounterMetricFamily("tempo_query_frontend_discarded_requests", "Questions that found no room.", labels=["user"])
        discarded.add_metric([EVERYBODY], self._queries.refused)
        yield from (length, discarded)
        yield GaugeMetricFamily("tempo_query_frontend_connected_clients", "Always 1: this process.", value=1)
        yield CounterMetricFamily(
            "tempo_querier_worker_request_executed", "Questions that a thread has worked on.", value=self._queries.done
        )
