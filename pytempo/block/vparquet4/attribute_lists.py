"""The model's attributes as vParquet4 stores them: lists of typed values, and columns of their own for the attributes that have one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pytempo.block.vparquet4.columns import AttributeColumn
from pytempo.block.vparquet4.schema import ATTRIBUTE, SPAN
from pytempo.model.arrays import Bools, Ints, offsets_of, ranges, take_ragged
from pytempo.model.attributes import TYPED, Attributes, Kind

NIL_JSON = "{}"
"""`ValueUnsupported` of an attribute whose value is not set: the protobuf JSON of an empty AnyValue."""

VALUE_FIELDS = dict(zip(TYPED, ("Value", "ValueInt", "ValueDouble", "ValueBool"), strict=True))
"""The list that holds the values of a kind."""

_LIST = SPAN.field("Attrs").type


def split(table: Attributes, rows: Ints, columns: Sequence[AttributeColumn]) -> tuple[Attributes, dict[str, Any]]:
    """The attributes of the chosen rows in their order, without those that have a column; and these columns, by field name, for the rows.

    Of two attributes of a row that both fit one column the last goes there, the other stays.
    """
    moved = np.zeros(len(table), np.bool_)
    values = {}
    for column, positions, owners in _movers(table, columns):
        moved[positions] = True
        at = np.full(len(table.offsets) - 1, -1, np.int32)
        at[owners] = table.first[positions]
        values[column.name] = _column(table, column, at[rows])
    offsets, positions = take_ragged(table.offsets, rows)
    if moved.any():
        stays = ~moved[positions]
        before = np.zeros(len(stays) + 1, np.int32)
        np.cumsum(stays, out=before[1:])
        offsets, positions = before[offsets], positions[stays]
    return replace(table.at(positions), offsets=offsets), values


def _movers(table: Attributes, columns: Sequence[AttributeColumn]) -> Iterator[tuple[AttributeColumn, Ints, Ints]]:
    """For every column the positions of the attributes that move there, and the rows that own them."""
    slot_of_key = np.full(len(table.key_names), -1, np.int8)
    for slot, column in enumerate(columns):
        if (code := table.code(column.key)) >= 0:
            slot_of_key[code] = slot
    slots = slot_of_key[table.keys]
    candidates = np.flatnonzero((slots >= 0) & ~table.is_array)
    slots = slots[candidates]
    for slot, column in enumerate(columns):
        positions = candidates[slots == slot]
        positions = positions[table.kinds[positions] == column.kind]
        if column.required:
            positions = positions[~_is_empty(table, positions)]
        owners = np.searchsorted(table.offsets, positions, side="right") - 1
        last = np.ones(len(owners), np.bool_)
        last[:-1] = owners[1:] != owners[:-1]
        yield column, positions[last], owners[last]


def _is_empty(table: Attributes, positions: Ints) -> Bools:
    """Which of these strings are empty."""
    empty: Bools = np.asarray(pc.binary_length(table.strings.take(pa.array(table.first[positions])))) == 0
    return empty


def _column(table: Attributes, column: AttributeColumn, at: NDArray[np.int32]) -> Any:
    """The values at these places of the column's pool; null, or empty text where it must not be null, where the place is -1."""
    absent = at < 0
    if absent.all() and not column.required:
        return pa.nulls(len(at), pa.int64() if column.kind is Kind.INT else pa.string())
    pool = pa.array(table.ints) if column.kind is Kind.INT else table.strings
    values = pool.take(pa.array(at, mask=absent) if absent.any() else pa.array(at))
    return values.fill_null("") if column.required else values


def attribute_lists(table: Attributes) -> Any:
    """The attributes of each row of the table as a list of `ATTRIBUTE`."""
    fields = [
        table.key_names.take(pa.array(table.keys)),
        pa.array(table.is_array),
        *(_value_lists(table, kind, ATTRIBUTE.field(name).type) for kind, name in VALUE_FIELDS.items()),
        _unsupported(table),
    ]
    return pa.ListArray.from_arrays(pa.array(table.offsets), pa.StructArray.from_arrays(fields, fields=list(ATTRIBUTE)), type=_LIST)


def _value_lists(table: Attributes, kind: Kind, type: Any) -> Any:
    """For each attribute the list of its values of this kind, empty where it is of another."""
    mine = table.kinds == kind
    first, counts = table.first[mine], table.counts[mine]
    places = first if (counts == 1).all() else ranges(first, counts)
    pool = table.pool(kind)
    values = pool.take(pa.array(places)) if kind is Kind.STRING else pa.array(pool[places])
    return pa.ListArray.from_arrays(pa.array(offsets_of(np.where(mine, table.counts, 0))), values, type=type)


def _unsupported(table: Attributes) -> Any:
    """JSON text for what has no type, null for everything else."""
    other, nil = table.kinds == Kind.OTHER, table.kinds == Kind.NIL
    if not other.any() and not nil.any():
        return pa.nulls(len(table), pa.string())
    pool = pa.concat_arrays([table.others, pa.array([NIL_JSON], pa.string())])
    at = np.where(nil, len(table.others), table.first)
    return pool.take(pa.array(at, mask=~(other | nil)))
