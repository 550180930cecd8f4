"""About how many bytes spans take as OTLP, from their columns alone: what limits on sizes are held against."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pytempo.model.arrays import Array, Ints, Text, coded
from pytempo.model.attributes import Attributes, Kind
from pytempo.model.batch import Batch
from pytempo.model.levels import Level

SPAN_BYTES = 64
"""Ids, times, kind, status and framing of a span."""
EVENT_BYTES, LINK_BYTES = 14, 34
ATTRIBUTE_BYTES = 8
"""Framing of a key and its value."""
VALUE_BYTES = {Kind.INT: 4, Kind.DOUBLE: 9, Kind.BOOL: 2}


def span_sizes(batch: Batch) -> NDArray[np.int64]:
    """The bytes of every span [n] with its events and links, without the resource and scope that it shares with others."""
    sizes = SPAN_BYTES + _table_bytes(batch.attributes(Level.SPAN))
    for column in ("name", "status_message", "trace_state"):
        sizes += _text_bytes(batch.column(Level.SPAN, column))
    names = {Level.EVENT: "name", Level.LINK: "trace_state"}
    for level, fixed in ((Level.EVENT, EVENT_BYTES), (Level.LINK, LINK_BYTES)):
        below = fixed + _table_bytes(batch.attributes(level)) + _text_bytes(batch.column(level, names[level]))
        sizes += _sums(below, batch.offsets(level))
    return sizes


def _table_bytes(table: Attributes) -> NDArray[np.int64]:
    """The bytes of the attributes of every row of a level."""
    sizes = np.full(len(table), ATTRIBUTE_BYTES, np.int64)
    if len(table):
        sizes += _text_bytes(table.key_names)[table.keys]
    for kind, width in VALUE_BYTES.items():
        mine = table.kinds == kind
        sizes[mine] += width * table.counts[mine]
    for kind, pool in ((Kind.STRING, table.strings), (Kind.OTHER, table.others)):
        mine = table.kinds == kind
        if mine.any():
            before = np.append(0, np.cumsum(_text_bytes(pool)))
            sizes[mine] += before[table.first[mine] + table.counts[mine]] - before[table.first[mine]]
    return _sums(sizes, table.offsets)


def _text_bytes(column: Text) -> NDArray[np.int64]:
    codes, words = coded(column) if pa.types.is_dictionary(column.type) else (None, column)
    lengths: NDArray[np.int64] = np.asarray(pc.binary_length(words).fill_null(0), np.int64)
    return lengths if codes is None else lengths[codes]


def _sums(values: Array, offsets: Ints) -> NDArray[np.int64]:
    """The sum of the values of every row of a ragged column."""
    before = np.append(0, np.cumsum(values))
    out: NDArray[np.int64] = before[offsets[1:]] - before[offsets[:-1]]
    return out
