"""Search: the newest traces that a query keeps, newest first, whatever sources they lie in.

Two passes. The first evaluates the query on what it names and keeps the `limit` newest; the second reads, for those only, what
the answer shows.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pytempo.errors import BadQuery
from pytempo.model import Batch, Level, Portion, Scan, Source, WholeTraces
from pytempo.model.arrays import Bools
from pytempo.query.budget import Budget
from pytempo.query.gathered import Found, gather
from pytempo.query.joining import Piece, read
from pytempo.query.results import FoundTrace, SearchResult
from pytempo.query.show import READ, Shown, show_traces
from pytempo.traceql import ast, plan
from pytempo.traceql.evaluate import Spansets, evaluate
from pytempo.traceql.shown import shown_fields

LARGE = 30_000
"""Spans of a batch from which on the newest traces are looked at first: if enough of them are kept, the others need not be."""

FEW = 16
"""The part of the traces that is looked at first, one in so many, and how many for each that is wanted at least."""

Keep = Callable[[Batch, Bools], Spansets]
"""What a search keeps of a batch, among the traces of a mask."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trace that a query keeps, with where to read more of it."""

    start: int
    trace_id: str
    trace: int
    """Its row in the batch that was looked at."""
    spansets: Spansets
    """In that batch."""
    portion: Portion
    """What is left of the batch."""

    @property
    def order(self) -> tuple[int, str]:
        """Ascending order is newest first, ties by id."""
        return (-self.start, self.trace_id)


def search(
    query: ast.Query, sources: Sequence[Source], *, start: int, end: int, limit: int, spans_per_spanset: int, budget: Budget | None = None
) -> SearchResult:
    """The `limit` newest traces whose bounds touch [start, end] (unix nanoseconds) and that the query keeps.

    `query` is checked. Raises BadQuery for what is not evaluated, and what the budget raises.
    """
    pipeline = query.expression
    if not isinstance(pipeline, ast.Pipeline):
        raise BadQuery("this is a metrics query: ask it of /api/metrics/query_range or /api/metrics/query", *query.position)
    scan = plan.scan(query, start, end)
    budget = budget or Budget()
    found = newest(sources, scan, lambda batch, traces: evaluate(pipeline, batch, traces, budget.check), limit, budget)
    shown = Shown(shown_fields(query), spans_per_spanset, budget.check)
    return SearchResult(show(found, shown), budget.inspected)


def newest(sources: Sequence[Source], scan: Scan, keep: Keep, limit: int, budget: Budget) -> list[Candidate]:
    """The newest traces that `keep` leaves a spanset of, newest first."""
    best: list[Candidate] = []

    def oldest() -> int:
        """A trace that starts before it can not be among the newest."""
        return best[-1].start if best and len(best) >= limit else 0

    def may_have_newer(source: Source) -> bool:
        return not source.ends_before(oldest())

    for piece in read(sources, scan, budget, may_have_newer):
        whole = Portion(piece.batch, 0, 0)
        newer = _candidates(piece, whole, scan, keep, limit, oldest())
        best = _apart(heapq.nsmallest(limit, [*best, *newer], key=lambda candidate: candidate.order), whole)
    return best


def _apart(candidates: list[Candidate], whole: Portion) -> list[Candidate]:
    """The same, those of a whole batch in portions of it: what is read of them later is read of little, and the batch can go."""
    mine = [candidate for candidate in candidates if candidate.portion is whole]
    if not mine:
        return candidates
    traces = np.unique([candidate.trace for candidate in mine])
    spansets = mine[0].spansets.of_traces(traces)
    portions = dict(zip(traces.tolist(), whole.batch.portions(traces), strict=True))
    return [replace(each, spansets=spansets, portion=portions[each.trace]) if each.portion is whole else each for each in candidates]


def _candidates(piece: Piece, whole: Portion, scan: Scan, keep: Keep, limit: int, oldest: int) -> Iterator[Candidate]:
    batch = piece.batch
    starts, ends = batch.column(Level.TRACE, "start"), batch.column(Level.TRACE, "end")
    inside = piece.traces & (starts >= np.uint64(oldest)) & (starts <= np.uint64(scan.end)) & (ends >= np.uint64(max(scan.start, 0)))
    if not inside.any():
        return
    spansets = _kept(batch, inside, keep, limit)
    if not len(spansets.trace):
        return
    traces = np.unique(spansets.trace)
    ids = batch.trace_ids()
    newest_first = np.lexsort((ids.low[traces], ids.high[traces], ~starts[traces]))[:limit]
    for trace in traces[newest_first]:
        yield Candidate(int(starts[trace]), ids.hex(int(trace)), int(trace), spansets, whole)


def _kept(batch: Batch, inside: Bools, keep: Keep, limit: int) -> Spansets:
    """What is kept of a batch: of all traces of the mask, or of so many of the newest that `limit` of them are."""
    if batch.count(Level.SPAN) < LARGE:
        return keep(batch, inside)
    newest = _newest(batch.column(Level.TRACE, "start"), inside, max(FEW * limit, len(inside) // FEW))
    spansets = _kept_of(batch, newest, keep)
    enough = len(np.unique(spansets.trace)) >= limit
    return spansets if enough or (newest == inside).all() else _kept_of(batch, inside, keep)


def _newest(starts: NDArray[np.uint64], inside: Bools, wanted: int) -> Bools:
    """The `wanted` newest traces of the mask, and those that start at the same time as the last of them."""
    times = starts[inside]
    if len(times) <= wanted:
        return inside
    place = len(times) - wanted
    newest: Bools = inside & (starts >= np.partition(times, place)[place])
    return newest


def _kept_of(batch: Batch, traces: Bools, keep: Keep) -> Spansets:
    """What is kept of the traces of the mask; few are looked at by themselves."""
    if 4 * int(traces.sum()) > len(traces):
        return keep(batch, traces)
    few = WholeTraces(batch, traces)
    spansets = keep(few, np.ones(len(few.traces), np.bool_))
    return replace(spansets, spans=few.spans[spansets.spans], trace=few.traces[spansets.trace])


def show(found: Sequence[Candidate], shown: Shown) -> tuple[FoundTrace, ...]:
    """The traces as an answer shows them, in their order."""
    if not found:
        return ()
    together: dict[int, list[Candidate]] = {}
    for candidate in found:
        together.setdefault(id(candidate.portion), []).append(candidate)
    batch, spansets = gather([_found(candidates) for candidates in together.values()], READ)
    traces = {trace.trace_id: trace for trace in show_traces(batch, range(len(found)), spansets, shown)}
    return tuple(traces[candidate.trace_id] for candidate in found)


def _found(candidates: Sequence[Candidate]) -> Found:
    """The candidates of one portion."""
    return Found(candidates[0].portion, np.unique([candidate.trace for candidate in candidates]), candidates[0].spansets)
