"""OTLP export requests to one batch: the only way in for spans, whichever door they came through.

What is wrong with a single span costs that span only: it is left out and counted with its reason. Only bytes that are no protobuf at all
refuse a request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytempo.model.arrays import Bools, Ints, byte_ranges, owners_of
from pytempo.model.batch import MemoryBatch
from pytempo.model.ids import TraceIds, span_ids_from_bytes
from pytempo.model.levels import Level
from pytempo.model.selection import Selection, materialise
from pytempo.otlp import wire
from pytempo.otlp.attributes import read_attributes
from pytempo.otlp.below import read_events, read_links
from pytempo.otlp.decoded import Arrival, Decoded
from pytempo.otlp.joined import joined
from pytempo.otlp.marks import has_mark, refused_spans
from pytempo.otlp.parents import Parents, read_parents
from pytempo.otlp.pieces import in_pieces
from pytempo.otlp.text import as_text

LARGE = 4 * 1024 * 1024
"""Bytes of requests beyond which they are decoded in pieces: their columns take five times as much until they are a batch."""

PIECE = 2 * 1024 * 1024
"""Bytes of a piece."""

REASONS = {
    "invalid_trace_id": "trace ids must be 16 bytes (in JSON: 32 hex digits) and not all zero",
    "invalid_span_id": "span ids must be 8 bytes (in JSON: 16 hex digits) and not all zero",
    "invalid_parent_span_id": "parent span ids must be empty or 8 bytes (in JSON: 16 hex digits)",
    "invalid_attribute": "an attribute, event or link cannot be read, or nests deeper than 100 levels",
    "live_traces_exceeded": "the tenant has as many live traces as it may (max_traces_per_user)",
    "trace_too_large": "the trace has as many bytes as it may (max_bytes_per_trace)",
}
"""Why a span is left out: the label of tempo_discarded_spans_total, and the sentence for the sender."""


def decode(payloads: Sequence[bytes], *, from_log: bool = False) -> Decoded:
    """Read ExportTraceServiceRequest messages.

    Those that come `from_log` may be marked: their refused spans are left out and not counted. Raises BadRequest where one of them is no
    such protobuf message; nothing of any is then returned.
    """
    if sum(map(len, payloads)) > LARGE:
        groups = in_pieces(payloads, PIECE)
        return joined(((numbers, _decode(group, from_log)) for numbers, group in groups), len(payloads))
    return _decode(payloads, from_log)


def _decode(payloads: Sequence[bytes], from_log: bool) -> Decoded:
    requests = wire.read("Request", payloads)
    resource_lists = requests.field("resource_spans")
    scope_lists = resource_lists.values.field("scope_spans")
    span_lists = scope_lists.values.field("spans")
    entry_of_span = owners_of(np.asarray(span_lists.offsets))
    resource_of_entry = owners_of(np.asarray(scope_lists.offsets))
    payload = owners_of(np.asarray(resource_lists.offsets))[resource_of_entry][entry_of_span]
    resources, scopes = (lists.values.field(name).to_pylist() for lists, name in ((resource_lists, "resource"), (scope_lists, "scope")))
    parents, scope_of_entry = read_parents(resources, scopes, resource_of_entry)
    arrival, marks = Arrival(span_lists.values, payload), requests.field("refused")
    has_marks = has_mark(marks)
    unwanted = refused_spans(marks, np.bincount(payload, minlength=len(payloads))) if from_log and has_marks.any() else None
    return _assemble(arrival, parents, scope_of_entry[entry_of_span], has_marks, unwanted)


def _assemble(arrival: Arrival, parents: Parents, scope: NDArray[np.int32], has_marks: Bools, unwanted: Bools | None) -> Decoded:
    spans, payload, payloads = arrival.spans, arrival.payload, len(has_marks)
    trace_ids = TraceIds.from_bytes(_fixed(spans.field("trace_id"), 16))
    span_ids, parent_ids = (span_ids_from_bytes(_fixed(spans.field(name), 8)) for name in ("span_id", "parent_span_id"))
    start = np.asarray(spans.field("start_time_unix_nano"))
    attributes, bad = read_attributes(spans.field("attributes"))
    events, links = read_events(spans.field("events"), start), read_links(spans.field("links"))
    parent_length = _lengths(spans.field("parent_span_id"))
    wrong = {  # ids of another length were read as zeros
        "invalid_trace_id": (trace_ids.high | trace_ids.low) == 0,
        "invalid_span_id": span_ids == 0,
        "invalid_parent_span_id": (parent_length != 0) & (parent_length != 8),
        "invalid_attribute": bad | events.bad | links.bad | parents.bad[scope],
    }
    good, rejected = _judge(wrong, payload, payloads)
    if unwanted is not None:
        good &= ~unwanted
    ids, trace = trace_ids.distinct()
    columns = {(Level.SPAN, "span_id"): span_ids, (Level.SPAN, "parent_span_id"): parent_ids, **_span_columns(spans, start)}
    columns |= {**parents.columns, **events.columns, **links.columns}
    tables = {**parents.tables, Level.SPAN: attributes, Level.EVENT: events.attributes, Level.LINK: links.attributes}
    batch = MemoryBatch(ids, trace, scope, parents.resource_of_scope, events.offsets, links.offsets, columns, tables)
    rows = np.flatnonzero(good)
    if len(rows) < len(good):
        batch = materialise(Selection(batch, rows))
    return Decoded(batch, np.bincount(payload[rows], minlength=payloads), rejected, arrival, rows, has_marks)


def _lengths(column: Any) -> NDArray[np.int32]:
    offsets, _ = byte_ranges(column)
    return offsets[1:] - offsets[:-1]


def _fixed(column: Any, width: int) -> NDArray[np.uint8]:
    """A binary column [n] as uint8 [n, width]; values of another length are zeros."""
    offsets, data = byte_ranges(column)
    right = offsets[1:] - offsets[:-1] == width
    if right.all():
        return data[offsets[0] : offsets[-1]].reshape(-1, width)
    out, rows = np.zeros((len(column), width), np.uint8), np.flatnonzero(right)
    out[rows] = data[offsets[rows][:, None] + np.arange(width)]
    return out


def _judge(wrong: dict[str, Bools], payload: Ints, payloads: int) -> tuple[Bools, dict[str, NDArray[np.int64]]]:
    """Which spans are good, and by reason how many of each request are not; a span with two faults counts for the first."""
    good, rejected = np.ones(len(payload), np.bool_), {}
    for reason, mask in wrong.items():
        newly = mask & good
        if newly.any():
            rejected[reason] = np.bincount(payload[newly], minlength=payloads)
            good &= ~newly
    return good, rejected


def _span_columns(spans: Any, start: NDArray[np.uint64]) -> dict[tuple[Level, str], Any]:
    end, status = np.asarray(spans.field("end_time_unix_nano")), spans.field("status")
    code = np.asarray(status.field("code"))
    columns = {
        "name": as_text(spans.field("name")),
        "kind": np.asarray(spans.field("kind")),
        "start": start,
        "duration": np.where(end > start, end - start, np.uint64(0)),
        "status_code": np.where((code == 1) | (code == 2), code, np.int32(0)),
        "status_message": as_text(status.field("message")),
        "trace_state": as_text(spans.field("trace_state")),
        "dropped_attributes": np.asarray(spans.field("dropped_attributes_count")),
        "dropped_events": np.asarray(spans.field("dropped_events_count")),
        "dropped_links": np.asarray(spans.field("dropped_links_count")),
    }
    return {(Level.SPAN, name): column for name, column in columns.items()}
