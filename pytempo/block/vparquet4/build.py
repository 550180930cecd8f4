"""A batch as the Arrow table of a vParquet4 file: one row a trace, nested lists below, made of whole arrays.

A `take` on a nested array copies all that hangs under it, so every leaf is brought into file order by itself and the nesting is put around
the leaves at the end, as offsets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pytempo.block.dedicated import DedicatedColumn
from pytempo.block.vparquet4.attribute_lists import attribute_lists, split
from pytempo.block.vparquet4.columns import attribute_columns
from pytempo.block.vparquet4.entries import Entries
from pytempo.block.vparquet4.schema import DEDICATED_COLUMNS, EVENT, LINK, RESOURCE, RESOURCE_SPANS, SCHEMA, SCOPE, SCOPE_SPANS, SPAN
from pytempo.block.vparquet4.service_stats import service_stats
from pytempo.model.arrays import Array, Ints, plain_text, take_ragged
from pytempo.model.batch import Batch
from pytempo.model.ids import TraceIds
from pytempo.model.levels import Level


def build_table(batch: Batch, dedicated: Sequence[DedicatedColumn] = ()) -> Any:
    """The table of all traces of a batch, of `SCHEMA`, rows ascending by trace id.

    The batch is in order of arrival, free of copies, with one row for equal resources and scopes (`model.merge` makes it so).
    `dedicated` is the list that the block's meta.json will have.
    """
    entries = Entries.of(batch)
    summary = batch.summary()
    columns = {
        "TraceID": _fixed_width(batch.trace_ids().to_bytes()),
        "TraceIDText": _short_hex(batch.trace_ids()),
        "StartTimeUnixNano": summary.start,
        "EndTimeUnixNano": summary.end,
        "DurationNano": summary.duration,
        "RootServiceName": summary.root_service,
        "RootSpanName": summary.root_name,
        "ServiceStats": service_stats(batch, entries),
        "rs": _resource_spans(batch, entries, dedicated),
    }
    return pa.Table.from_arrays([_as(field.type, columns[field.name]) for field in SCHEMA], schema=SCHEMA)


def _resource_spans(batch: Batch, entries: Entries, dedicated: Sequence[DedicatedColumn]) -> Any:
    spans = _list(_spans(batch, entries.spans, dedicated), entries.scopes, SCOPE_SPANS.field("Spans").type)
    scopes = _struct(SCOPE_SPANS, {"Scope": _scopes(batch, entries.scope_rows), "Spans": spans})
    resources = {
        "Resource": _resources(batch, entries.resource_rows, dedicated),
        "ss": _list(scopes, entries.resources, RESOURCE_SPANS.field("ss").type),
    }
    return _list(_struct(RESOURCE_SPANS, resources), entries.traces, SCHEMA.field("rs").type)


def _resources(batch: Batch, rows: Ints, dedicated: Sequence[DedicatedColumn]) -> Any:
    attributes, own = split(batch.attributes(Level.RESOURCE), rows, attribute_columns(Level.RESOURCE, dedicated))
    columns = {
        "Attrs": attribute_lists(attributes),
        "DroppedAttributesCount": batch.stored(Level.RESOURCE, "dropped_attributes")[rows],
        "DedicatedAttributes": _dedicated(own, len(rows)),
    }
    return _struct(RESOURCE, columns | own)


def _scopes(batch: Batch, rows: Ints) -> Any:
    attributes, _ = split(batch.attributes(Level.SCOPE), rows, ())
    columns = {
        "Name": _take(batch.stored(Level.SCOPE, "name"), rows),
        "Version": _take(batch.stored(Level.SCOPE, "version"), rows),
        "Attrs": attribute_lists(attributes),
        "DroppedAttributesCount": batch.stored(Level.SCOPE, "dropped_attributes")[rows],
    }
    return _struct(SCOPE, columns)


def _spans(batch: Batch, rows: Ints, dedicated: Sequence[DedicatedColumn]) -> Any:
    nesting = batch.nesting()
    attributes, own = split(batch.attributes(Level.SPAN), rows, attribute_columns(Level.SPAN, dedicated))
    columns = {
        "SpanID": _span_ids(batch.stored(Level.SPAN, "span_id")[rows]),
        "ParentSpanID": _span_ids(batch.stored(Level.SPAN, "parent_span_id")[rows], empty=0),
        "ParentID": nesting.nested_parent[rows],
        "NestedSetLeft": nesting.nested_left[rows],
        "NestedSetRight": nesting.nested_right[rows],
        "Attrs": attribute_lists(attributes),
        "Events": _events(batch, rows),
        "Links": _links(batch, rows),
        "DedicatedAttributes": _dedicated(own, len(rows)),
    }
    plain = {name: _take(batch.stored(Level.SPAN, column), rows) for name, column in _PLAIN_SPAN_COLUMNS.items()}
    return _struct(SPAN, columns | plain | own)


_PLAIN_SPAN_COLUMNS = {
    "Name": "name",
    "Kind": "kind",
    "TraceState": "trace_state",
    "StartTimeUnixNano": "start",
    "DurationNano": "duration",
    "StatusCode": "status_code",
    "StatusMessage": "status_message",
    "DroppedAttributesCount": "dropped_attributes",
    "DroppedEventsCount": "dropped_events",
    "DroppedLinksCount": "dropped_links",
}
"""Span columns that are the model's, brought into order."""


def _events(batch: Batch, spans: Ints) -> Any:
    offsets, rows = take_ragged(batch.offsets(Level.EVENT), spans)
    attributes, _ = split(batch.attributes(Level.EVENT), rows, ())
    columns = {
        "TimeSinceStartNano": batch.stored(Level.EVENT, "time_since_start")[rows],
        "Name": _take(batch.stored(Level.EVENT, "name"), rows),
        "Attrs": attribute_lists(attributes),
        "DroppedAttributesCount": batch.stored(Level.EVENT, "dropped_attributes")[rows],
    }
    return _list(_struct(EVENT, columns), offsets, SPAN.field("Events").type)


def _links(batch: Batch, spans: Ints) -> Any:
    offsets, rows = take_ragged(batch.offsets(Level.LINK), spans)
    attributes, _ = split(batch.attributes(Level.LINK), rows, ())
    columns = {
        "TraceID": _take(batch.stored(Level.LINK, "trace_id"), rows),
        "SpanID": _take(batch.stored(Level.LINK, "span_id"), rows),
        "TraceState": _take(batch.stored(Level.LINK, "trace_state"), rows),
        "Attrs": attribute_lists(attributes),
        "DroppedAttributesCount": batch.stored(Level.LINK, "dropped_attributes")[rows],
    }
    return _list(_struct(LINK, columns), offsets, SPAN.field("Links").type)


def _dedicated(own: dict[str, Any], count: int) -> Any:
    """The group of the dedicated columns, taken out of `own`."""
    columns = {name: own.pop(name, None) for name in DEDICATED_COLUMNS}
    unused = pa.nulls(count, pa.string())
    return _struct(SPAN.field("DedicatedAttributes").type, {name: unused if column is None else column for name, column in columns.items()})


def _take(column: Any, rows: Ints) -> Any:
    """The rows of a stored column, text decoded."""
    return column[rows] if isinstance(column, np.ndarray) else plain_text(column.take(pa.array(rows)))


def _struct(type: Any, columns: Mapping[str, Any]) -> Any:
    """The struct of these columns, by field name."""
    return pa.StructArray.from_arrays([_as(field.type, columns[field.name]) for field in type], fields=list(type))


def _list(values: Any, offsets: NDArray[np.int32], type: Any) -> Any:
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=type)


def _as(type: Any, column: Any) -> Any:
    """A column as an Arrow array of the type; counts of OTLP are unsigned, vParquet4 keeps their 32 bits as signed ones."""
    if isinstance(column, np.ndarray):
        return pa.array(column.astype(type.to_pandas_dtype(), copy=False))
    return column


def _span_ids(ids: Array, empty: int | None = None) -> Any:
    """Span ids (uint64) as binary of 8 bytes; the id `empty` is no bytes at all."""
    if empty is None:
        return _fixed_width(ids.astype(">u8").view(np.uint8).reshape(-1, 8))
    there = ids != empty
    offsets = np.zeros(len(ids) + 1, np.int32)
    np.cumsum(there, out=offsets[1:])
    return _binary(offsets * np.int32(8), ids[there].astype(">u8"))


def _fixed_width(values: NDArray[np.uint8]) -> Any:
    """Values uint8 [n, width] as binary."""
    count, width = values.shape
    return _binary(np.arange(count + 1, dtype=np.int32) * np.int32(width), values)


def _binary(offsets: NDArray[np.int32], data: Array) -> Any:
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(data))])


_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint16)
"""The two hex digits of every byte, as they lie in memory."""


def _short_hex(ids: TraceIds) -> Any:
    """Trace ids as lower-case hex without leading zeros."""
    digits = _HEX[ids.to_bytes()].view(np.uint8).reshape(-1, 32)
    kept = np.logical_or.accumulate(digits != ord("0"), axis=1)
    offsets = np.zeros(len(digits) + 1, np.int32)
    np.cumsum(kept.sum(axis=1), out=offsets[1:])
    return pa.StringArray.from_buffers(len(digits), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(digits[kept])))
