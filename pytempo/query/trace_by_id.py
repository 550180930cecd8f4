"""Trace by id: every stored span of one trace, each once, in whatever sources they lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pytempo.model import Scan, Source, TraceIds
from pytempo.model.scan import MAX_TIME
from pytempo.query.budget import Budget
from pytempo.query.joining import join
from pytempo.query.results import Trace


def find_trace(
    trace_id: bytes, sources: Sequence[Source], *, start: int = 0, end: int = MAX_TIME, budget: Budget | None = None
) -> Trace | None:
    """The trace with this 16-byte id, or None.

    `start` and `end` (unix nanoseconds) leave out sources that do not touch them; spans are never cut.
    """
    budget = budget or Budget()
    wanted = TraceIds.of(trace_id)
    scan = Scan(start=start, end=end, traces=trace_id, whole=True, meter=budget)
    there = [source for source in sources if source.touches(start, end)]
    budget.looks_at(there)
    batch = join(there, wanted, scan)
    if batch is None:
        return None
    budget.looks_into(batch, np.ones(1, np.bool_))
    return Trace(trace_id.hex(), batch, budget.inspected)
