"""A batch in memory as a source that queries can read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pytempo.model.batch import Batch, MemoryBatch
from pytempo.model.ids import TraceIds
from pytempo.model.levels import Level
from pytempo.model.merge import merge, without_copies
from pytempo.model.metered import bytes_of, metered
from pytempo.model.scan import Part, Scan
from pytempo.model.traces import ends


class LiveSource:
    """Spans that are in no block yet (a `model.scan.Source`). The batch is cleaned of copies when it is first asked for.

    One that is `clean` was made by `model.merge` of all spans of it."""

    name = "live"

    def __init__(self, batch: MemoryBatch, sequence: int, *, clean: bool = False) -> None:
        self._batch, self._sequence = batch, sequence
        self._clean = clean
        start = batch.stored(Level.SPAN, "start")
        self._start = int(start.min()) if len(start) else 0
        self._end = int(ends(start, batch.stored(Level.SPAN, "duration")).max()) if len(start) else 0

    @property
    def sequence(self) -> int:
        return self._sequence

    @property
    def size(self) -> int:
        return 0

    @property
    def spans(self) -> int:
        """Spans held, copies included until the first query."""
        return self._batch.count(Level.SPAN)

    @property
    def batch(self) -> MemoryBatch:
        """The spans, each once."""
        if not self._clean:
            batch = self._batch
            if len(without_copies(batch)) < batch.count(Level.SPAN):
                self._batch = merge([batch])
            self._clean = True
        return self._batch

    @property
    def is_clean(self) -> bool:
        """Whether it is known that it holds no copies."""
        return self._clean

    @property
    def raw(self) -> MemoryBatch:
        """The spans as they came, for merging."""
        return self._batch

    def touches(self, start: int, end: int) -> bool:
        return self._start <= end and start <= self._end

    def ends_before(self, time: int) -> bool:
        return self._end < time

    def trace_ids(self) -> TraceIds:
        return self.batch.trace_ids()

    def batches(self, scan: Scan) -> Iterator[Batch]:
        batch = self.batch
        if scan.traces is None or (batch.trace_ids().find(TraceIds.of(scan.traces)) >= 0).any():
            yield metered(batch, scan.meter)

    def parts(self, scan: Scan) -> list[Part]:
        skipped = None
        if scan.traces is not None and not (self.batch.trace_ids().find(TraceIds.of(scan.traces)) >= 0).any():
            skipped = f"trace id: {scan.traces.hex()} is not among those of its traces"
        return [Part("live spans", self.batch.count(Level.TRACE), bytes_of(self.batch, scan), skipped)]

    def batches_of(self, wanted: TraceIds, scan: Scan) -> Iterator[Batch]:
        batch = self.batch
        if bool(np.any(batch.trace_ids().find(wanted) >= 0)):
            yield metered(batch, scan.meter)
