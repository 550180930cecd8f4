"""How the spans of a trace hang together: parents by span id, nested-set numbers, child counts.

Everything works on whole arrays: parents by one sorted join, depth by one step a level of the deepest tree. A cycle, or a chain whose
top never arrived, is simply not reached from a root, so it costs nothing and keeps zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytempo.model.arrays import Array, Bools, Ints, run_heads

SERVER, CLIENT = 2, 3
"""Span kinds of OTLP that may share one span id (Zipkin's client and server halves of a call)."""


def parents(trace: Ints, span_id: Array, parent_id: Array, kind: Array) -> NDArray[np.int64]:
    """The row of every span's parent within its trace, or -1 where none is there.

    Where a client and a server span share the parent's id, a server span hangs under the client half and every other span under the server
    half (reference: Tempo's block format, nested sets). Where spans share it and that half is missing, the one of the lowest kind is taken.
    A span is never its own parent.
    """
    parent = join(trace, span_id, trace, parent_id)
    parent[parent_id == 0] = -1
    shared = _shared_ids(trace, span_id)
    if shared.any():
        under = np.flatnonzero((parent >= 0) & shared[np.maximum(parent, 0)])
        parent[under] = _among_several(under, trace, span_id, parent_id, kind)
    parent[parent == np.arange(len(parent))] = -1
    return parent


def numbered_parents(trace: Ints, left: Ints, parent_left: Ints, ids: Callable[[NDArray[np.int64]], Iterable[Array]]) -> NDArray[np.int64]:
    """What `parents` finds, by the numbers that `number` gave the spans of whole traces and their parents.

    Spans without a number are few: `ids` gives span id, parent id and kind of rows. Their parents are other such spans, or none.
    """
    room = 2 * np.bincount(trace) if len(trace) else np.zeros(0, np.int64)
    known = (left > 0) & (left < room[trace]) & (parent_left < room[trace])
    first = (np.cumsum(room) - room)[trace]
    row = np.full(int(room.sum()), -1)
    row[(first + left)[known]] = np.flatnonzero(known)
    parent = np.where(known & (parent_left > 0), row[first + np.where(known, np.maximum(parent_left, 0), 0)], -1)
    others = np.flatnonzero(~known)
    if len(others):
        found = parents(trace[others], *ids(others))
        parent[others] = np.where(found >= 0, others[found], -1)
    return parent


def _among_several(under: Ints, trace: Ints, span_id: Array, parent_id: Array, kind: Array) -> NDArray[np.int64]:
    """The parents of the rows `under`, whose parent id belongs to several spans."""
    by_kind = np.argsort(kind, kind="stable")
    chosen = by_kind[join(trace[by_kind], span_id[by_kind], trace[under], parent_id[under])]
    for half, wanted in ((CLIENT, kind[under] == SERVER), (SERVER, kind[under] != SERVER)):
        halves = np.flatnonzero(kind == half)
        found = join(trace[halves], span_id[halves], trace[under], parent_id[under])
        hit = wanted & (found >= 0)
        chosen[hit] = halves[found[hit]]
    return chosen


def join(trace: Ints, identifier: Array, wanted_trace: Ints, wanted: Array) -> NDArray[np.int64]:
    """For every wanted (trace, id) pair the row of the first pair equal to it, or -1."""
    if not len(trace):
        return np.full(len(wanted), -1, np.int64)
    known, asked = mixed(trace, identifier), mixed(wanted_trace, wanted)
    order = np.argsort(known, kind="stable")
    alike = np.flatnonzero(known[order][1:] == known[order][:-1])
    one, other = order[alike], order[alike + 1]
    if ((trace[one] != trace[other]) | (identifier[one] != identifier[other])).any():
        return _join_by_sorting(trace, identifier, wanted_trace, wanted)
    row = order[np.minimum(np.searchsorted(known[order], asked), len(order) - 1)]
    return np.where((trace[row] == wanted_trace) & (identifier[row] == wanted), row, -1)


def mixed(trace: Ints, identifier: Array) -> NDArray[np.uint64]:
    """A pair as one number, equal for equal pairs and almost always different for others."""
    out: NDArray[np.uint64] = identifier ^ (trace.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    return out


def all_differ(trace: Ints, identifier: Array) -> bool:
    """Whether it is certain that no two rows have the same trace and id; almost always so where that is the case."""
    numbers = np.sort(mixed(trace, identifier))
    return not (numbers[1:] == numbers[:-1]).any()


def _join_by_sorting(trace: Ints, identifier: Array, wanted_trace: Ints, wanted: Array) -> NDArray[np.int64]:
    """`join` where two different pairs mix to one number: twice the time, whatever the ids are."""
    order = np.lexsort((identifier, trace))
    everything = np.concatenate([wanted, identifier])
    together = np.lexsort((everything, np.concatenate([wanted_trace, trace])))
    is_span = together >= len(wanted)
    before = np.empty(len(everything), np.int64)
    before[together] = np.cumsum(is_span) - is_span
    row = order[np.minimum(before[: len(wanted)], len(order) - 1)]
    return np.where((trace[row] == wanted_trace) & (identifier[row] == wanted), row, -1)


def _shared_ids(trace: Ints, span_id: Array) -> Bools:
    """The spans whose id another span of their trace has too."""
    out = np.zeros(len(trace), np.bool_)
    if all_differ(trace, span_id):
        return out
    order = np.lexsort((span_id, trace))
    same = (trace[order][1:] == trace[order][:-1]) & (span_id[order][1:] == span_id[order][:-1])
    out[order[1:][same]] = True
    out[order[:-1][same]] = True
    return out


@dataclass(frozen=True)
class Nesting:
    """Nested-set numbers of every span [n]; roots have parent -1, spans that no root reaches have zeros everywhere."""

    nested_left: NDArray[np.int32]
    nested_right: NDArray[np.int32]
    nested_parent: NDArray[np.int32]
    child_count: NDArray[np.int32]


def number(parent: Ints, trace: Ints, is_root: Bools, file_order: Ints) -> Nesting:
    """Number the spans depth first: roots and children in file order, one counter a trace (reference: Tempo's block format, nested sets).

    `parent` are rows or -1, `is_root` marks spans with no parent id.
    """
    count = len(parent)
    rank = np.empty(count, np.int64)
    rank[file_order] = np.arange(count)
    levels = list(_levels(parent, is_root, rank))
    size = np.ones(count, np.int64)
    for level in reversed(levels[1:]):
        np.add.at(size, parent[level], size[level])
    left = np.zeros(count, np.int64)
    reached = np.zeros(count, np.bool_)
    for depth, level in enumerate(levels):
        group = trace[level] if depth == 0 else parent[level]
        base = np.ones(len(level), np.int64) if depth == 0 else left[parent[level]] + 1
        left[level] = base + _before_in_group(group, 2 * size[level])
        reached[level] = True
    right = np.where(reached, left + 2 * size - 1, 0)
    above = np.where(parent >= 0, left[np.maximum(parent, 0)], 0) if count else left
    nested_parent = np.where(is_root, -1, np.where(reached, above, 0))
    children = np.bincount(parent[parent >= 0], minlength=count)
    return Nesting(left.astype(np.int32), right.astype(np.int32), nested_parent.astype(np.int32), children.astype(np.int32))


def _levels(parent: Ints, is_root: Bools, rank: Ints) -> list[NDArray[np.int64]]:
    """Roots, then the spans under them, depth by depth; within a depth grouped by parent, in file order."""
    children = np.flatnonzero((parent >= 0) & ~is_root)
    children = children[np.lexsort((rank[children], parent[children]))]
    first = np.searchsorted(parent[children], np.arange(len(parent)))
    counts = np.bincount(parent[children], minlength=len(parent))
    roots = np.flatnonzero(is_root)
    level = roots[np.argsort(rank[roots])]
    out = [level]
    while True:
        width = counts[level]
        ends = np.cumsum(width)
        total = int(ends[-1]) if len(ends) else 0
        if not total:
            return out
        level = children[np.arange(total) + np.repeat(first[level] - (ends - width), width)]
        out.append(level)


def _before_in_group(group: Ints, width: Ints) -> NDArray[np.int64]:
    """For runs of equal `group`, the summed width of what stands before each element in its run."""
    total = np.cumsum(width) - width
    if not len(group):
        return total
    heads = np.flatnonzero(run_heads(group))
    return total - np.repeat(total[heads], np.diff(np.append(heads, len(group))))
