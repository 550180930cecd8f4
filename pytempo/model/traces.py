"""What follows for a trace from its spans: its bounds in time, its root, and the order in which a block stores its spans."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pytempo.model.arrays import NO_TEXT, Array, Bools, Ints, plain_text, run_heads, take
from pytempo.model.attributes import Kind
from pytempo.model.levels import Level

if TYPE_CHECKING:
    from pytempo.model.batch import Batch


@dataclass(frozen=True)
class Summary:
    """One row a trace: bounds (uint64 nanoseconds) and root. Without a root the names are empty and `has_root` is false."""

    start: NDArray[np.uint64]
    end: NDArray[np.uint64]
    duration: NDArray[np.uint64]
    root_name: Any
    root_service: Any
    has_root: Bools

    def between(self, first: int, last: int) -> Summary:
        """Of the traces from `first` to before `last`."""
        return Summary(*(getattr(self, each.name)[first:last] for each in fields(self)))

    def take(self, rows: Ints) -> Summary:
        """Of some traces."""
        return Summary(*(take(getattr(self, each.name), rows) for each in fields(self)))


def ends(start: Array, duration: Array) -> NDArray[np.uint64]:
    """When spans end; a sum beyond 64 bits stays at the largest time."""
    end: NDArray[np.uint64] = start + duration
    return np.where(end < start, np.uint64(2**64 - 1), end)


def summarise(batch: Batch) -> Summary:
    """Bounds and root of every trace of a batch."""
    trace, count = batch.trace_of_span(), batch.count(Level.TRACE)
    start, duration = batch.stored(Level.SPAN, "start"), batch.stored(Level.SPAN, "duration")
    first, last = np.full(count, 2**64 - 1, np.uint64), np.zeros(count, np.uint64)
    np.minimum.at(first, trace, start)
    np.maximum.at(last, trace, ends(start, duration))
    root = roots(batch, start)
    has_root = root >= 0
    at = pa.array(np.maximum(root, 0), mask=~has_root)
    name = pc.fill_null(plain_text(batch.stored(Level.SPAN, "name")).take(at), NO_TEXT)
    resource = batch.resource_of_scope()[batch.scope_of_span()]
    service_at = pa.array(resource[np.maximum(root, 0)] if len(resource) else np.zeros(count, np.int32), mask=~has_root)
    service = pc.fill_null(plain_text(batch.stored(Level.RESOURCE, "service_name")).take(service_at), NO_TEXT)
    return Summary(first, last, last - first, name, service, has_root)


def roots(batch: Batch, start: Array) -> NDArray[np.int64]:
    """The root's row of every trace, or -1: the span without a parent id that starts first, ties by span id, then kind.

    A span that links into its own trace with `opentracing.ref_type = child_of` is taken only if no other can be.
    """
    trace, identifier = batch.trace_of_span(), batch.stored(Level.SPAN, "span_id")
    candidates = np.flatnonzero(batch.stored(Level.SPAN, "parent_span_id") == 0)
    last = child_of_links(batch)[candidates]
    kind = batch.stored(Level.SPAN, "kind")[candidates]
    order = candidates[np.lexsort((kind, identifier[candidates], start[candidates], last, trace[candidates]))]
    root = np.full(batch.count(Level.TRACE), -1, np.int64)
    root[trace[order[::-1]]] = order[::-1]
    return root


def child_of_links(batch: Batch) -> Bools:
    """The spans that name a parent of their own trace by an OpenTracing link."""
    out = np.zeros(batch.count(Level.SPAN), np.bool_)
    if not batch.count(Level.LINK):
        return out
    link_rows = [
        part.places[np.asarray(pc.equal(plain_text(part.values), "child_of"))]
        for part in batch.values(Level.LINK, "opentracing.ref_type").parts
        if part.kind is Kind.STRING
    ]
    if not link_rows or not len(link_rows[0]):
        return out
    links = link_rows[0]
    span = batch.rows(Level.LINK, Level.SPAN)[links]
    own = pa.array([bytes(row) for row in batch.trace_ids().take(batch.trace_of_span()[span]).to_bytes()], pa.binary())
    linked = batch.stored(Level.LINK, "trace_id").take(pa.array(links))
    out[span[np.asarray(pc.equal(linked, own))]] = True
    return out


def file_order(trace: Ints, resource: Ints, scope: Ints) -> NDArray[np.int64]:
    """Spans (in order of arrival) by trace, then by the first arrival in the trace of their resource and scope, then by their own."""
    return np.lexsort((first_arrival(trace, scope), first_arrival(trace, resource), trace))


def first_arrival(trace: Ints, group: Ints) -> NDArray[np.int64]:
    """For every span the row of the first span that has its trace and its group; groups are numbers from 0 on."""
    if not len(trace):
        return np.empty(0, np.int64)
    pair = trace.astype(np.int64) * (int(group.max()) + 1) + group
    order = np.argsort(pair, kind="stable")
    head = run_heads(pair[order])
    out = np.empty(len(order), np.int64)
    out[order] = order[head][np.cumsum(head) - 1]
    return out
