"""Attributes out of the leaves of a row group: the lists of typed values, and the columns of attributes that have one of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pytempo.block.vparquet4.attribute_lists import NIL_JSON
from pytempo.block.vparquet4.columns import ATTRIBUTES, AttributeColumn
from pytempo.model.arrays import NO_TEXT, Array, Bools, Ints, coded, concat_text, offsets_of, plain_text, ranges, take, take_ragged, text
from pytempo.model.attributes import TYPED, Attributes, Kind, Part, Values

VALUE_LEAVES = {
    level: {Kind.STRING: paths.value, Kind.INT: paths.value_int, Kind.DOUBLE: paths.value_double, Kind.BOOL: paths.value_bool}
    for level, paths in ATTRIBUTES.items()
}
"""The leaf that holds the values of a kind, for each level."""

ValueLists = tuple[NDArray[np.int32], Any]
"""Offsets [m + 1] and values of one kind: for each attribute its list, empty where it is of another kind."""


@dataclass(frozen=True, slots=True)
class AttributeLists:
    """The attributes [m] of a level that have no column of their own; what holds nothing in the row group may be left out."""

    offsets: NDArray[np.int32]
    """Those of row r are offsets[r] to offsets[r + 1]."""
    keys: NDArray[np.int32]
    key_names: Any
    lists: Mapping[Kind, ValueLists] = field(default_factory=dict)
    is_array: Bools | None = None
    unsupported: Any = None
    """JSON text or null [m]; None where all are null."""

    def table(self) -> Attributes:
        """All of them."""
        return replace(self._at(slice(None)), offsets=self.offsets)

    def table_at(self, rows: Ints) -> Attributes:
        """Those of some rows."""
        offsets, positions = take_ragged(self.offsets, rows)
        return replace(self._at(positions), offsets=offsets)

    def values(self, key: str) -> Values:
        """The values of one key."""
        count = len(self.offsets) - 1
        code = pc.index(self.key_names, pa.scalar(key, pa.string())).as_py()
        positions = np.flatnonzero(self.keys == code) if code >= 0 else np.empty(0, np.int64)
        rows = np.searchsorted(self.offsets, positions, side="right") - 1
        return self._at(positions).values_at(np.arange(len(positions)), rows, count)

    def _at(self, positions: Ints | slice) -> Attributes:
        """The attributes at these positions, without offsets of rows."""
        keys = self.keys[positions]
        count = len(keys)
        kinds, first, counts = np.zeros(count, np.uint8), np.zeros(count, np.int32), np.zeros(count, np.int32)
        is_array = np.zeros(count, np.bool_) if self.is_array is None else self.is_array[positions]
        kinds[is_array] = Kind.EMPTY
        for kind, (offsets, _) in self.lists.items():
            start = offsets[:-1][positions]
            length = offsets[1:][positions] - start
            _assign(kinds, first, counts, length > 0, (kind, start, length))
        if self.unsupported is not None:
            other = np.asarray(pc.fill_null(pc.not_equal(self.unsupported, NIL_JSON), False))
            _assign(kinds, first, counts, other[positions], (Kind.OTHER, np.arange(len(self.keys))[positions], 1))
        pools = {kind: self.lists[kind][1] if kind in self.lists else _NOTHING[kind] for kind in TYPED}
        others = text([]) if self.unsupported is None else self.unsupported
        return Attributes(
            np.zeros(1, np.int32),
            keys,
            self.key_names,
            kinds,
            is_array,
            first,
            counts,
            pools[Kind.STRING],
            pools[Kind.INT],
            pools[Kind.DOUBLE],
            pools[Kind.BOOL],
            others,
        )


def _assign(kinds: Array, first: Array, counts: Array, here: Bools, values: tuple[Any, Any, Any]) -> None:
    """Set all three where the mask holds."""
    for column, value in zip((kinds, first, counts), values, strict=True):
        np.copyto(column, value, where=here, casting="unsafe")


_NOTHING = {Kind.STRING: text([]), Kind.INT: np.empty(0, np.int64), Kind.DOUBLE: np.empty(0, np.float64), Kind.BOOL: np.empty(0, np.bool_)}


@dataclass(frozen=True, slots=True)
class OwnColumn:
    """The values of one attribute that has a column."""

    column: AttributeColumn
    rows: NDArray[np.int64]
    """The rows that have it, ascending."""
    places: NDArray[np.int32]
    """Where in `pool` the first value of each of those rows lies."""
    pool: Any
    counts: NDArray[np.int32] | None = None
    """How many values each of those rows has; None where it is one each."""
    distinct: bool = True
    """Whether the texts of the pool differ from each other."""

    @classmethod
    def of(cls, column: AttributeColumn, leaf: Any, lists: NDArray[np.int32] | None) -> OwnColumn:
        """The column as read; rows without the attribute are null, or empty text where the column must not be null.

        `lists` are the offsets of the list that the leaf lies in: of a repeated column each row's values.
        """
        if column.repeated:
            return cls._of_lists(column, leaf, lists)
        if column.kind is Kind.INT:
            rows = np.flatnonzero(leaf.is_valid())
            return cls(column, rows, np.arange(len(rows), dtype=np.int32), np.asarray(leaf.drop_null()))
        if not pa.types.is_dictionary(leaf.type) and not column.required:
            rows = np.flatnonzero(leaf.is_valid())
            return cls(column, rows, np.arange(len(rows), dtype=np.int32), leaf.drop_null(), distinct=False)
        encoded = leaf if pa.types.is_dictionary(leaf.type) else leaf.dictionary_encode()
        codes, pool = encoded.indices.fill_null(-1).to_numpy(), encoded.dictionary
        absent = pc.index(pool, NO_TEXT).as_py() if column.required else -1
        rows = np.flatnonzero((codes >= 0) & (codes != absent))
        return cls(column, rows, codes[rows], pool)

    @classmethod
    def _of_lists(cls, column: AttributeColumn, leaf: Any, lists: Any) -> OwnColumn:
        lengths = np.diff(lists)
        rows = np.flatnonzero(lengths)
        places, counts = lists[:-1][rows], lengths[rows]
        if (counts > 1).any():
            return cls(column, rows, places, plain_text(leaf) if column.kind is Kind.STRING else np.asarray(leaf), counts)
        if column.kind is Kind.INT:
            return cls(column, rows, places, np.asarray(leaf))
        codes, pool = coded(leaf)
        return cls(column, rows, codes[places], pool)

    def at(self, rows: Ints) -> OwnColumn:
        """The column over some rows, which are numbered anew."""
        if not len(self.rows):
            return self
        place = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        here = np.flatnonzero(self.rows[place] == rows)
        at = place[here]
        return replace(self, rows=here, places=self.places[at], counts=None if self.counts is None else self.counts[at])

    def part(self) -> Part:
        """The values as those of the level's rows."""
        if self.counts is not None:
            places = ranges(self.places, self.counts)
            return Part(self.column.kind, np.repeat(self.rows, self.counts), take(self.pool, places))
        if self.column.kind is Kind.INT:
            return Part(Kind.INT, self.rows, self.pool[self.places])
        if not self.distinct:
            return Part(Kind.STRING, self.rows, self.pool if len(self.places) == len(self.pool) else self.pool.take(pa.array(self.places)))
        return Part(Kind.STRING, self.rows, pa.DictionaryArray.from_arrays(pa.array(self.places), self.pool))

    @property
    def lengths(self) -> NDArray[np.int32]:
        """How many values each of the rows has."""
        return np.ones(len(self.rows), np.int32) if self.counts is None else self.counts


def joined_values(values: Values, columns: Sequence[OwnColumn]) -> Values:
    """Values from the lists and from columns of the same attribute as one."""
    parts = {part.kind: part for part in values.parts}
    present, is_array = values.present, values.is_array
    for own in columns:
        if len(own.rows):
            part = own.part()
            parts[part.kind] = _joined_parts(parts[part.kind], part) if part.kind in parts else part
            present[own.rows] = True
            if own.counts is not None:
                is_array = np.zeros(values.count, np.bool_) if is_array is None else is_array
                is_array[own.rows[own.counts > 1]] = True
    return replace(values, parts=tuple(parts[kind] for kind in TYPED if kind in parts), present=present, is_array=is_array)


def _joined_parts(one: Part, other: Part) -> Part:
    rows = np.concatenate([one.rows, other.rows])
    order = np.argsort(rows, kind="stable")
    if one.kind is Kind.STRING:
        return Part(one.kind, rows[order], concat_text([one.values, other.values]).take(pa.array(order)))
    return Part(one.kind, rows[order], np.concatenate([one.values, other.values])[order])


def joined_table(table: Attributes, columns: Sequence[OwnColumn]) -> Attributes:
    """The attributes of the lists and, behind them in each row, those of the columns in their order."""
    columns = [own for own in columns if len(own.rows)]
    if not columns:
        return table
    offsets, places = interleaved(table.offsets, [own.rows for own in columns])
    key_codes, key_names = coded(concat_text([table.key_names, text([own.column.key for own in columns])]))
    mapping, own_codes = np.split(key_codes, [len(table.key_names)])
    bases, strings, ints = _pools(table, columns)
    lengths = [own.lengths for own in columns]
    keys = [mapping[table.keys], *(np.full(len(own.rows), code, np.int32) for own, code in zip(columns, own_codes, strict=True))]
    kinds = [table.kinds, *(np.full(len(own.rows), own.column.kind, np.uint8) for own in columns)]
    first = [table.first, *(own.places + base for own, base in zip(columns, bases, strict=True))]
    return replace(
        table,
        offsets=offsets,
        keys=_placed(keys, places),
        key_names=key_names,
        kinds=_placed(kinds, places),
        is_array=_placed([table.is_array, *(length > 1 for length in lengths)], places),
        first=_placed(first, places),
        counts=_placed([table.counts, *lengths], places),
        strings=strings,
        ints=ints,
    )


def interleaved(offsets: Ints, columns: Sequence[Ints]) -> tuple[NDArray[np.int32], list[Ints]]:
    """Elements of lists and, behind them in each row, one element for every column that has the row.

    Returns the offsets of the joined lists, and the new places of the elements of the lists and of each column.
    """
    counts = np.diff(offsets)
    extra = np.zeros(len(counts), np.int32)
    for rows in columns:
        extra[rows] += 1
    joined = offsets_of(counts + extra)
    places: list[Ints] = [np.arange(offsets[-1], dtype=np.int64) + np.repeat(joined[:-1] - offsets[:-1], counts)]
    cursor = joined[:-1] + counts
    for rows in columns:
        places.append(cursor[rows])
        cursor[rows] += 1
    return joined, places


def _placed(parts: Sequence[Any], places: Sequence[Ints]) -> Any:
    """Parts as one array, every element at its place."""
    out = np.empty(sum(len(part) for part in parts), parts[0].dtype)
    for part, at in zip(parts, places, strict=True):
        out[at] = part
    return out


def _pools(table: Attributes, columns: Sequence[OwnColumn]) -> tuple[list[int], Any, Any]:
    """For every column where its pool begins behind that of the table; and the pools of strings and integers."""
    bases, strings, ints = [], [plain_text(table.strings)], [table.ints]
    sizes = {Kind.STRING: len(table.strings), Kind.INT: len(table.ints)}
    for own in columns:
        bases.append(sizes[own.column.kind])
        sizes[own.column.kind] += len(own.pool)
        (ints if own.column.kind is Kind.INT else strings).append(own.pool)
    return bases, concat_text(strings), np.concatenate(ints) if len(ints) > 1 else ints[0]
