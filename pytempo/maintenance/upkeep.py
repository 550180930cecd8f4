"""The thread that looks after the blocks: settles what a stop left undone, drops what has to go, merges what is worth it."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pytempo.block import filenames
from pytempo.block.lineage import sources_of
from pytempo.block.meta import BlockMeta
from pytempo.block.writer import BlockOptions
from pytempo.errors import Damaged, NotFound, PytempoError
from pytempo.maintenance.compaction import Abandoned, compact, settle
from pytempo.maintenance.compaction_choice import Run, choose
from pytempo.maintenance.compaction_job import Job, Report, carry_out
from pytempo.maintenance.compaction_options import SECOND, CompactionOptions
from pytempo.maintenance.compaction_worker import Worker
from pytempo.maintenance.retention import Retention
from pytempo.maintenance.sources import Sources
from pytempo.maintenance.upkeep_metrics import UpkeepMetrics

CarryOut = Callable[[Job, Report], BlockMeta]
"""Writes a merged block (`compaction_job.carry_out`)."""

MOST_DOUBLINGS = 7
"""How often the wait for the next attempt doubles after failures: from 30 s to an hour."""


@dataclass(frozen=True, slots=True)
class CompactionRules:
    """What holds for one tenant."""

    compaction_window: int
    compaction_disabled: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a merge is: traces of `blocks` that have been merged, of how many."""

    tenant: str
    blocks: int
    merged: int
    traces: int


class Upkeep:
    """Compacts and retains in the background, and when asked. `waiting` tells which blocks of a tenant must stay as they are."""

    def __init__(
        self,
        sources: Sources,
        options: CompactionOptions,
        block: BlockOptions,
        retention: Retention,
        *,
        rules: Callable[[str], CompactionRules],
        waiting: Callable[[str], frozenset[str]],
        metrics: UpkeepMetrics,
        logger: logging.Logger,
        clock: Callable[[], int],
    ) -> None:
        self._sources, self._options, self._block, self._retention = sources, options, block, retention
        self._rules, self._waiting = rules, waiting
        self._metrics, self._logger, self._clock = metrics, logger, clock
        self._working = threading.Lock()
        self._settled: set[str] = set()
        self._stopping = threading.Event()
        self._worker: Worker | None = None
        self._thread = threading.Thread(target=self._run, name="pytempo-upkeep", daemon=True)

    def start(self) -> None:
        """Begin looking after the blocks: what was left undone and what has to go at once, merges after the first cycle."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a merge at work is given up, which leaves the blocks as they were."""
        self._stopping.set()
        worker = self._worker
        if worker is not None:
            worker.close()
        if self._thread.is_alive():
            self._thread.join()

    def expire(self) -> None:
        """Drop everything that has to go now. Raises Unavailable where the disk refuses."""
        with self._working:
            self._settle()
            self._retention.apply()

    def compact(self, tenant: str | None = None, report: Callable[[Progress], None] = lambda progress: None) -> list[BlockMeta]:
        """Merge whatever is worth it, of one tenant or of all, every window taken for one that is over; the merged blocks, in order.

        Raises Unavailable where the disk refuses, Abandoned where the store stops. Blocks that turn out damaged are left out, and named in
        the log.
        """
        made: list[BlockMeta] = []
        with self._working, self._merging() as carry_out:
            self._settle()
            for each in self._sources.blocks.tenants() if tenant is None else (tenant,):
                while (meta := self._merge_one(each, carry_out, report, everything=True)) is not None:
                    made.append(meta)
        return made

    def _run(self) -> None:
        failures = 0 if self._try(self.expire) else 1
        while not self._stopping.wait(self._options.compaction_cycle * 2 ** min(failures, MOST_DOUBLINGS) / SECOND):
            done = self._try(self.expire) and self._try(self._cycle)
            failures = 0 if done else failures + 1

    def _try(self, work: Callable[[], object]) -> bool:
        """Whether it went well; whatever it was, the blocks go on being looked after."""
        try:
            work()
        except Exception as error:
            if not self._stopping.is_set():
                stack = None if isinstance(error, PytempoError) else error
                self._logger.error("looking after the blocks failed and is tried again: %s", error, exc_info=stack)
            return False
        return True

    def _cycle(self) -> None:
        """Merge until nothing is left that is worth it, tenant by tenant in turn, and drop in between what has to go."""
        with self._working, self._merging() as carry_out:
            busy = [tenant for tenant in self._sources.blocks.tenants() if not self._is_off(tenant)]
            while busy and not self._stopping.is_set():
                busy = [tenant for tenant in busy if self._merge_one(tenant, carry_out) is not None]
                self._retention.apply()

    def _is_off(self, tenant: str) -> bool:
        return self._options.disabled or self._rules(tenant).compaction_disabled

    @contextmanager
    def _merging(self) -> Iterator[CarryOut]:
        """Who carries merges out, for as long as there are some."""
        if not (self._options.worker_process and sys.executable):
            yield lambda job, report: carry_out(job, self._sources.blocks, report)
            return
        with Worker(self._sources.blocks) as worker:
            self._worker = worker
            if self._stopping.is_set():  # `stop` may have come before it could see the worker
                worker.close()
            yield worker.carry_out

    def _settle(self) -> None:
        """Retire what merged blocks were made of and a stop has left."""
        for tenant in self._sources.blocks.tenants():
            for meta in self._sources.blocks.blocks(tenant):
                if meta.block_id not in self._settled and sources_of(meta):
                    if settle(self._sources, meta, self._clock):
                        self._logger.info("what block %s of tenant %s was made of is retired now", meta.block_id, tenant)
                    self._settled.add(meta.block_id)

    def _merge_one(
        self, tenant: str, carry_out: CarryOut, report: Callable[[Progress], None] = lambda progress: None, everything: bool = False
    ) -> BlockMeta | None:
        """Make the best merge of a tenant; None where there is none."""
        while True:
            try:
                runs = self._choose(tenant, everything)
                self._metrics.outstanding(tenant, sum(len(run.inputs) for run in runs))
                return self._merge(tenant, runs[0], carry_out, report) if runs else None
            except (Damaged, NotFound) as error:
                if not self._sources.leave_out(tenant, error):
                    raise

    def _choose(self, tenant: str, everything: bool) -> list[Run]:
        staying = self._waiting(tenant)

        def may(meta: BlockMeta) -> bool:
            return meta.block_id not in staying and not self._is_flagged(meta)

        options = replace(self._options, max_block_bytes=min(self._options.max_block_bytes, self._retention.largest_block))
        window, now = self._rules(tenant).compaction_window, self._clock()
        return choose(self._sources.of(tenant), options, window=window, now=now, everything=everything, may=may)

    def _is_flagged(self, meta: BlockMeta) -> bool:
        """Whether somebody has laid a file beside the block that says: never merge it."""
        return filenames.NO_COMPACT in self._sources.blocks.backend.list(filenames.folder(meta.tenant, meta.block_id)).files

    def _merge(self, tenant: str, run: Run, carry_out: CarryOut, report: Callable[[Progress], None]) -> BlockMeta:
        job = Job.of([source.meta for source in run.inputs], self._block)
        started, merged = time.monotonic(), 0
        try:
            with self._metrics.compaction(job) as count:

                def advance(rows: int) -> None:
                    nonlocal merged
                    if self._stopping.is_set():
                        raise Abandoned("the store is stopping")
                    merged += rows
                    count(rows)
                    report(Progress(tenant, len(job.inputs), merged, job.rows))

                for done in compact(job, lambda job: carry_out(job, advance), self._sources, self._clock):
                    meta = done.meta
        finally:
            self._sources.blocks.empty_scratch()
        self._settled.add(meta.block_id)
        self._metrics.compacted(job, meta)
        self._log(job, meta, time.monotonic() - started)
        self._retention.make_room()
        return meta

    def _log(self, job: Job, meta: BlockMeta, seconds: float) -> None:
        self._logger.info(
            "block %s of tenant %s: made of %d blocks, %d traces, %d bytes (they had %d), in %.2f s",
            meta.block_id,
            meta.tenant,
            len(job.inputs),
            meta.traces,
            meta.size,
            sum(each.size for each in job.inputs),
            seconds,
        )
