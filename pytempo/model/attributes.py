"""Attributes of one level as one flat table: who owns them, their keys, and typed pools that hold their values.

A value is a range of one pool: `kinds` says which pool, `first` and `counts` which range. A scalar is a range of one value, an array
any number. So choosing, sorting and joining attributes moves five narrow integer columns and leaves the values where they are.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pytempo.model.arrays import (
    Bools,
    Ints,
    Text,
    owners_of,
    ranges,
    take,
    take_owned,
    take_ragged,
    take_text,
    text,
)


class Kind(enum.IntEnum):
    """Which pool a value lies in."""

    NIL = 0  # an AnyValue with nothing set: the key is there, the value is not
    STRING = 1
    INT = 2
    DOUBLE = 3
    BOOL = 4
    OTHER = 5  # maps, bytes, mixed or nested arrays: kept as protobuf JSON of the AnyValue, not seen by TraceQL
    EMPTY = 6  # an array without elements


REPEATED = 4
"""How often a text has to occur on average for a dictionary to be worth its codes."""

SAMPLE = 1000
"""Texts that are looked at first: where more than half of them differ, a dictionary is not even tried."""

TYPED = (Kind.STRING, Kind.INT, Kind.DOUBLE, Kind.BOOL)
"""The kinds that TraceQL compares."""


@dataclass(frozen=True, slots=True)
class Part:
    """Values of one kind: `rows` [k] of the level, ascending, repeated for arrays; `values` [k] an array or a text column.

    `rows` is None where there is exactly one value for every row of the level.
    """

    kind: Kind
    rows: Ints | None
    values: Any

    @property
    def places(self) -> Ints:
        """The rows, spelt out."""
        return np.arange(len(self.values)) if self.rows is None else self.rows


@dataclass(frozen=True, slots=True)
class Values:
    """One attribute at one level: typed parts, and `present` [count]: the rows that have it with any value but nil."""

    count: int
    parts: tuple[Part, ...]
    present: Bools
    is_array: Bools | None = None
    """[count], true where the value is an array; None where no value is."""

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        arrays = [array for part in self.parts for array in (part.values, part.rows)]
        return sum(array.nbytes for array in (*arrays, self.present, self.is_array) if array is not None)

    def narrow(self) -> Values:
        """The same; texts that repeat are a dictionary, which takes less room, and whose distinct texts alone have to be compared."""
        return replace(self, parts=tuple(replace(part, values=_narrow(part.values)) for part in self.parts)).dense()

    def dense(self) -> Values:
        """The same; a part with one value for every row does not spell the rows out."""
        return replace(self, parts=tuple(_dense(part, self.count) for part in self.parts))

    def take(self, rows: Ints) -> Values:
        """The values whose row i is row rows[i] of these."""
        parts = []
        for part in self.parts:
            if part.rows is None:
                parts.append(Part(part.kind, None, take(part.values, rows)))
                continue
            positions, owners = take_owned(part.rows, rows)
            if len(positions):
                parts.append(Part(part.kind, owners, take(part.values, positions)))
        return self.of(rows, tuple(parts))

    def of(self, rows: Ints, parts: tuple[Part, ...]) -> Values:
        """Some rows, of which the values are at hand."""
        return Values(len(rows), parts, self.present[rows], None if self.is_array is None else self.is_array[rows])


def _dense(part: Part, count: int) -> Part:
    rows = part.rows
    if rows is None or len(rows) != count or not (rows[1:] > rows[:-1]).all():
        return part
    return replace(part, rows=None)


def _narrow(values: Any) -> Any:
    """A text column as a dictionary, where its texts occur four times or more on average."""
    if isinstance(values, np.ndarray) or pa.types.is_dictionary(values.type):
        return values
    if 2 * len(values.slice(0, SAMPLE).unique()) > min(len(values), SAMPLE):
        return values
    encoded = values.dictionary_encode()
    return encoded if REPEATED * len(encoded.dictionary) <= len(values) else values


@dataclass(frozen=True, slots=True)
class Attributes:
    """Attributes [m] of a level of n rows; those of row r are offsets[r] to offsets[r + 1]."""

    offsets: NDArray[np.int32]
    keys: NDArray[np.int32]
    """Codes into `key_names`."""
    key_names: Text
    """Distinct `pa.StringArray`; may hold names that no attribute uses."""
    kinds: NDArray[np.uint8]
    is_array: Bools
    first: NDArray[np.int32]
    counts: NDArray[np.int32]
    strings: Text
    ints: NDArray[np.int64]
    doubles: NDArray[np.float64]
    bools: Bools
    others: Text
    """Protobuf JSON of the AnyValue."""

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def owners(self) -> NDArray[np.int32]:
        """The level's row of every attribute [m], ascending."""
        return owners_of(self.offsets)

    def pool(self, kind: Kind) -> Any:
        """All values of a kind, in no promised order."""
        return {Kind.STRING: self.strings, Kind.INT: self.ints, Kind.DOUBLE: self.doubles, Kind.BOOL: self.bools, Kind.OTHER: self.others}[
            kind
        ]

    def code(self, key: str) -> int:
        """The code of a key, -1 where the table does not know it."""
        return int(pc.index(self.key_names, pa.scalar(key, pa.string())).as_py())

    def take(self, rows: Ints) -> Attributes:
        """The attributes of the chosen rows, in their order."""
        offsets, positions = take_ragged(self.offsets, rows)
        return replace(self.at(positions), offsets=offsets)

    def at(self, positions: Ints | Bools) -> Attributes:
        """The attributes at these positions; `offsets` are left as they are, the caller sets them."""
        return replace(
            self,
            keys=self.keys[positions],
            kinds=self.kinds[positions],
            is_array=self.is_array[positions],
            first=self.first[positions],
            counts=self.counts[positions],
        )

    def where(self, keep: Bools) -> Attributes:
        """Only the attributes of the mask [m]; every row stays."""
        before = np.zeros(len(keep) + 1, np.int32)
        np.cumsum(keep, out=before[1:])
        return replace(self.at(np.flatnonzero(keep)), offsets=before[self.offsets])

    def values(self, key: str) -> Values:
        """The values of one key, typed (`Values`)."""
        positions = np.flatnonzero(self.keys == self.code(key))
        return self.values_at(positions, _rows_of(positions, self.offsets), len(self.offsets) - 1)

    def some_values(self, key: str, rows: Ints) -> Values:
        """The values of one key in the chosen rows, in their order; the other rows are not looked at."""
        offsets, positions = take_ragged(self.offsets, rows)
        mine = np.flatnonzero(self.keys[positions] == self.code(key))
        return self.values_at(positions[mine], _rows_of(mine, offsets), len(rows))

    def values_at(self, positions: Ints, rows: Ints, count: int) -> Values:
        """The values at `positions` as those of `rows` of a level of `count` rows."""
        kinds, present = self.kinds[positions], np.zeros(count, np.bool_)
        present[_where(kinds != Kind.NIL, rows)] = True
        parts = []
        for kind in TYPED:
            mine = kinds == kind
            if mine.any():
                parts.append(self._part(kind, _where(mine, positions), _where(mine, rows)))
        arrays = self.is_array[positions]
        is_array = None
        if arrays.any():
            is_array = np.zeros(count, np.bool_)
            is_array[rows[arrays]] = True
        return Values(count, tuple(parts), present, is_array)

    def _part(self, kind: Kind, positions: Ints, rows: Ints) -> Part:
        counts = self.counts[positions]
        places: Ints = self.first[positions]
        if not (counts == 1).all():
            places, rows = ranges(places, counts), np.repeat(rows, counts)
        pool = self.pool(kind)
        return Part(kind, rows, pool.take(pa.array(places)) if kind is Kind.STRING else pool[places])

    def listed(self) -> tuple[list[str], list[int], list[Any]]:
        """Keys, kinds and values [m] as Python objects.

        A scalar is itself, an array a list, nil None, and OTHER its JSON text.
        """
        values: list[Any] = [None] * len(self)
        for kind in (*TYPED, Kind.OTHER):
            positions = np.flatnonzero((self.kinds == kind) & ~self.is_array)
            for position, value in zip(positions.tolist(), take(self.pool(kind), self.first[positions]).tolist(), strict=True):
                values[position] = value
        for position in np.flatnonzero(self.is_array).tolist():
            begin, kind = self.first[position], Kind(self.kinds[position])
            values[position] = self.pool(kind)[begin : begin + self.counts[position]].tolist() if kind in TYPED else []
        return take_text(self.key_names, self.keys).to_pylist(), self.kinds.tolist(), values

    @staticmethod
    def empty(count: int) -> Attributes:
        """No attributes for `count` rows."""
        none = np.empty(0, np.int32)
        return Attributes(
            np.zeros(count + 1, np.int32),
            none,
            text([]),
            np.empty(0, np.uint8),
            np.empty(0, np.bool_),
            none,
            none,
            text([]),
            np.empty(0, np.int64),
            np.empty(0, np.float64),
            np.empty(0, np.bool_),
            text([]),
        )


def _rows_of(positions: Ints, offsets: Ints) -> Ints:
    """The rows of lists that hold these positions, ascending."""
    first, last = offsets[:-1], offsets[1:]
    if len(positions) == len(first) and (first <= positions).all() and (positions < last).all():
        return np.arange(len(first))  # every row has one of them, which is seen in a tenth of the time
    return np.searchsorted(offsets, positions, side="right") - 1


def _where(mask: Bools, column: Ints) -> Ints:
    """The rows of a column that are in the mask: the column itself where all are."""
    return column if mask.all() else column[mask]
