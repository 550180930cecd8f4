"""Any batch as plain Python values, span by span, so that two batches can be compared whatever they are made of and however
they are ordered."""

from __future__ import annotations

import itertools
import struct
from typing import Any

import numpy as np

from pytempo.model import Attributes, Batch, Kind, Level
from pytempo.model.levels import COLUMNS, DERIVED

SpanKey = tuple[str, int, int]
"""Trace id in hex, span id, kind."""


def as_dicts(batch: Batch) -> dict[SpanKey, dict[str, Any]]:
    """Everything that a batch says of each span: its own columns, attributes, events and links, and of its scope, resource and trace."""
    return dict(zip(span_keys(batch), _spans(batch), strict=True))


def span_keys(batch: Batch) -> list[SpanKey]:
    ids, trace = batch.trace_ids(), batch.trace_of_span()
    spans, kinds = batch.stored(Level.SPAN, "span_id"), batch.stored(Level.SPAN, "kind")
    keys = [(ids.hex(trace[row]), int(spans[row]), int(kinds[row])) for row in range(len(trace))]
    assert len(set(keys)) == len(keys), "a span is there twice"
    return keys


def _spans(batch: Batch) -> list[dict[str, Any]]:
    traces = _traces(batch)
    resources, scopes, spans, events, links = (
        _rows(batch, level) for level in (Level.RESOURCE, Level.SCOPE, Level.SPAN, Level.EVENT, Level.LINK)
    )
    scope, trace = batch.scope_of_span(), batch.trace_of_span()
    resource = batch.resource_of_scope()[scope]
    below = {"events": (batch.offsets(Level.EVENT), events), "links": (batch.offsets(Level.LINK), links)}
    derived = {name: plain(batch.column(Level.SPAN, name)) for name in DERIVED}
    return [
        span
        | {name: values[row] for name, values in derived.items()}
        | {name: rows[offsets[row] : offsets[row + 1]] for name, (offsets, rows) in below.items()}
        | {"trace": traces[trace[row]], "scope": scopes[scope[row]], "resource": resources[resource[row]]}
        for row, span in enumerate(spans)
    ]


def _traces(batch: Batch) -> list[dict[str, Any]]:
    columns = {name: plain(batch.column(Level.TRACE, name)) for name in COLUMNS[Level.TRACE]}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _rows(batch: Batch, level: Level) -> list[dict[str, Any]]:
    """Every row of a level with its stored columns and its attributes."""
    columns = {name: plain(batch.stored(level, name)) for name in COLUMNS[level]} | {"attributes": attributes(batch.attributes(level))}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def attributes(table: Attributes) -> list[dict[str, Any]]:
    """For every row of the table its attributes: a scalar as (kind, value), an array as (kind, [values]), none as (NIL, None)."""
    names = table.key_names.to_pylist()
    items = [(names[key], value(table, position)) for position, key in enumerate(table.keys.tolist())]
    offsets = table.offsets.tolist()
    return [dict(items[first:last]) for first, last in itertools.pairwise(offsets)]


def value(table: Attributes, position: int) -> tuple[str, Any]:
    kind = Kind(table.kinds[position])
    if kind in (Kind.NIL, Kind.EMPTY):
        return kind.name, None if kind is Kind.NIL else []
    first = int(table.first[position])
    found = plain(table.pool(kind)[first : first + int(table.counts[position])])
    return kind.name, found if table.is_array[position] else found[0]


def plain(column: Any) -> list[Any]:
    """A column as Python values; a float as its bits, so that NaN equals itself and -0.0 is not 0.0."""
    if not isinstance(column, np.ndarray):
        return list(column.to_pylist())
    return [struct.pack("<d", number) for number in column] if column.dtype.kind == "f" else list(column.tolist())
