"""Columns as they are kept: numbers, codes and flags in as few bytes as they need, and wide again for who asks.

Three times as much fits into the room for columns; to widen a hundred thousand numbers takes a tenth of a millisecond.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pytempo.model.arrays import Array, Ints, take, take_owned
from pytempo.model.attributes import Part, Values

_WIDTHS = (np.uint8, np.uint16, np.uint32)

_HIGH_WIDTHS = (np.uint8, np.uint16)
"""Of what stands above the low 32 bits: times of eighteen minutes, and of three days, in nanoseconds."""

OWN_PAGES = 64 * 1024
"""Bytes from which on a kept column has pages of its own."""

LOW = 32
"""Bits."""


@dataclass(frozen=True, slots=True)
class NarrowConstant:
    """The same number or flag in every row."""

    value: Any
    """Of the type that the column has."""
    count: int

    def __len__(self) -> int:
        return self.count

    @property
    def nbytes(self) -> int:
        """Of the value."""
        return int(self.value.nbytes)

    def part(self, first: int, last: int) -> Array:
        """The column from one row to before another."""
        return np.full(last - first, self.value)

    def at(self, rows: Ints) -> Array:
        """The column in some rows."""
        return np.full(len(rows), self.value)


@dataclass(frozen=True, slots=True)
class NarrowFlags:
    """Flags, eight in a byte."""

    bits: NDArray[np.uint8]
    count: int

    def __len__(self) -> int:
        return self.count

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.bits.nbytes

    def part(self, first: int, last: int) -> Array:
        """The flags from one row to before another."""
        begin = first // 8
        return np.unpackbits(self.bits[begin:], count=last - 8 * begin)[first - 8 * begin :].view(np.bool_)

    def at(self, rows: Ints) -> Array:
        """The flags of some rows."""
        return (self.bits[rows // 8] >> (7 - rows % 8).astype(np.uint8) & 1).view(np.bool_)


@dataclass(frozen=True, slots=True)
class NarrowNumbers:
    """Whole numbers as what they are above the least of them."""

    above: Array
    least: Any
    """Of the type that the numbers have."""
    high: Array | None = None
    """Where 32 bits are not enough: what stands above those in `above`."""

    def __len__(self) -> int:
        return len(self.above)

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.above.nbytes + (0 if self.high is None else self.high.nbytes)

    def part(self, first: int, last: int) -> Array:
        """The numbers from one row to before another."""
        return self._widened(slice(first, last))

    def at(self, rows: Ints) -> Array:
        """The numbers of some rows."""
        return self._widened(rows)

    def _widened(self, rows: Ints | slice) -> Array:
        numbers: Array = self.above[rows].astype(self.least.dtype)
        if self.high is not None:
            high = self.high[rows].astype(self.least.dtype)
            high <<= LOW
            numbers |= high
        if self.least:
            numbers += self.least
        return numbers


@dataclass(frozen=True, slots=True)
class NarrowSteps:
    """Ascending numbers by the step from each to the next, such as offsets of short lists."""

    first: Any
    """Of the type that the numbers have."""
    steps: NDArray[np.uint8]
    """The step to every number from the one before it; 0 for the first."""

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.steps.nbytes

    def part(self, first: int, last: int) -> Array:
        """The numbers from one row to before another."""
        numbers = self.steps[first:last].astype(self.first.dtype)
        numbers[:1] = self.first + self.steps[: first + 1].sum(dtype=self.first.dtype)
        return np.cumsum(numbers, out=numbers)

    def at(self, rows: Ints) -> Array:
        """The numbers of some rows."""
        return self.part(0, len(self.steps))[rows]


Narrow: TypeAlias = NarrowConstant | NarrowFlags | NarrowNumbers | NarrowSteps


@dataclass(frozen=True, slots=True)
class NarrowText:
    """A dictionary column."""

    codes: Narrow
    dictionary: Any

    def __len__(self) -> int:
        return len(self.codes)

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
    """The values of an attribute; those of its parts, where they belong, and which rows have it made narrow."""

    values: Values
    columns: tuple[tuple[Any, Any], ...]
    """Of each part the values and the rows, kept."""
    present: Any
    is_array: Any

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        columns = [self.present, self.is_array, *(column for pair in self.columns for column in pair)]
        return sum(column.nbytes for column in columns if column is not None)


def narrow(column: Any) -> Any:
    """A column in the form in which it is kept; the column itself where nothing is won."""
    if isinstance(column, np.ndarray) and len(column):
        return _narrow_flags(column) if column.dtype.kind == "b" else _narrow_numbers(column) if column.dtype.kind in "iu" else column
    if isinstance(column, pa.DictionaryArray) and not column.indices.null_count:
        codes = narrow(np.asarray(column.indices))
        return column if isinstance(codes, np.ndarray) else NarrowText(codes, column.dictionary)
    if isinstance(column, Values):
        columns = tuple((narrow(part.values), None if part.rows is None else narrow(part.rows)) for part in column.parts)
        bare = replace(
            column, parts=tuple(replace(part, values=None, rows=None) for part in column.parts), present=_NO_FLAGS, is_array=None
        )
        return NarrowValues(bare, columns, narrow(column.present), narrow(column.is_array))
    return column


_NO_FLAGS = np.empty(0, np.bool_)


def _narrow_flags(column: Array) -> Narrow:
    if column.all() or not column.any():
        return NarrowConstant(column[0], len(column))
    return NarrowFlags(np.packbits(column), len(column))


def _narrow_numbers(column: Array) -> Any:
    least, most = column.min(), column.max()
    apart = int(most) - int(least)
    if not apart:
        return NarrowConstant(least, len(column))
    if apart > np.iinfo(np.uint8).max and _ascends_by_small_steps(column, apart):
        return NarrowSteps(column[0], _apart(np.diff(column, prepend=column[:1]), np.uint8))
    for width in _WIDTHS:
        if np.dtype(width).itemsize < column.itemsize and apart <= np.iinfo(width).max:
            return NarrowNumbers(_apart(column - least, width), least)
    for width in _HIGH_WIDTHS:
        if column.itemsize == 8 and apart >> 32 <= np.iinfo(width).max:
            above = column - least
            return NarrowNumbers(_apart(above, np.uint32), least, _apart(above >> LOW, width))
    return column


def _apart(column: Array, width: Any) -> Array:
    """Numbers in fewer bytes; many in pages of their own, so that what is freed around them goes back to the system."""
    size = len(column) * np.dtype(width).itemsize
    if size < OWN_PAGES:
        return column.astype(width)
    out: Array = np.frombuffer(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), width)
    np.copyto(out, column, casting="unsafe")
    return out


def _ascends_by_small_steps(column: Array, apart: int) -> bool:
    most = np.iinfo(np.uint8).max
    if column[0] > column[-1] or apart > most * (len(column) - 1) or (column[1:] < column[:-1]).any():
        return False
    return bool((column[1:] - column[:-1]).max() <= most)


def widen(kept: Any) -> Any:
    """The column that was made narrow."""
    if isinstance(kept, Narrow | NarrowText):
        return kept.part(0, len(kept))
    if isinstance(kept, NarrowValues):
        pairs = zip(kept.values.parts, kept.columns, strict=True)
        parts = tuple(replace(part, values=widen(values), rows=widen(rows)) for part, (values, rows) in pairs)
        return replace(kept.values, parts=parts, present=widen(kept.present), is_array=widen(kept.is_array))
    return kept


def widen_at(kept: Any, rows: Ints) -> Any:
    """As `widen`, of some rows."""
    if isinstance(kept, Narrow | NarrowText):
        return kept.at(rows)
    if isinstance(kept, NarrowValues):
        pairs = zip(kept.values.parts, kept.columns, strict=True)
        chosen = [(part.kind, *_chosen(values, places, rows)) for part, (values, places) in pairs]
        parts = tuple(Part(kind, owners, values) for kind, owners, values in chosen if owners is None or len(owners))
        return Values(len(rows), parts, widen_at(kept.present, rows), None if kept.is_array is None else widen_at(kept.is_array, rows))
    return take(kept, rows)


def _chosen(values: Any, places: Any, rows: Ints) -> tuple[Ints | None, Any]:
    """Of the values at these places (None: one for every row) those of some rows, and which of these they belong to."""
    if places is None:
        return None, widen_at(values, rows)
    positions, owners = take_owned(widen(places), rows)
    return owners, widen_at(values, positions)


def widen_part(kept: Any, first: int, last: int) -> Any:
    """Some rows of a column that was made narrow, or of one that stayed as it was."""
    if isinstance(kept, Narrow | NarrowText):
        return kept.part(first, last)
    return kept[first:last] if isinstance(kept, np.ndarray) else kept.slice(first, last - first)
