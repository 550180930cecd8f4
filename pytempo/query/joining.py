"""Reading several sources as one: a trace that lies in more than one of them is joined before it is looked at.

Most traces lie whole in one source, so only the ids that two sources share (`query.sharing`) are joined. Sources are immutable: which of
the shared traces' spans are copies is worked out once for the sources that are read together.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from pytempo.model import Batch, Concat, Level, Scan, Selection, Source, TraceIds
from pytempo.model.arrays import Bools
from pytempo.model.merge import without_copies
from pytempo.model.selection import Composed
from pytempo.model.traces import Summary
from pytempo.query.budget import Budget
from pytempo.query.sharing import Together, forget_gone, shared_ids

COMBINATIONS = 32
"""Sets of sources whose shared traces are remembered: which spans stay, 8 bytes each, and the bounds and roots."""

_known: OrderedDict[Together, tuple[NDArray[np.int64], Summary]] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Piece:
    """A batch to evaluate, and the traces of it (mask) that are whole in it: the others come in another piece, joined."""

    batch: Batch
    traces: Bools


def read(
    sources: Sequence[Source], scan: Scan, budget: Budget | None = None, matters: Callable[[Source], bool] = lambda source: True
) -> Iterator[Piece]:
    """Every trace that the scan may want, whole, exactly once; what arrived last comes first.

    Of sources that do not `matter`, asked when their turn comes, only the traces that others have as well. What is read and looked at
    counts in the budget, which may end the query by raising QueryStopped or BadQuery.
    """
    budget = budget or Budget()
    scan = replace(scan, meter=budget)
    there = [source for source in sources if source.touches(scan.start, scan.end)]
    everywhere = sources if len(sources) > 1 else there
    shared = shared_ids(everywhere)
    for source in reversed(there):
        if not matters(source):
            continue
        budget.looks_at([source])
        for batch in source.batches(scan):
            piece = Piece(batch, shared.find(batch.trace_ids()) < 0)
            budget.looks_into(batch, piece.traces)
            yield piece
    if len(shared):
        joined = _join_shared(everywhere, shared, scan)
        if joined is not None:
            whole = np.ones(joined.count(Level.TRACE), np.bool_)
            budget.looks_into(joined, whole)
            yield Piece(joined, whole)


def join(sources: Sequence[Source], wanted: TraceIds, scan: Scan) -> Batch | None:
    """The wanted traces (ascending ids) as one batch, each span once; None where no source has any of them."""
    joined = _concatenated(sources, wanted, scan)
    return None if joined is None else _chosen(joined, without_copies(joined))


def _join_shared(sources: Sequence[Source], shared: TraceIds, scan: Scan) -> Batch | None:
    """As `join`, of the traces that the sources share; finding copies reads nearly everything of them, so it is done once."""
    joined = _concatenated(sources, shared, scan)
    if joined is None:
        return None
    together = tuple(ref(source) for source in sources)
    with _lock:
        known = _known.get(together)
    if known is not None:
        chosen = _chosen(joined, known[0])
        chosen.assume(known[1])
        return chosen
    kept = without_copies(joined)
    chosen = _chosen(joined, kept)
    summary = chosen.summary()
    with _lock:
        forget_gone(_known)
        _known[together] = kept, summary
        while len(_known) > COMBINATIONS:
            _known.popitem(last=False)
    return chosen


def _concatenated(sources: Sequence[Source], wanted: TraceIds, scan: Scan) -> Composed | None:
    """The wanted traces of all sources, with copies; None where no source has any of them."""
    pieces: list[Composed] = []
    for source in sources:
        for batch in source.batches_of(wanted, scan):
            inside = wanted.find(batch.trace_ids()) >= 0
            spans = np.flatnonzero(inside[batch.trace_of_span()])
            if len(spans):
                pieces.append(Selection(batch, spans))
    return None if not pieces else Concat(pieces) if len(pieces) > 1 else pieces[0]


def _chosen(joined: Composed, kept: NDArray[np.int64]) -> Composed:
    return joined if len(kept) == joined.count(Level.SPAN) else Selection(joined, kept)
