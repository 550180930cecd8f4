"""Tables of attributes one under the other, or of what they use alone: what they become is again a flat table over its own pools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pytempo.model.arrays import coded, concat_numbers, concat_text, joined_text, offsets_of, ranges
from pytempo.model.attributes import TYPED, Attributes, Kind, Part, Values


def concat_values(columns: Sequence[Values]) -> Values:
    """The values of one attribute in tables that stand one under the other."""
    first = offsets_of(np.array([column.count for column in columns]))
    parts = []
    for kind in TYPED:
        mine = [(part, start) for column, start in zip(columns, first, strict=False) for part in column.parts if part.kind is kind]
        if mine:
            values = [part.values for part, _ in mine]
            together = joined_text(values) if kind is Kind.STRING else np.concatenate(values)
            parts.append(Part(kind, np.concatenate([part.places + start for part, start in mine]), together))
    is_array = None
    if any(column.is_array is not None for column in columns):
        none = [np.zeros(column.count, np.bool_) if column.is_array is None else column.is_array for column in columns]
        is_array = np.concatenate(none)
    return Values(int(first[-1]), tuple(parts), np.concatenate([column.present for column in columns]), is_array)


def concat_attributes(tables: Sequence[Attributes]) -> Attributes:
    """Tables one under the other; rows and pools of each follow those of the one before."""
    if len(tables) == 1:
        return tables[0]
    codes, key_names = coded(concat_text([table.key_names for table in tables]))
    remap = np.split(codes, np.cumsum([len(table.key_names) for table in tables])[:-1])
    first = shifted_first(tables)
    return Attributes(
        offsets=offsets_of(np.concatenate([np.diff(table.offsets) for table in tables])),
        keys=np.concatenate([mapping[table.keys] for table, mapping in zip(tables, remap, strict=True)]),
        key_names=key_names,
        kinds=concat_numbers([table.kinds for table in tables]),
        is_array=concat_numbers([table.is_array for table in tables]),
        first=first,
        counts=concat_numbers([table.counts for table in tables]),
        strings=concat_text([table.strings for table in tables]),
        ints=np.concatenate([table.ints for table in tables]),
        doubles=np.concatenate([table.doubles for table in tables]),
        bools=np.concatenate([table.bools for table in tables]),
        others=concat_text([table.others for table in tables]),
    )


def shifted_first(tables: Sequence[Attributes]) -> NDArray[np.int32]:
    """`first` of all tables, moved by what the pools of the tables before hold."""
    base, out = np.zeros(len(Kind), np.int64), []
    for table in tables:
        out.append((table.first + base[table.kinds]).astype(np.int32))
        for kind in (*TYPED, Kind.OTHER):
            base[kind] += len(table.pool(kind))
    return np.concatenate(out)


def compact(table: Attributes) -> Attributes:
    """The same attributes over pools that hold nothing else, in the order of the table."""
    first, pools = np.zeros(len(table), np.int32), {}
    for kind in (*TYPED, Kind.OTHER):
        mine = np.flatnonzero(table.kinds == kind)
        counts = table.counts[mine]
        places = ranges(table.first[mine], counts)
        pool = table.pool(kind)
        pools[kind] = pool.take(pa.array(places)) if kind in (Kind.STRING, Kind.OTHER) else pool[places]
        first[mine] = offsets_of(counts)[:-1]
    return replace(
        table,
        first=first,
        strings=pools[Kind.STRING],
        ints=pools[Kind.INT],
        doubles=pools[Kind.DOUBLE],
        bools=pools[Kind.BOOL],
        others=pools[Kind.OTHER],
    )
