"""Prometheus metrics of compaction and retention; names and labels are Tempo's where it has them (`tempodb_`)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pytempo.block.meta import BlockMeta
from pytempo.maintenance.compaction_job import Job

SECONDS = tuple(2.0**power for power in range(-3, 11))
"""Buckets: an eighth of a second to 17 minutes."""


class UpkeepMetrics:
    """Counts what compaction and retention do. Safe to use from several threads."""

    def __init__(self, registry: CollectorRegistry, timer: Callable[[], float] = time.perf_counter) -> None:
        self._timer = timer

        def by_level(name: str, text: str) -> Counter:
            return Counter(f"tempodb_compaction_{name}", text, ("level",), registry=registry)

        self._blocks = by_level("blocks", "Blocks that were merged into others, by their level of compaction.")
        self._bytes = by_level("bytes_written", "Bytes of data.parquet of merged blocks.")
        self._objects = by_level("objects_written", "Traces of merged blocks.")
        self._combined = by_level("objects_combined", "Traces that were joined of several blocks.")
        self._compaction_errors = Counter("tempodb_compaction_errors", "Merges that failed; each is tried again.", registry=registry)
        self._compaction_seconds = Histogram("pytempo_compaction_duration_seconds", "Time of a merge.", buckets=SECONDS, registry=registry)
        self._outstanding = Gauge(
            "tempodb_compaction_outstanding_blocks", "Blocks that wait for being merged.", ("tenant",), registry=registry
        )
        self._retention_seconds = Histogram(
            "tempodb_retention_duration_seconds", "Time of looking for blocks that have to go.", buckets=SECONDS, registry=registry
        )
        self._retention_errors = Counter("tempodb_retention_errors", "Times that the disk refused to drop a block.", registry=registry)
        self._marked = Counter("tempodb_retention_marked_for_deletion", "Blocks that no query reads any more.", registry=registry)
        self._deleted = Counter("tempodb_retention_deleted", "Folders of blocks that were deleted.", registry=registry)
        self._progress = _Progress()
        registry.register(self._progress)

    def outstanding(self, tenant: str, blocks: int) -> None:
        """So many blocks of a tenant could be merged now."""
        self._outstanding.labels(tenant).set(blocks)

    @contextmanager
    def compaction(self, job: Job) -> Iterator[Callable[[int], None]]:
        """Around a merge: counts its errors and its time, and is told of rows that were merged."""
        started = self._timer()
        self._progress.begin(job.rows)
        try:
            yield self._progress.add
        except BaseException:
            self._compaction_errors.inc()
            raise
        finally:
            self._progress.begin(0)
        self._compaction_seconds.observe(self._timer() - started)

    def compacted(self, job: Job, meta: BlockMeta) -> None:
        """Count what has become of a merge."""
        level = str(meta.compaction_level - 1)
        self._blocks.labels(level).inc(len(job.inputs))
        self._bytes.labels(level).inc(meta.size)
        self._objects.labels(level).inc(meta.traces)
        self._combined.labels(level).inc(job.rows - meta.traces)

    @contextmanager
    def retention(self) -> Iterator[None]:
        """Around one look at what has to go: counts its time and its errors."""
        started = self._timer()
        try:
            yield
        except BaseException:
            self._retention_errors.inc()
            raise
        finally:
            self._retention_seconds.observe(self._timer() - started)

    def retention_failed(self) -> None:
        """Count a block that could not be dropped."""
        self._retention_errors.inc()

    def marked(self) -> None:
        """Count a block that no query reads any more."""
        self._marked.inc()

    def deleted(self) -> None:
        """Count a folder that was deleted."""
        self._deleted.inc()


class _Progress(Collector):
    """How far the merge at work is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows = self._done = 0

    def begin(self, rows: int) -> None:
        with self._lock:
            self._rows, self._done = rows, 0

    def add(self, rows: int) -> None:
        with self._lock:
            self._done += rows

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            rows, done = self._rows, self._done
        yield GaugeMetricFamily("pytempo_compaction_input_traces", "Traces that the merge at work reads, 0 when there is none.", value=rows)
        yield GaugeMetricFamily("pytempo_compaction_merged_traces", "Those of them that have been merged.", value=done)
