"""The store: a data directory with everything wired together. Every other face (server, command line, exporter) is put on this one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from prometheus_client import CollectorRegistry

from pytempo.block import BlockMeta
from pytempo.blocklist import BlockList
from pytempo.directory import DataDirectory
from pytempo.errors import BadConfig, BadRequest, Damaged, NotFound, RequestTooLarge, Unavailable
from pytempo.ingest import Ingest
from pytempo.live import Live
from pytempo.maintenance import Flusher, Sources, is_published, replay
from pytempo.model import Source, parse_trace_id
from pytempo.model.scan import MAX_TIME
from pytempo.model.tenant import DEFAULT_TENANT, check_tenant
from pytempo.options import StoreOptions as StoreOptions
from pytempo.otlp import Exported
from pytempo.query.legacy import search_tags
from pytempo.query.range import default_step, query_instant, query_range
from pytempo.query.results import SearchResult, TagNames, TagValues, Trace
from pytempo.query.search import search
from pytempo.query.series_results import InstantResult, SeriesResult
from pytempo.query.tags import Window, tag_names, tag_values, tag_values_v1
from pytempo.query.trace_by_id import find_trace
from pytempo.store_metrics import StoreMetrics
from pytempo.traceql import check, parse
from pytempo.wal import SegmentInfo, Wal, WalView

Answer = TypeVar("Answer", SearchResult, TagNames, TagValues, SeriesResult, InstantResult, Trace | None)


class Store:
    """One data directory. Thread-safe; a context manager. Opened by `open`.

    Times in arguments are unix nanoseconds, inclusive; left out they mean everything that is stored.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        read_only: bool = False,
        options: StoreOptions | None = None,
        logger: logging.Logger | None = None,
        clock: Callable[[], int] = time.time_ns,
        registry: CollectorRegistry | None = None,
    ) -> None:
        """Takes the directory and lists its blocks; `replay` makes what is in its log searchable and must come next.

        Raises BadConfig where the directory cannot be used and DirectoryInUse where another store holds it.
        """
        self.options = options or StoreOptions()
        self.registry = registry or CollectorRegistry()
        self._logger, self._clock = logger or logging.getLogger("pytempo"), clock
        self._state: str | None = "starting: the write-ahead log is being replayed"
        self._writable, self._closed = not read_only, False
        self._closing = threading.Lock()
        self._directory = DataDirectory(Path(path), read_only=read_only)
        try:
            self._live = Live()
            blocks = BlockList.open(self._directory.blocks, self._directory.damaged, self._logger, read_only)
            self._sources = Sources(self._live, blocks, self._logger)
            self.metrics = StoreMetrics(self.registry, self._live, blocks, self._sources.left_out)
            self._log: Wal | WalView
            if read_only:
                self._log = WalView(self._directory.wal, logger=self._logger)
            else:
                self._log = self._open_log()
        except BaseException:
            self._directory.close()
            raise

    def _open_log(self) -> Wal:
        wal = Wal.open(self._directory.wal, logger=self._logger, clock=self._clock)
        self._flusher = Flusher(
            wal,
            self._sources,
            self.options.flush,
            seal=self._seal,
            logger=self._logger,
            clock=self._clock,
            observe=self.metrics.flushed,
            failed=self.metrics.flush_failed,
        )
        self._ingest = Ingest(wal, self._live, self._flusher.committed)
        self._wal = wal
        self.metrics.watch_log(wal)
        return wal

    def _seal(self) -> SegmentInfo | None:
        with self._ingest.writing:
            return self._wal.seal()

    def replay(self) -> None:
        """Make the records of the log searchable; afterwards the store is ready. Blocks are cut from them in the background.

        Segments whose records are all in blocks are deleted. A segment that the disk does not give stays, is named in the log,
        and its records are missing until the next start.
        """
        segments = self._log.segments()
        if not self._writable:
            self._sources.blocks.refresh()  # the writer may have cut segments since the blocks were listed
        for segment in segments:
            self._replay_segment(segment)
            if self._writable and self._live.bytes() >= self.options.flush.max_live_bytes:
                self._try_to_flush()
        if self._writable:
            self._flusher.start()
        self._state = None

    def _replay_segment(self, segment: SegmentInfo) -> None:
        try:
            count = replay(
                segment, self._log.read(segment), self._live, lambda tenant: is_published(self._sources, segment, tenant), self._logger
            )
        except NotFound:
            self._logger.debug("WAL segment %s was flushed meanwhile", segment.path)
            self._sources.blocks.refresh()
            return
        except Damaged as error:
            self.metrics.replay_failed()
            self._logger.error("WAL segment %s cannot be read and stays where it is: %s", segment.path, error)
            return
        self._logger.info("WAL segment %s: %d records replayed", segment.path, count)
        if self._writable:
            self._flusher.replayed(segment)
            if not self._live.tenants(segment.id):
                self._wal.delete(segment)

    def not_ready(self) -> str | None:
        """Why the store takes no requests right now, in words; None when it does."""
        return self._state

    def stop_writes(self) -> None:
        """From now on exports are refused with Unavailable and `not_ready` says so; queries go on."""
        self._state = "stopping: no more spans are taken"

    def close(self) -> None:
        """Stop the background work and give the directory back. What is acknowledged stays in the log. Doing so twice is no error."""
        with self._closing:
            if self._closed:
                return
            self.stop_writes()
            try:
                if self._writable:
                    self._close_log()
            finally:
                self._closed = True
                self._sources.close()
                self._directory.close()

    def _close_log(self) -> None:
        self._flusher.stop()
        if self.options.flush_on_close:
            self._try_to_flush()
        with self._ingest.writing:
            self._wal.close()

    def _try_to_flush(self) -> None:
        try:
            self._flusher.flush()
        except Unavailable as error:
            self.metrics.flush_failed()
            self._logger.error("the live spans stay in the log, since they cannot be cut into blocks: %s", error)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def export(self, payloads: bytes | Sequence[bytes], *, tenant: str = DEFAULT_TENANT) -> Exported:
        """Store the spans of one or more OTLP ExportTraceServiceRequest messages; returns when they are on disk and searchable.

        Spans that break a rule are left out and counted in the result (OTLP specification, partial success). Raises BadRequest
        for bytes that are no such message, RequestTooLarge, Unavailable where the disk refuses or the store stops, Overloaded
        where more comes in than can be cut into blocks; in all these cases nothing of the call is kept.
        """
        pieces = [payloads] if isinstance(payloads, bytes | bytearray | memoryview) else list(payloads)
        size = sum(map(len, pieces))
        self._check_export(tenant, size)
        self._flusher.make_room()
        return self._ingest.export(tenant, [bytes(piece) for piece in pieces]) if pieces else Exported(0)

    def _check_export(self, tenant: str, size: int) -> None:
        check_tenant(tenant)
        if size > self.options.max_request_bytes:
            raise RequestTooLarge(size, self.options.max_request_bytes, "max_request_bytes (--otlp-max-request-bytes)")
        if not self._writable:
            raise BadConfig(f"data directory {self._directory.root} is open read-only; open it for writing to export")
        if self._state is not None:
            raise Unavailable(self._state)

    def search(
        self,
        q: str = "{}",
        *,
        start: int | None = None,
        end: int | None = None,
        limit: int = 20,
        spans_per_spanset: int = 3,
        tenant: str = DEFAULT_TENANT,
    ) -> SearchResult:
        """The newest traces that a TraceQL query keeps, newest first (docs/traceql.md).

        Raises BadQuery with line and column for a query that cannot be read or answered.
        """
        query = check(parse(q))
        first, last = window = _window(start, end)
        return self._answer(
            tenant, window, lambda read: search(query, read, start=first, end=last, limit=limit, spans_per_spanset=spans_per_spanset)
        )

    def search_tags(
        self,
        tags: Mapping[str, str],
        *,
        min_duration: int = 0,
        max_duration: int = 0,
        start: int | None = None,
        end: int | None = None,
        limit: int = 20,
        tenant: str = DEFAULT_TENANT,
    ) -> SearchResult:
        """The newest traces that have all tags somewhere and last within the bounds (0 = unbounded): the search of before TraceQL."""
        first, last = window = _window(start, end)
        return self._answer(
            tenant,
            window,
            lambda read: search_tags(tags, read, min_duration=min_duration, max_duration=max_duration, start=first, end=last, limit=limit),
        )

    def trace(
        self, trace_id: str | bytes, *, start: int | None = None, end: int | None = None, tenant: str = DEFAULT_TENANT
    ) -> Trace | None:
        """The whole trace with this id (16 bytes, or hex as people paste it), or None. Raises BadRequest for what is no id."""
        identifier = parse_trace_id(trace_id) if isinstance(trace_id, str) else trace_id
        if len(identifier) != 16:
            raise BadRequest(f"a trace id has 16 bytes, not {len(identifier)}")
        first, last = window = _window(start, end)
        return self._answer(tenant, window, lambda read: find_trace(identifier, read, start=first, end=last))

    def tags(
        self,
        *,
        scope: str | None = None,
        q: str | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 0,
        tenant: str = DEFAULT_TENANT,
    ) -> TagNames:
        """The names of attributes by scope; `q` narrows the spans looked at, `limit` (0 = none) the names of each scope."""
        window = _window(start, end)
        return self._answer(tenant, window, lambda read: tag_names(read, Window.of(*window, q), scope=scope, limit=limit))

    def tag_values(
        self,
        name: str,
        *,
        q: str | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 0,
        tenant: str = DEFAULT_TENANT,
    ) -> TagValues:
        """The values of a field by its TraceQL spelling (`resource.service.name`, `name`). Raises BadQuery for what is no field."""
        window = _window(start, end)
        return self._answer(tenant, window, lambda read: tag_values(read, name, Window.of(*window, q), limit=limit))

    def tag_values_v1(
        self, name: str, *, start: int | None = None, end: int | None = None, limit: int = 0, tenant: str = DEFAULT_TENANT
    ) -> TagValues:
        """The values of an attribute by its plain name, whatever characters it has, at whatever level."""
        window = _window(start, end)
        return self._answer(tenant, window, lambda read: tag_values_v1(read, name, Window.of(*window, None), limit=limit))

    def query_range(
        self,
        q: str,
        *,
        start: int,
        end: int,
        step: int | None = None,
        exemplars: int = 100,
        max_series: int = 0,
        tenant: str = DEFAULT_TENANT,
    ) -> SeriesResult:
        """The time series of a TraceQL metrics query over [start, end], a point every `step` nanoseconds (docs/traceql.md).

        Without `step` there are about 240 points. Intervals lie at whole multiples of the step; the first and the last reach beyond the
        range where it does not. `max_series` 0 is no limit but the options'. Raises BadQuery for a query that cannot be read or answered,
        or for a range outside the limits.
        """
        query = check(parse(q))
        if step is None:
            step = default_step(start, end)
        width, options = step, self.options.metrics
        return self._answer(
            tenant,
            (start, end),
            lambda read: query_range(
                query, read, start=start, end=end, step=width, exemplars=exemplars, max_series=max_series, options=options
            ),
        )

    def query_instant(self, q: str, *, start: int, end: int, max_series: int = 0, tenant: str = DEFAULT_TENANT) -> InstantResult:
        """One number a series over the spans that start in (start, end]. Raises BadQuery as `query_range`."""
        query = check(parse(q))
        options = self.options.metrics
        return self._answer(
            tenant, (start, end), lambda read: query_instant(query, read, start=start, end=end, max_series=max_series, options=options)
        )

    def flush(self, tenant: str | None = None) -> None:
        """Cut the live spans into blocks now; returns when the blocks are published.

        A segment is cut whole, so other tenants' spans come along. Raises NotFound for a tenant that has nothing stored,
        Unavailable where the disk refuses.
        """
        if tenant is not None and tenant not in self.tenants():
            raise NotFound(f"tenant {tenant!r} has nothing stored")
        if not self._writable:
            raise BadConfig(f"data directory {self._directory.root} is open read-only; open it for writing to flush")
        with self._closing:
            if self._closed:
                raise Unavailable("the store is closed")
            self._flusher.flush()

    def blocks(self, tenant: str = DEFAULT_TENANT) -> tuple[BlockMeta, ...]:
        """The blocks of a tenant, the latest end first."""
        return self._sources.blocks.blocks(tenant)

    def tenants(self) -> tuple[str, ...]:
        """Tenants with anything stored, sorted."""
        return self._sources.tenants()

    def left_out(self, tenant: str | None = None) -> tuple[str, ...]:
        """The damaged blocks that answers lack, of one tenant or of all."""
        return self._sources.left_out(tenant)

    def _answer(self, tenant: str, window: tuple[int, int], ask: Callable[[tuple[Source, ...]], Answer]) -> Answer:
        """Ask what is there; a block that turns out damaged or gone is left out, and the others are asked again."""
        while True:
            try:
                answer = ask(self._read(tenant))
            except (Damaged, NotFound) as error:
                if not self._sources.leave_out(tenant, error):
                    raise
                continue
            if answer is not None:
                answer.inspected.left_out = self._sources.left_out(tenant, *window)
            return answer

    def _read(self, tenant: str) -> tuple[Source, ...]:
        check_tenant(tenant)
        if self._closed:
            raise Unavailable("the store is closed")
        if self._state is not None and self._state.startswith("starting"):
            raise Unavailable(self._state)
        return self._sources.of(tenant)


def open(
    path: str | Path,
    *,
    read_only: bool = False,
    options: StoreOptions | None = None,
    logger: logging.Logger | None = None,
    clock: Callable[[], int] = time.time_ns,
    registry: CollectorRegistry | None = None,
) -> Store:
    """Open a data directory, making it where it is missing; returns when everything acknowledged is searchable.

    `read_only` takes no lock and changes nothing, also while another process writes. Raises BadConfig and DirectoryInUse,
    naming the remedy.
    """
    store = Store(path, read_only=read_only, options=options, logger=logger, clock=clock, registry=registry)
    try:
        store.replay()
    except BaseException:
        store.close()
        raise
    return store


def _window(start: int | None, end: int | None) -> tuple[int, int]:
    return 0 if start is None else max(start, 0), MAX_TIME if end is None else min(end, MAX_TIME)
