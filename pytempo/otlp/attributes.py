"""OTLP key-value lists to the model's table of attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pytempo.model.arrays import Bools, Ints, any_by_row, coded, concat_text, owners_of, text
from pytempo.model.attributes import TYPED, Attributes, Kind
from pytempo.otlp.key_values import ARRAY, BOOL, BYTES, DOUBLE, INT, MAP, STRING, Pieces, take_apart
from pytempo.otlp.nested import as_json, open_arrays
from pytempo.otlp.text import as_text

FEW = 32
"""Up to so many attributes an owner, each is compared with each to find a key that comes twice; beyond it they are sorted."""

NO_VALUES: dict[Kind, Any] = {
    Kind.STRING: text([]),
    Kind.INT: np.empty(0, np.int64),
    Kind.DOUBLE: np.empty(0, np.float64),
    Kind.BOOL: np.empty(0, np.bool_),
}


def read_attributes(lists: Any) -> tuple[Attributes, Bools]:
    """A list<KeyValue> column [n], messages as bytes, as a table of n owners, and a mask [n] of owners with one that cannot be read.

    A key that an owner has twice keeps its last value.
    """
    offsets = np.asarray(lists.offsets)
    if offsets[0] == offsets[-1]:
        return Attributes.empty(len(lists)), np.zeros(len(lists), np.bool_)
    elements = lists.values.slice(offsets[0], offsets[-1] - offsets[0])
    offsets = np.asarray(offsets - offsets[0], np.int32)
    pieces, bad = take_apart("KeyValue", elements)
    values = _Values.of(pieces)
    keys, key_names = _read_keys(pieces)
    table = values.table(offsets, keys, key_names)
    bad[values.bad] = True
    bad_owner = any_by_row(table.owners, bad, len(lists)) if bad.any() else np.zeros(len(lists), np.bool_)
    keep = last_of_each_key(offsets, keys)
    return (table if keep is None else table.where(keep)), bad_owner


def read_values(offsets: NDArray[np.int32], keys: NDArray[np.int32], key_names: Any, values: Any) -> tuple[Attributes, Bools]:
    """A table [m] of these keys with values from a binary column [m] of AnyValue messages, and a mask [m] of those that cannot be read."""
    pieces, bad = take_apart("AnyValue", values)
    found = _Values.of(pieces)
    bad[found.bad] = True
    return found.table(offsets, keys, key_names), bad


def _read_keys(pieces: Pieces) -> tuple[NDArray[np.int32], Any]:
    """The keys as codes, and the distinct keys; two that differ only in what is no UTF-8 are one."""
    raw_codes, raw_names = coded(pieces.keys())
    codes, names = coded(as_text(raw_names))
    return codes[raw_codes].astype(np.int32), names


@dataclass(slots=True)
class _Values:
    """The value columns of a table while it is filled: scalars first, then arrays, then what is kept as JSON."""

    kinds: NDArray[np.uint8]
    is_array: Bools
    first: NDArray[np.int32]
    counts: NDArray[np.int32]
    pools: dict[Kind, Any] = field(default_factory=NO_VALUES.copy)
    others: list[str] = field(default_factory=list)
    bad: list[int] = field(default_factory=list)
    """Positions of values that cannot be read."""

    @staticmethod
    def of(pieces: Pieces) -> _Values:
        kinds = pieces.kinds
        values = _Values(kinds, pieces.tags == ARRAY, np.zeros(len(kinds), np.int32), (kinds != Kind.NIL).astype(np.int32))
        there = np.bincount(pieces.tags, minlength=256)
        for kind, tag in zip(TYPED, (STRING, INT, DOUBLE, BOOL), strict=True):
            if there[tag]:
                mine = pieces.tagged(tag)
                values.first[mine] = np.arange(len(mine), dtype=np.int32)
                values.pools[kind] = pieces.values(kind, mine)
        for tag in (MAP, BYTES):
            if there[tag]:
                mine = pieces.tagged(tag)
                values.add_others(tag, pieces.contents(mine).to_pylist(), mine)
        if there[ARRAY]:
            mine = pieces.tagged(ARRAY)
            values.add_arrays(pieces.contents(mine), mine)
        return values

    def add_arrays(self, raw: Any, mine: Ints) -> None:
        """Arrays of one scalar kind go to its pool, all else to the JSON texts."""
        arrays = open_arrays(raw)
        self.kinds[mine], self.counts[mine], self.is_array[mine] = arrays.kinds, arrays.counts, arrays.kinds != Kind.OTHER
        for kind in TYPED:
            here = arrays.kinds == kind
            ends = np.cumsum(arrays.counts[here])
            self.first[mine[here]] = len(self.pools[kind]) + ends - arrays.counts[here]
            both = [self.pools[kind], arrays.values[kind]]
            self.pools[kind] = concat_text(both) if kind is Kind.STRING else np.concatenate(both)
        mixed = np.flatnonzero(arrays.kinds == Kind.OTHER)
        self.add_others(ARRAY, raw.take(pa.array(mixed)).to_pylist(), mine[mixed])

    def add_others(self, tag: int, payloads: list[bytes], mine: Ints) -> None:
        """Maps, bytes, nested and mixed arrays one by one (they are rare), as JSON."""
        texts = [as_json(tag, payload) for payload in payloads]
        self.kinds[mine], self.counts[mine] = Kind.OTHER, 1
        self.first[mine] = np.arange(len(self.others), len(self.others) + len(texts), dtype=np.int32)
        self.others.extend("{}" if text is None else text for text in texts)
        self.bad.extend(int(place) for place, text in zip(mine, texts, strict=True) if text is None)

    def table(self, offsets: NDArray[np.int32], keys: NDArray[np.int32], key_names: Any) -> Attributes:
        strings, ints, doubles, bools = (self.pools[kind] for kind in TYPED)
        others = pa.array(self.others, pa.string()) if self.others else NO_VALUES[Kind.STRING]
        return Attributes(
            offsets, keys, key_names, self.kinds, self.is_array, self.first, self.counts, strings, ints, doubles, bools, others
        )


def last_of_each_key(offsets: Ints, keys: Ints) -> Bools | None:
    """A mask [m] of the attributes to keep so that no owner has a key twice; None where none has."""
    longest = int((offsets[1:] - offsets[:-1]).max()) if len(offsets) > 1 else 0
    if longest < 2:
        return None
    owned = owners_of(offsets).astype(np.int64) * (int(keys.max()) + 1) + keys
    repeated = np.zeros(len(keys), np.bool_)
    if longest <= FEW:
        for step in range(1, longest):
            repeated[:-step] |= owned[:-step] == owned[step:]
    else:
        order = np.argsort(owned, kind="stable")
        repeated[order[:-1]] = owned[order[:-1]] == owned[order[1:]]
    return ~repeated if repeated.any() else None
