"""Trace by id: every stored span of one trace, each once, in whatever sources they lie."""

from __future__ import annotations

from collections.abc import Sequence

from pytempo.model import Level, Scan, Source, TraceIds
from pytempo.model.scan import MAX_TIME
from pytempo.query.joining import join
from pytempo.query.results import Inspected, Trace


def find_trace(trace_id: bytes, sources: Sequence[Source], *, start: int = 0, end: int = MAX_TIME) -> Trace | None:
    """The trace with this 16-byte id, or None.

    `start` and `end` (unix nanoseconds) leave out sources that do not touch them; spans are never cut.
    """
    wanted = TraceIds.of(trace_id)
    scan = Scan(start=start, end=end, traces=trace_id, whole=True)
    there = [source for source in sources if source.touches(start, end)]
    batch = join(there, wanted, scan)
    if batch is None:
        return None
    inspected = Inspected(traces=1, spans=batch.count(Level.SPAN), jobs=1)
    return Trace(trace_id.hex(), batch, inspected)
