"""Trace by id: every stored span of one trace, each once, in whatever sources they lie; or only those that a query keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pytempo.errors import BadQuery
from pytempo.model import Batch, Scan, Selection, Source, TraceIds
from pytempo.model.arrays import Bools, Ints
from pytempo.model.scan import MAX_TIME
from pytempo.model.sizes import span_sizes
from pytempo.query.budget import Budget
from pytempo.query.joining import join
from pytempo.query.results import Trace
from pytempo.traceql import ast
from pytempo.traceql.evaluate import evaluate
from pytempo.traceql.structure import children_of, parents_of

ALL_GENERATIONS = -1
"""A depth without end."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The spans that a query keeps, with so many generations of descendants and of ancestors; ALL_GENERATIONS has no end."""

    query: ast.Query
    """Checked."""
    descendants: int = 0
    ancestors: int = 0


def find_trace(
    trace_id: bytes,
    sources: Sequence[Source],
    *,
    start: int = 0,
    end: int = MAX_TIME,
    kept: Kept | None = None,
    max_bytes: int = 0,
    budget: Budget | None = None,
) -> Trace | None:
    """The trace with this 16-byte id, or None.

    `start` and `end` (unix nanoseconds) leave out sources that do not touch them; spans are never cut. `kept` leaves spans out; a trace
    of which nothing is kept has none. Of a trace larger than `max_bytes` (0: no limit) come the spans that arrived first, and why.
    Raises BadQuery for a metrics query.
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
    if kept is not None:
        batch = Selection(batch, _kept(batch, kept, budget))
    batch, message = _within(batch, max_bytes) if max_bytes else (batch, "")
    return Trace(trace_id.hex(), batch, budget.inspected, message)


def _kept(batch: Batch, kept: Kept, budget: Budget) -> Ints:
    pipeline = kept.query.expression
    if not isinstance(pipeline, ast.Pipeline):
        raise BadQuery("this is a metrics query; choose spans by a filter, such as { status = error }", *kept.query.position)
    matched = np.zeros(len(batch.trace_of_span()), np.bool_)
    matched[evaluate(pipeline, batch, np.ones(1, np.bool_), budget.check).spans] = True
    parent = batch.parent_of_span()
    below = _reached(matched, kept.descendants, lambda mask: children_of(mask, parent), budget)
    above = _reached(matched, kept.ancestors, lambda mask: parents_of(mask, parent), budget)
    return np.flatnonzero(below | above)


def _reached(matched: Bools, depth: int, step: Callable[[Bools], Bools], budget: Budget) -> Bools:
    """`matched` and what so many steps lead to; a cycle ends where nothing new is found."""
    reached = edge = matched
    while depth and edge.any():
        budget.check()
        edge = step(edge) & ~reached
        reached = reached | edge
        depth -= depth > 0
    return reached


def _within(batch: Batch, limit: int) -> tuple[Batch, str]:
    """The spans that came first and take no more than `limit` bytes, at least one; and what to tell where that is not all."""
    ends = np.cumsum(span_sizes(batch))
    if not len(ends) or ends[-1] <= limit:
        return batch, ""
    shown = max(int(np.searchsorted(ends, limit, side="right")), 1)
    return Selection(batch, np.arange(shown)), (
        f"trace exceeds max size (max bytes: {limit}): it has about {ends[-1]} bytes in {len(ends)} spans, of which the first {shown} are "
        "shown; choose spans with q, or raise max_trace_bytes (--max-trace-bytes, or the tenant's max_bytes_per_trace)"
    )
