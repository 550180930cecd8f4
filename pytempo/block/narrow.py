"""Columns as they are kept: whole numbers and codes in as few bytes as their range needs, and wide again for who asks.

Half as much again fits into the room for columns; to widen a hundred thousand numbers takes a twentieth of a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from pytempo.model.arrays import Array, Ints, take, take_owned
from pytempo.model.attributes import Part, Values

_WIDTHS = (np.uint8, np.uint16, np.uint32)


@dataclass(frozen=True, slots=True)
class NarrowNumbers:
    """Whole numbers as what they are above the least of them."""

    above: Array
    least: Any
    """Of the type that the numbers have."""

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.above.nbytes

    def part(self, first: int, last: int) -> Array:
        """The numbers from one row to before another."""
        return self._widened(self.above[first:last])

    def at(self, rows: Ints) -> Array:
        """The numbers of some rows."""
        return self._widened(self.above[rows])

    def _widened(self, above: Array) -> Array:
        numbers: Array = above.astype(self.least.dtype)
        if self.least:
            numbers += self.least
        return numbers


@dataclass(frozen=True, slots=True)
class NarrowText:
    """A dictionary column."""

    codes: NarrowNumbers
    dictionary: Any

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return int(self.codes.nbytes + self.dictionary.nbytes)

    def part(self, first: int, last: int) -> Any:
        """The texts from one row to before another."""
        return pa.DictionaryArray.from_arrays(pa.array(self.codes.part(first, last)), self.dictionary)

    def at(self, rows: Ints) -> Any:
        """The texts of some rows."""
        return pa.DictionaryArray.from_arrays(pa.array(self.codes.at(rows)), self.dictionary)


@dataclass(frozen=True, slots=True)
class NarrowValues:
    """The values of an attribute, those of its parts and where they belong made narrow."""

    values: Values
    columns: tuple[tuple[Any, Any], ...]
    """Of each part the values and the rows, kept."""

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        kept = [column for pair in self.columns for column in pair if column is not None]
        rest = [self.values.present, *([] if self.values.is_array is None else [self.values.is_array])]
        return sum(column.nbytes for column in (*kept, *rest))


def narrow(column: Any) -> Any:
    """A column in the form in which it is kept; the column itself where nothing is won."""
    if isinstance(column, np.ndarray):
        return _narrow_numbers(column) if column.dtype.kind in "iu" and len(column) else column
    if isinstance(column, pa.DictionaryArray) and not column.indices.null_count:
        codes = narrow(np.asarray(column.indices))
        return NarrowText(codes, column.dictionary) if isinstance(codes, NarrowNumbers) else column
    if isinstance(column, Values):
        columns = tuple((narrow(part.values), None if part.rows is None else narrow(part.rows)) for part in column.parts)
        bare = replace(column, parts=tuple(replace(part, values=None, rows=None) for part in column.parts))
        return NarrowValues(bare, columns)
    return column


def _narrow_numbers(column: Array) -> Any:
    least, most = column.min(), column.max()
    for width in _WIDTHS:
        if np.dtype(width).itemsize < column.itemsize and int(most) - int(least) <= np.iinfo(width).max:
            return NarrowNumbers((column - least).astype(width), least)
    return column


def widen(kept: Any) -> Any:
    """The column that was made narrow."""
    if isinstance(kept, NarrowNumbers):
        return kept.part(0, len(kept.above))
    if isinstance(kept, NarrowText):
        return kept.part(0, len(kept.codes.above))
    if isinstance(kept, NarrowValues):
        pairs = zip(kept.values.parts, kept.columns, strict=True)
        return replace(kept.values, parts=tuple(replace(part, values=widen(values), rows=widen(rows)) for part, (values, rows) in pairs))
    return kept


def widen_at(kept: Any, rows: Ints) -> Any:
    """As `widen`, of some rows."""
    if isinstance(kept, NarrowNumbers | NarrowText):
        return kept.at(rows)
    if isinstance(kept, NarrowValues):
        pairs = zip(kept.values.parts, kept.columns, strict=True)
        chosen = [(part.kind, *_chosen(values, places, rows)) for part, (values, places) in pairs]
        return kept.values.of(rows, tuple(Part(kind, owners, values) for kind, owners, values in chosen if owners is None or len(owners)))
    return take(kept, rows)


def _chosen(values: Any, places: Any, rows: Ints) -> tuple[Ints | None, Any]:
    """Of the values at these places (None: one for every row) those of some rows, and which of these they belong to."""
    if places is None:
        return None, widen_at(values, rows)
    positions, owners = take_owned(widen(places), rows)
    return owners, widen_at(values, positions)


def widen_part(kept: Any, first: int, last: int) -> Any:
    """Some rows of a column that was made narrow, or of one that stayed as it was."""
    if isinstance(kept, NarrowNumbers | NarrowText):
        return kept.part(first, last)
    return kept[first:last] if isinstance(kept, np.ndarray) else kept.slice(first, last - first)
