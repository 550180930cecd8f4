"""Single leaves of a file as columns of the model: numbers without copying, ids from their bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pytempo.errors import Damaged
from pytempo.model.ids import TraceIds, span_ids_from_bytes
from pytempo.model.levels import Level


def list_of(path: str) -> str:
    """The list that a leaf lies in directly, by its path."""
    return path.rsplit(".list.element", 1)[0]


def as_column(leaf: Any, level: Level, name: str) -> Any:
    """A leaf as the stored column of this name: numbers as an array of the model's type, text and a link's ids as they are."""
    if level is Level.SPAN and pa.types.is_binary(leaf.type):
        return span_ids(leaf)
    if not pa.types.is_integer(leaf.type):
        return leaf
    numbers = np.asarray(leaf)
    if name.startswith("dropped"):
        return numbers.view(np.uint32)  # OTLP counts without a sign, the format with one
    return numbers.astype(np.int32) if name in ("kind", "status_code") else numbers


def as_values(leaf: Any) -> Any:
    """A leaf of typed values as a pool of the model."""
    return leaf if pa.types.is_string(leaf.type) else np.asarray(leaf)


def trace_ids(leaf: Any, path: str) -> TraceIds:
    """The TraceID column. Raises Damaged where one does not have 16 bytes."""
    if pc.min(pc.binary_length(leaf)).as_py() != 16 or pc.max(pc.binary_length(leaf)).as_py() != 16:
        raise Damaged(path, "a trace id does not have 16 bytes")
    return TraceIds.from_bytes(_bytes(leaf))


def span_ids(leaf: Any) -> NDArray[np.uint64]:
    """Span ids as numbers, 0 for none; ids of other lengths count by their last 8 bytes."""
    lengths = np.asarray(pc.binary_length(leaf))
    whole = lengths == 8
    if whole.all():
        return span_ids_from_bytes(_bytes(leaf))
    out = np.zeros(len(leaf), np.uint64)
    out[whole] = span_ids_from_bytes(_bytes(leaf.filter(pa.array(whole))))
    for row in np.flatnonzero(~whole & (lengths > 0)).tolist():
        out[row] = int.from_bytes(leaf[row].as_py()[-8:], "big")
    return out


def _bytes(leaf: Any) -> NDArray[np.uint8]:
    """The bytes of a binary column, one value after the other."""
    if not len(leaf):
        return np.empty(0, np.uint8)
    _, offsets, data = leaf.buffers()
    first, last = np.frombuffer(offsets, np.int32)[[leaf.offset, leaf.offset + len(leaf)]]
    return np.frombuffer(data, np.uint8)[first:last]
