"""When blocks are cut: by size, by age when the traces have come to rest, when asked, and from segments found at start. One thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pytempo.block.writer import BlockOptions
from pytempo.errors import Overloaded, PytempoError
from pytempo.maintenance.flush import Cut, Step, cut
from pytempo.maintenance.sources import Sources
from pytempo.wal import SegmentInfo, Wal

SECOND = 1_000_000_000
RETRY_SECONDS = 5.0
"""How long a flush waits after the disk refused; ingest goes on meanwhile until the live spans reach their limit."""


@dataclass(frozen=True, slots=True)
class FlushOptions:
    """When a block is cut. Names and meanings are Tempo's (`ingester` section), durations in nanoseconds."""

    max_block_bytes: int = 50 * 1024 * 1024
    """OTLP bytes of one block. Live spans take about 1.1 times as much memory until they are cut (Tempo: 500 MB)."""
    max_block_duration: int = 30 * 60 * SECOND
    """Age at which a block is cut."""
    trace_idle_period: int = 5 * SECOND
    """A block that is old enough waits until nothing has arrived for so long, so that traces are not torn; at most ten times as long."""
    flush_check_period: int = 1 * SECOND
    """How often ages are looked at."""
    max_live_bytes: int = 4 * 50 * 1024 * 1024
    """OTLP bytes that may wait for their block; beyond it requests wait, then are refused. Bounds the memory of a store that is
    sent more than it cuts."""
    block: BlockOptions = field(default_factory=BlockOptions)


class Flusher:
    """Cuts blocks in the background. `seal` ends the active segment under the ingest's lock."""

    def __init__(
        self,
        wal: Wal,
        sources: Sources,
        options: FlushOptions,
        *,
        seal: Callable[[], SegmentInfo | None],
        logger: logging.Logger,
        clock: Callable[[], int],
        observe: Callable[[Cut], None],
        failed: Callable[[], None],
    ) -> None:
        self._wal, self._sources, self._options = wal, sources, options
        self._seal, self._logger, self._clock = seal, logger, clock
        self._observe, self._failed = observe, failed
        self._condition = threading.Condition()
        self._cutting = threading.Lock()
        self._last_arrival = clock()
        self._active_bytes = self._coming = self._waiting = 0
        self._unread = {segment.id for segment in wal.segments()}
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="pytempo-flusher", daemon=True)

    def start(self) -> None:
        """Begin cutting by age and size; segments found at start are cut first."""
        self._thread.start()

    def replayed(self, segment: SegmentInfo) -> None:
        """A segment found at start is live now and may be cut. One that is not stays as it is, since a cut ends with its deletion."""
        self._unread.discard(segment.id)

    def committed(self, size: int) -> None:
        """`size` OTLP bytes have just become durable in the active segment."""
        self._last_arrival = self._clock()
        self._active_bytes += size
        if self._is_full():
            with self._condition:
                self._condition.notify_all()

    @contextmanager
    def room(self, size: int, patience: float = 5.0) -> Iterator[None]:
        """Holds `size` bytes of the limit of live spans while a request becomes live. Waits until there is room.

        All that is live or on its way counts, so that many at once pass the limit by no more than one request. Raises Overloaded where
        there still is no room after `patience` seconds.
        """
        limit = self._options.max_live_bytes
        with self._condition:
            if self._held() >= limit:
                self._wait_for_room(limit, patience)
            self._coming += size
        try:
            yield
        finally:
            with self._condition:
                self._coming -= size
                if self._waiting:  # waking the thread of the flusher for nothing would cost each request half a millisecond
                    self._condition.notify_all()

    def _held(self) -> int:
        return self._sources.live.bytes() + self._coming

    def _wait_for_room(self, limit: int, patience: float) -> None:
        self._condition.notify_all()
        self._waiting += 1
        try:
            found = self._condition.wait_for(lambda: self._held() < limit or self._stopping, patience)
        finally:
            self._waiting -= 1
        if not found:
            raise Overloaded(
                f"{limit} bytes of spans wait to be cut into blocks (max_live_bytes); send it again later", retry_after=patience
            )

    def flush(self) -> None:
        """Cut everything that is live now; returns when it is in blocks. Raises Unavailable where the disk refuses."""
        self._end_segment()
        self._cut_sealed()

    def stop(self) -> None:
        """End the thread; a segment that is being cut is finished, the others stay in the log for the next start."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        wait = 0.0
        while not self._stops_after(wait):
            wait = self._options.flush_check_period / SECOND
            try:
                if self._is_full() or self._is_old():
                    self._end_segment()
                self._cut_sealed(until=lambda: self._stopping)
            except Exception as error:  # whatever it was, spans go on coming in and need their blocks
                self._failed()
                wait = RETRY_SECONDS
                stack = None if isinstance(error, PytempoError) else error
                self._logger.error("flush failed and is tried again in %.0f s: %s", wait, error, exc_info=stack)

    def _stops_after(self, wait: float) -> bool:
        """Wait until a block is full, at most so many seconds; whether the thread is to end."""
        with self._condition:
            self._condition.wait_for(lambda: self._stopping or self._is_full(), wait)
            return self._stopping

    def _is_full(self) -> bool:
        return self._active_bytes >= min(self._options.max_block_bytes, self._options.max_live_bytes)

    def _is_old(self) -> bool:
        active, now = self._wal.active, self._clock()
        if active is None:
            return False
        age, idle = now - active.created - self._options.max_block_duration, now - self._last_arrival
        return age >= 0 and (idle >= self._options.trace_idle_period or age >= 10 * self._options.trace_idle_period)

    def _end_segment(self) -> None:
        self._active_bytes = 0  # first: what comes in before the seal may count twice, but never not at all
        self._seal()

    def _cut_sealed(self, until: Callable[[], bool] = lambda: False) -> None:
        with self._cutting:
            for segment in self._wal.segments():
                if until():
                    return
                if segment.id in self._unread:
                    continue
                for done in cut(segment, self._wal, self._sources, self._options.block, clock=self._clock):
                    self._note(done)

    def _note(self, done: Cut) -> None:
        self._observe(done)
        if done.step is Step.PUBLISHED and done.meta is not None:
            self._logger.info(
                "block %s of tenant %s: %d spans, %d traces, %d bytes, cut in %.2f s",
                done.meta.block_id,
                done.meta.tenant,
                done.meta.spans or 0,
                done.meta.traces,
                done.meta.size,
                done.seconds,
            )
        with self._condition:
            self._condition.notify_all()
