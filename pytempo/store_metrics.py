"""The store's own Prometheus metrics: what is live, what was flushed, which blocks there are, how the log fares. Names are
Tempo's where it has one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pytempo.blocklist import BlockList
from pytempo.live import Live
from pytempo.maintenance import Cut, Step
from pytempo.wal import Wal

MIB = 1024 * 1024

TRACES = tuple(2.0**power for power in range(1, 11))
"""Buckets."""


class StoreMetrics:
    """Counts flushes and hands out what the parts of the store count themselves."""

    def __init__(
        self, registry: CollectorRegistry, live: Live, blocks: BlockList, left_out: Callable[[], tuple[str, ...]], flaws: Callable[[], int]
    ) -> None:
        seconds, sizes = tuple(2.0**power for power in range(10)), tuple(float(MIB << power) for power in range(10))
        self._flushed = Counter("tempo_ingester_blocks_flushed", "Blocks cut from live spans.", registry=registry)
        self._seconds = Histogram("tempo_ingester_flush_duration_seconds", "Seconds to cut a block.", buckets=seconds, registry=registry)
        self._bytes = Histogram("tempo_ingester_flush_size_bytes", "Bytes of data.parquet of a block.", buckets=sizes, registry=registry)
        self._failed = Counter("tempo_ingester_failed_flushes", "Flushes that the disk refused; each is tried again.", registry=registry)
        self._replay_errors = Counter(
            "tempo_ingester_replay_errors", "Segments that could not be replayed.", ("tenant",), registry=registry
        )
        self._cleared = Counter("tempo_ingester_blocks_cleared", "Live blocks dropped, since theirs are read.", registry=registry)
        self._retries = Counter("tempo_ingester_flush_retries", "Flushes that were tried again.", registry=registry)
        self._failed_retries = Counter("tempo_ingester_flush_failed_retries", "Those of them that failed again.", registry=registry)
        self._retrying = False
        text = "Traces of requests that were stored; one that came in pieces counts with each."
        self._created = Counter("tempo_ingester_traces_created", text, ("tenant",), registry=registry)
        self._received = Counter(
            "tempo_ingester_bytes_received", "OTLP bytes that were stored.", ("tenant", "data_type"), registry=registry
        )
        self._traces = Histogram(
            "tempo_distributor_traces_per_batch", "Traces that were stored together.", buckets=TRACES, registry=registry
        )
        self._state = _State(live, blocks, left_out, flaws)
        registry.register(self._state)

    def watch_log(self, wal: Wal) -> None:
        """Export the counts of this log from now on."""
        self._state.wal = wal

    def flushed(self, done: Cut) -> None:
        """Count a step of a flush."""
        if self._retrying:
            self._retrying = False
            self._retries.inc()
        if done.step is Step.SWITCHED:
            self._cleared.inc()
        if done.step is Step.PUBLISHED and done.meta is not None:
            self._flushed.inc()
            self._seconds.observe(done.seconds)
            self._bytes.observe(done.meta.size)

    def flush_failed(self) -> None:
        """Count a flush that the disk refused."""
        self._failed.inc()
        if self._retrying:
            self._retries.inc()
            self._failed_retries.inc()
        self._retrying = True

    def stored(self, tenant: str, traces: int, size: int) -> None:
        """Count what of a group of requests became durable: traces of a tenant, and their OTLP bytes."""
        self._traces.observe(traces)
        self._created.labels(tenant).inc(traces)
        self._received.labels(tenant, "trace").inc(size)

    def replay_failed(self) -> None:
        """Count a segment that the disk did not give; it may hold spans of several tenants."""
        self._replay_errors.labels("unknown").inc()


class _State(Collector):
    """Reads what the parts of a store know at the moment of a scrape."""

    def __init__(self, live: Live, blocks: BlockList, left_out: Callable[[], tuple[str, ...]], flaws: Callable[[], int]) -> None:
        self._live, self._blocks, self._left_out, self._flaws = live, blocks, left_out, flaws
        self.wal: Wal | None = None

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        traces = GaugeMetricFamily("tempo_ingester_live_traces", "Traces with spans that are in no block yet.", labels=["tenant"])
        for tenant in self._live.tenants():
            traces.add_metric([tenant], self._live.traces(tenant))
        length = GaugeMetricFamily("tempodb_blocklist_length", "Blocks, by tenant.", labels=["tenant"])
        for tenant in self._blocks.tenants():
            length.add_metric([tenant], len(self._blocks.blocks(tenant)))
        yield traces
        yield length
        yield from _sizes(self._live, self._blocks)
        damaged = self._blocks.set_aside_count + len(self._left_out())
        yield GaugeMetricFamily("pytempo_damaged_blocks", "Damaged blocks met since the start, set aside or left out.", value=damaged)
        yield GaugeMetricFamily(
            "pytempo_damaged_side_files",
            "Damaged filters and checksums met since the start; no span is missing for them.",
            value=self._flaws(),
        )
        if self.wal is not None:
            yield from _log_metrics(self.wal)


def _sizes(live: Live, blocks: BlockList) -> Iterable[Metric]:
    text = "OTLP bytes of spans that are in no block yet."
    waiting = GaugeMetricFamily("tempo_ingester_live_trace_bytes", text, labels=["tenant"])
    for tenant in live.tenants():
        waiting.add_metric([tenant], live.bytes_of(tenant))
    labels = ["tenant", "status"]
    objects = GaugeMetricFamily("tempodb_backend_objects_total", "Traces in blocks.", labels=labels)
    size = GaugeMetricFamily("tempodb_backend_bytes_total", "Bytes of blocks.", labels=labels)
    for tenant in blocks.tenants():
        objects.add_metric([tenant, "live"], sum(meta.traces for meta in blocks.blocks(tenant)))
        size.add_metric([tenant, "live"], sum(meta.size for meta in blocks.blocks(tenant)))
    yield from (waiting, objects, size)


def _log_metrics(wal: Wal) -> Iterable[Metric]:
    stats = wal.stats
    yield CounterMetricFamily("pytempo_wal_records", "Requests made durable.", value=stats.records)
    yield CounterMetricFamily("pytempo_wal_stored_bytes", "Bytes that they take in segments.", value=stats.stored_bytes)
    yield CounterMetricFamily("pytempo_wal_syncs", "Groups of requests made durable, one fdatasync each.", value=stats.syncs)
    yield CounterMetricFamily("pytempo_wal_failures", "Groups of requests that the disk refused.", value=stats.failures)
    yield CounterMetricFamily(
        "pytempo_wal_damaged_regions", "Damaged stretches of segments that were set aside.", value=stats.damaged_regions
    )
    text = "Sealed segments that wait for their blocks."
    yield GaugeMetricFamily("tempo_ingester_flush_queue_length", text, value=len(wal.segments()))
    yield GaugeMetricFamily("pytempo_wal_segments", "Sealed segments that wait for their blocks.", value=len(wal.segments()))
