"""Making one clean batch of several: equal resources and scopes become one, spans that were sent again collapse.

The rule for spans: within a trace, spans with the same id and the same kind are one span. Where their contents differ the one that ends
last is kept, then the one that starts first, then the one with most attributes, then the one whose content sorts last: whatever the order
of arrival, the answer is the same. The span keeps the place of its first arrival.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytempo.model.arrays import Array, Bools, Ints, coded, run_heads, take
from pytempo.model.attribute_tables import compact
from pytempo.model.batch import Batch, MemoryBatch
from pytempo.model.fingerprint import ORDERED, group_equal, span_fingerprints
from pytempo.model.levels import COLUMNS, Level
from pytempo.model.selection import Concat, Selection, materialise
from pytempo.model.traces import ends
from pytempo.model.tree import all_differ


def merge(batches: Sequence[Batch]) -> MemoryBatch:
    """One batch of all spans, in order of arrival (that of `batches`), each span once; resources and scopes shared, none without a span.

    Raises ValueError where there are no batches.
    """
    joined = batches[0] if len(batches) == 1 else Concat(batches)
    kept = without_copies(joined)
    chosen = joined if len(kept) == joined.count(Level.SPAN) else Selection(joined, kept)
    return share_parents(materialise(chosen))


def without_copies(batch: Batch) -> NDArray[np.int64]:
    """The rows of the spans to keep, ascending by the first arrival of each span, after the module's rule."""
    trace, identifier, kind = batch.trace_of_span(), batch.stored(Level.SPAN, "span_id"), batch.stored(Level.SPAN, "kind")
    if all_differ(trace, identifier):
        return np.arange(len(trace))
    order = np.lexsort((kind, identifier, trace))
    head = run_heads(trace[order], identifier[order], kind[order]) if len(order) else np.empty(0, np.bool_)
    if head.all():
        return np.arange(len(trace))
    return _best_of_runs(batch, order, head)


def _best_of_runs(batch: Batch, order: Ints, head: Bools) -> NDArray[np.int64]:
    run_of = np.empty(len(order), np.int64)
    run_of[order] = np.cumsum(head) - 1
    start = batch.stored(Level.SPAN, "start")
    end = ends(start, batch.stored(Level.SPAN, "duration"))
    attributes = np.diff(batch.attributes(Level.SPAN).offsets)
    content = _content_rank(batch, run_of, start, end, attributes)
    ranked = np.lexsort((content, attributes, ~start, end, run_of))
    last = np.append(np.flatnonzero(np.diff(run_of[ranked])), len(ranked) - 1)
    best, arrival = ranked[last], order[head]
    out: NDArray[np.int64] = best[np.argsort(arrival, kind="stable")]
    return out


def _content_rank(batch: Batch, run: Ints, start: Array, end: Array, attributes: Array) -> NDArray[np.int64]:
    """A number for the content of every span, to tell copies apart where no other rule does; zero for spans that need none.

    Almost every copy equals the span that it repeats, which whole columns show; only those that do not are looked at one by one.
    """
    rank = np.zeros(len(run), np.int64)
    tied = _rows_in_company(run, start, end, attributes)
    if not len(tied):
        return rank
    first, second = span_fingerprints(Selection(batch, tied))
    order = np.lexsort((second, first, attributes[tied], end[tied], start[tied], run[tied]))
    group = [run[tied][order], start[tied][order], end[tied][order], attributes[tied][order]]
    differs = run_heads(*group, first[order], second[order]) & ~run_heads(*group)
    if not differs.any():
        return rank
    rows = tied[np.isin(run[tied], group[0][differs])]
    contents = _contents(Selection(batch, rows))
    places = {content: place for place, content in enumerate(sorted(set(contents)))}
    rank[rows] = [places[content] for content in contents]
    return rank


def _rows_in_company(*keys: Array) -> NDArray[np.int64]:
    """The rows that agree with another row in every key, ascending."""
    order = np.lexsort(keys[::-1])
    again = ~run_heads(*[key[order] for key in keys])
    out = np.zeros(len(order), np.bool_)
    out[order[again]] = True
    out[order[np.flatnonzero(again) - 1]] = True
    return np.flatnonzero(out)


def _contents(batch: Batch) -> list[str]:
    """All that is stored of every span, as text."""
    below = [_listed(batch, level) for level in (Level.EVENT, Level.LINK)]
    bounds = [batch.offsets(level).tolist() for level in (Level.EVENT, Level.LINK)]
    spans, scopes, resources = (_listed(batch, level) for level in (Level.SPAN, Level.SCOPE, Level.RESOURCE))
    scope = batch.scope_of_span()
    above = zip(scope.tolist(), batch.resource_of_scope()[scope].tolist(), strict=True)
    return [
        repr(
            (
                spans[row],
                [rows[at[row] : at[row + 1]] for rows, at in zip(below, bounds, strict=True)],
                scopes[scope_row],
                resources[resource_row],
            )
        )
        for row, (scope_row, resource_row) in enumerate(above)
    ]


def _listed(batch: Batch, level: Level) -> list[tuple[Any, ...]]:
    """Every row of a level: its stored columns, then its attributes, in order where order counts (as in model/fingerprint.py)."""
    columns = [batch.stored(level, name) for name in COLUMNS[level]]
    keys, kinds, values = batch.attributes(level).listed()
    at = batch.attributes(level).offsets.tolist()
    attributes = [list(zip(keys[a:b], kinds[a:b], values[a:b], strict=True)) for a, b in pairwise(at)]
    if level not in ORDERED:
        attributes = [sorted(row, key=repr) for row in attributes]
    return list(zip(*[column.tolist() for column in columns], attributes, strict=True))


def share_parents(batch: MemoryBatch) -> MemoryBatch:
    """The batch with one row for all equal resources, one for all equal scopes under one resource, and none that has no span."""
    resources, scopes = batch.tables[Level.RESOURCE], batch.tables[Level.SCOPE]
    resource_group, first_resource = group_equal(resources, [batch.stored(Level.RESOURCE, "dropped_attributes")])
    named = [coded(batch.stored(Level.SCOPE, name))[0] for name in ("name", "version")]
    group, first_scope = group_equal(scopes, [resource_group[batch.resource], *named, batch.stored(Level.SCOPE, "dropped_attributes")])
    scope, first_scope = _only_used(group[batch.scope], first_scope)
    resource, first_resource = _only_used(resource_group[batch.resource[first_scope]], first_resource)
    columns = {key: column for key, column in batch.columns.items() if key[0] not in (Level.RESOURCE, Level.SCOPE)}
    for level, first in ((Level.RESOURCE, first_resource), (Level.SCOPE, first_scope)):
        columns |= {key: take(column, first) for key, column in batch.columns.items() if key[0] is level}
    tables = {**batch.tables, Level.RESOURCE: compact(resources.take(first_resource)), Level.SCOPE: compact(scopes.take(first_scope))}
    return replace(batch, scope=scope, resource=resource, columns=columns, tables=tables, _derived={})


def _only_used(row: NDArray[np.int32], first: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Rows that point into `first`, and `first` without those that no row points to."""
    used = np.zeros(len(first), np.bool_)
    used[row] = True
    return (np.cumsum(used, dtype=np.int32) - 1)[row], first[used]
