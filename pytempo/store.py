"""The store: a data directory with everything wired together. Every other face (server, command line, exporter) is put on this one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from prometheus_client import CollectorRegistry

from pytempo.allocator import keep_freed_arrays
from pytempo.block import BlockMeta
from pytempo.blocklist import BlockList, bytes_below
from pytempo.directory import DAMAGED, DataDirectory
from pytempo.errors import BadConfig, Damaged, NotFound, RequestTooLarge, Unavailable
from pytempo.ingest import Ingest
from pytempo.limits import LimitMetrics, Limits
from pytempo.live import Live
from pytempo.maintenance import (
    CompactionRules,
    Conversion,
    Cut,
    Flusher,
    Retention,
    Sources,
    Step,
    Upkeep,
    UpkeepMetrics,
    convert,
    is_published,
    outdated,
    replay,
    waiting,
)
from pytempo.maintenance import Progress as Progress
from pytempo.model import Source
from pytempo.model.tenant import DEFAULT_TENANT, check_tenant, tenants_of
from pytempo.options import StoreOptions as StoreOptions
from pytempo.otlp import Decoded, Exported, decode, shorten
from pytempo.query.metrics import QuestionMetrics
from pytempo.questions import Questions
from pytempo.store_metrics import StoreMetrics
from pytempo.wal import SegmentInfo, Wal, WalView


class Store(Questions):
    """One data directory. Thread-safe; a context manager. Opened by `open`; its questions are those of `Questions`."""

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
        keep_freed_arrays()
        self.options = options or StoreOptions()
        self.registry = registry or CollectorRegistry()
        self._logger, self._clock = logger or logging.getLogger("pytempo"), clock
        self.limits = Limits(self.options.limits)
        self._question_metrics = QuestionMetrics(self.registry)
        self._limit_metrics = LimitMetrics(self.registry, self.limits)
        self._state: str | None = "starting: the write-ahead log is being replayed"
        self._writable, self._closed = not read_only, False
        self._closing = threading.Lock()
        self._directory = DataDirectory(Path(path), read_only=read_only)
        try:
            self._live = Live(lambda tenant, payloads: decode(payloads).batch)
            folders = self._directory
            blocks = BlockList.open(folders.blocks, folders.damaged, self._logger, read_only, folders.compacting)
            self._sources = Sources(self._live, blocks, self._logger, self.options.query.max_cached_bytes)
            self.metrics = StoreMetrics(self.registry, self._live, blocks, self._sources.left_out, lambda: self._sources.flaws)
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
            observe=self._flushed,
            failed=self.metrics.flush_failed,
        )
        self._ingest = Ingest(
            wal, self._live, self.limits, committed=self._flusher.committed, stored=self.metrics.stored, shortened=self._shortened
        )
        self._wal = wal
        self.metrics.watch_log(wal)
        self._open_upkeep(wal)
        return wal

    def _open_upkeep(self, wal: Wal) -> None:
        def staying(tenant: str) -> frozenset[str]:
            return waiting(wal, tenant)

        metrics, options = UpkeepMetrics(self.registry), self.options
        self._retention = Retention(
            self._sources,
            options.retention,
            block_retention=self._block_retention,
            kept_retired=options.compaction.compacted_block_retention,
            waiting=staying,
            used=self._used,
            metrics=metrics,
            logger=self._logger,
            clock=self._clock,
        )
        self._upkeep = Upkeep(
            self._sources,
            options.compaction,
            options.flush.block,
            self._retention,
            rules=self._compaction_rules,
            waiting=staying,
            metrics=metrics,
            logger=self._logger,
            clock=self._clock,
        )

    def _used(self) -> int:
        """Bytes that the log and the blocks take on disk, without what was set aside as damaged."""
        return bytes_below(self._directory.blocks) + bytes_below(self._directory.wal) - bytes_below(self._directory.wal / DAMAGED)

    def _block_retention(self, tenant: str) -> int:
        """Nanoseconds that the blocks of a tenant are kept, 0 for ever."""
        return self.limits.of(tenant).block_retention or self.options.retention.block_retention

    def _compaction_rules(self, tenant: str) -> CompactionRules:
        """What holds for the compaction of a tenant's blocks."""
        limits = self.limits.of(tenant)
        return CompactionRules(limits.compaction_window or self.options.compaction.compaction_window, limits.compaction_disabled)

    def _flushed(self, done: Cut) -> None:
        self.metrics.flushed(done)
        if done.step is Step.DELETED:
            self._retention.make_room()

    def _shortened(self, tenant: str, decoded: Decoded) -> Decoded:
        """What was decoded with attributes as long as the tenant's may be."""
        longest = self.limits.of(tenant).max_attribute_bytes
        if not longest:
            return decoded
        batch, count = shorten(decoded.batch, longest)
        self._limit_metrics.truncated(tenant, count)
        return replace(decoded, batch=batch)

    def _read_again(self, tenant: str, decoded: Decoded) -> Decoded:
        """What the log gives back counts as what comes in does, but nothing of it is refused: it was acknowledged."""
        self.limits.judge(tenant, decoded.batch.trace_ids(), decoded.batch.trace_of_span(), decoded.sizes)
        return self._shortened(tenant, decoded)

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
        flush = self.options.flush
        room = max(flush.max_live_bytes - flush.max_block_bytes, 0)  # a segment has about the bytes of a block
        for segment in segments:
            if self._writable and self._live.bytes() > room:
                self._try_to_flush()
            self._replay_segment(segment)
        if self._writable:
            self._flusher.start()
            self._upkeep.start()
        self._state = None

    def _replay_segment(self, segment: SegmentInfo) -> None:
        try:
            count = replay(
                segment,
                self._log.read(segment),
                self._live,
                lambda tenant: is_published(self._sources, segment, tenant),
                self._logger,
                self._read_again,
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
        self._upkeep.stop()
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

        Spans that break a rule, or go beyond a limit of the tenant, are left out and counted in the result (OTLP specification, partial
        success). Raises BadRequest for bytes that are no such message, RequestTooLarge, Unavailable where the disk refuses or the store
        stops, RateLimited where the tenant sends more than it may, Overloaded where more comes in than can be cut into blocks; in all
        these cases nothing of the call is kept.
        """
        pieces = [payloads] if isinstance(payloads, bytes | bytearray | memoryview) else list(payloads)
        size = sum(map(len, pieces))
        self._check_export(tenant, size)
        self.limits.admit(tenant, size)
        if not pieces:
            return Exported(0)
        with self._flusher.room(size):
            return self._ingest.export(tenant, [bytes(piece) for piece in pieces])

    def _check_export(self, tenant: str, size: int) -> None:
        check_tenant(tenant)
        if size > self.options.max_request_bytes:
            raise RequestTooLarge(size, self.options.max_request_bytes, "max_request_bytes (--otlp-max-request-bytes)")
        self._need_writing("export")
        if self._state is not None:
            raise Unavailable(self._state)

    def flush(self, tenant: str | None = None) -> None:
        """Cut the live spans into blocks now; returns when the blocks are published.

        A segment is cut whole, so other tenants' spans come along. Raises NotFound for a tenant that has nothing stored,
        Unavailable where the disk refuses.
        """
        if tenant is not None and tenant not in self.tenants():
            raise NotFound(f"tenant {tenant!r} has nothing stored")
        self._need_writing("flush")
        with self._closing:
            if self._closed:
                raise Unavailable("the store is closed")
            self._flusher.flush()

    def compact(self, tenant: str | None = None, *, report: Callable[[Progress], None] = lambda progress: None) -> tuple[BlockMeta, ...]:
        """Merge blocks now, of one tenant or of all, until no merge is worth it; the merged blocks.

        Windows that still fill are merged as well, which the background leaves until they have enough blocks. `report` is told how far each
        merge is. Raises Unavailable where the disk refuses or the store is closed meanwhile.
        """
        with self._upkeeping("compact it"):
            return tuple(self._upkeep.compact(tenant, report))

    def expire(self) -> None:
        """Drop the blocks now whose time is over or for which there is no room (`RetentionOptions`), which the background does every cycle.

        Raises Unavailable where the disk refuses.
        """
        with self._upkeeping("expire blocks"):
            self._upkeep.expire()

    def outdated_blocks(self) -> tuple[BlockMeta, ...]:
        """The blocks of all tenants that `convert` would rewrite."""
        return outdated(self._sources)

    def convert(self) -> Iterator[Conversion]:
        """Rewrite blocks of other formats as vParquet4, one after the other; yields after each. A stop at any moment loses nothing.

        Raises BadConfig for a store that is open read-only, Damaged for a block that cannot be read, Unavailable where the disk refuses.
        """
        with self._upkeeping("convert its blocks"):
            yield from convert(self._sources, self.options.flush.block, self._clock)

    @contextmanager
    def _upkeeping(self, purpose: str) -> Iterator[None]:
        self._need_writing(purpose)
        if self._state is not None:
            raise Unavailable(self._state)
        yield

    def _need_writing(self, purpose: str) -> None:
        if not self._writable:
            raise BadConfig(f"data directory {self._directory.root} is open read-only; open it for writing to {purpose}")

    def blocks(self, tenant: str = DEFAULT_TENANT) -> tuple[BlockMeta, ...]:
        """The blocks of a tenant, the latest end first."""
        return self._sources.blocks.blocks(tenant)

    def tenants(self) -> tuple[str, ...]:
        """Tenants with anything stored, sorted."""
        return self._sources.tenants()

    def left_out(self, tenant: str | None = None) -> tuple[str, ...]:
        """The damaged blocks that answers lack, of one tenant, of several (`a|b`) or of all."""
        return self._sources.left_out(None if tenant is None else tenants_of(tenant))

    def _read(self, tenants: Sequence[str]) -> tuple[Source, ...]:
        if self._closed:
            raise Unavailable("the store is closed")
        if self._state is not None and self._state.startswith("starting"):
            raise Unavailable(self._state)
        return self._sources.of(*tenants)


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
