"""Array types and the few whole-array moves that all of pytempo is built from: ragged takes, run heads, owners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.integer[Any]]
"""Row numbers, offsets and codes; any integer width."""
Bools: TypeAlias = NDArray[np.bool_]
"""A mask, one value a row."""
Array: TypeAlias = NDArray[Any]
"""A numeric column."""
Text: TypeAlias = Any
"""A text column: `pa.StringArray`, or a `pa.DictionaryArray` of int32 codes over strings; never null unless said so."""

NO_TEXT = pa.scalar("")
"""To compare with: pyarrow makes a scalar of a Python text in 0.15 ms, most of which goes to looking for pandas."""


def offsets_of(lengths: Ints) -> NDArray[np.int32]:
    """Lengths [n] as offsets [n + 1] that begin at 0."""
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def owners_of(offsets: Ints) -> NDArray[np.int32]:
    """For every element of a ragged column the row that owns it: [offsets[-1] - offsets[0]], ascending."""
    count = int(offsets[-1] - offsets[0])
    begun = np.zeros(count + 1, np.int32)
    np.add.at(begun, offsets[1:-1] - offsets[0], np.int32(1))  # np.repeat takes eight times as long where lengths of a few differ
    return np.cumsum(begun[:count], dtype=np.int32)


def ranges(first: Ints, counts: Ints) -> NDArray[np.int64]:
    """The positions first[i], first[i] + 1, ... (counts[i] of them) of every row, one row after the other."""
    counts = np.asarray(counts, np.int64)
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    out: NDArray[np.int64] = np.arange(total, dtype=np.int64)
    out += np.repeat(np.asarray(first, np.int64) - (ends - counts), counts)
    return out


def take_ragged(offsets: Ints, rows: Ints) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The offsets of the chosen rows, and the positions of their elements in the old order of elements."""
    first = offsets[:-1][rows]
    counts = offsets[1:][rows] - first
    return offsets_of(counts), ranges(first, counts)


def take_owned(owners: Ints, rows: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of elements with ascending owners those of the chosen rows: their positions, and for each the place of its row among those chosen."""
    first = np.searchsorted(owners, rows, side="left")
    counts = np.searchsorted(owners, rows, side="right") - first
    return ranges(first, counts), np.repeat(np.arange(len(rows)), counts)


def run_heads(*keys: Array) -> Bools:
    """Where a new run of equal keys begins, for keys [n] that are sorted together; the first row always begins one."""
    head = np.ones(len(keys[0]), np.bool_)
    if len(head) > 1:
        head[1:] = False
        for key in keys:
            head[1:] |= key[1:] != key[:-1]
    return head


def kept_once(column: Array) -> Array:
    """The same column; where all of its values are the same one, that is in memory once. Not for floats, of which equal ones may differ."""
    if len(column) > 1 and column.dtype.kind in "iub" and bool((column == column[0]).all()):
        return np.broadcast_to(column[:1].copy(), column.shape)
    return column


def concat_numbers(columns: Sequence[Array]) -> Array:
    """Columns of one type, one after the other; what `kept_once` has kept so stays so where all agree."""
    filled = [column for column in columns if len(column)]
    if filled and all(column.strides == (0,) for column in filled) and len({column[0].tobytes() for column in filled}) == 1:
        return np.broadcast_to(filled[0][:1], (sum(map(len, filled)),))
    return np.concatenate(columns)


def byte_ranges(column: Any) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """The bytes behind a binary or text column [n] (not a dictionary), and the offsets [n + 1] of its values in them; nothing is copied."""
    _, offsets, data = column.buffers()
    if not len(column):
        return np.zeros(1, np.int32), np.empty(0, np.uint8)
    begin = column.offset
    return np.frombuffer(offsets, np.int32)[begin : begin + len(column) + 1], np.frombuffer(data or b"", np.uint8)


def any_by_row(rows: Ints, hits: Bools, count: int) -> Bools:
    """A mask [count] that is true for every row which owns at least one hit."""
    mask = np.zeros(count, np.bool_)
    mask[rows[hits]] = True
    return mask


def text(values: list[str]) -> Text:
    """A text column of these values."""
    return pa.array(values, pa.string())


def empty_text(count: int) -> Text:
    """A text column of `count` empty strings."""
    return pa.StringArray.from_buffers(count, pa.py_buffer(np.zeros(count + 1, np.int32)), pa.py_buffer(b""))


def take_text(column: Text, rows: Ints) -> Text:
    """The rows of a text column; negative row numbers are not allowed."""
    return column.take(pa.array(rows))


def take(column: Any, rows: Ints) -> Any:
    """The rows of a column of either sort, numeric or text."""
    return column[rows] if isinstance(column, np.ndarray) else take_text(column, rows)


def take_ascending(column: Array, rows: Ints) -> Array:
    """Distinct ascending rows of a column: the column itself where they are all of them."""
    return column if len(rows) == len(column) else column[rows]


def plain_text(column: Text) -> Text:
    """A text column as `pa.StringArray`, decoded where it is a dictionary."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def concat_text(columns: list[Text]) -> Text:
    """Text columns one after the other, as one `pa.StringArray`."""
    if len(columns) == 1:
        return columns[0]
    return pa.concat_arrays([plain_text(column) for column in columns])


def joined(columns: list[Any]) -> Any:
    """Arrow columns of one type, one after the other; dictionaries become one, of their distinct texts together."""
    if len(columns) > 1 and pa.types.is_dictionary(columns[0].type):
        columns = pa.chunked_array(columns).unify_dictionaries().chunks
    return pa.concat_arrays(columns)


def joined_text(columns: list[Text]) -> Text:
    """As `concat_text`; where all are dictionaries, so is what they become."""
    return joined(columns) if all(pa.types.is_dictionary(column.type) for column in columns) else concat_text(columns)


def dense_codes(codes: Ints, limit: int) -> tuple[Ints, Ints]:
    """The codes that occur, ascending, and for every row its place among them; all codes are at least 0 and below `limit`."""
    if limit > 4 * len(codes) + 1024:
        used, dense = np.unique(codes, return_inverse=True)
        return used, dense
    there = np.zeros(limit, np.bool_)
    there[codes] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[codes]


def coded(column: Text) -> tuple[Ints, Text]:
    """A text column as codes [n] and the distinct values that they stand for."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    return np.asarray(column.indices), column.dictionary
