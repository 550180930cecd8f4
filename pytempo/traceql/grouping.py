"""`by(...)`: the groups that the values of an expression make, as one code a span and one label a group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pytempo.model.arrays import Ints, coded, dense_codes, run_heads
from pytempo.traceql.types import KINDS, STATUSES, Type
from pytempo.traceql.vector import Part, Vector

WORDS = {
    Type.STATUS: {number: word for word, number in STATUSES.items()},
    Type.KIND: {number: word for word, number in KINDS.items()},
}
"""What answers call the numbers of the two enumerations."""


class Label(NamedTuple):
    """The value that a group stands for; `type` NIL is the group of those without a value. An array is a tuple of values."""

    type: Type
    value: Any


@dataclass(frozen=True, slots=True)
class Groups:
    """The group of every row [n], and what each group stands for; groups are numbered from 0."""

    codes: NDArray[np.int64]
    labels: tuple[Label, ...]


NIL = Label(Type.NIL, None)


def group_rows(vector: Vector) -> Groups:
    """The groups of a vector's rows by value: equal values of one type share a group; rows without a value have one of their own.

    Rows with several values share a group when they have the same ones in the same order, those of one type together.
    """
    if len(vector.parts) == 1 and vector.parts[0].rows is None:
        codes, values = _distinct(vector.parts[0])
        return Groups(codes.astype(np.int64, copy=False), tuple(Label(vector.parts[0].type, value) for value in values))
    rows, codes, labels = _elements(vector)
    lengths = np.bincount(rows, minlength=vector.count)
    groups = np.zeros(vector.count, np.int64)
    single = lengths[rows] == 1
    groups[rows[single]] = codes[single]
    if not single.all():
        _group_several(rows[~single], codes[~single], groups, labels)
    there = np.zeros(len(labels), np.bool_)
    there[groups] = True
    dense = (np.cumsum(there) - 1)[groups]
    return Groups(dense, tuple(labels[code] for code in np.flatnonzero(there).tolist()))


def _elements(vector: Vector) -> tuple[Ints, NDArray[np.int64], list[Label]]:
    """Every value of a vector: its row (ascending), and the place of its label in the list, which begins with that of no value."""
    rows, codes, labels = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [NIL]
    for part in vector.parts:
        part_codes, values = _distinct(part)
        rows.append(np.asarray(part.places, np.int64))
        codes.append(part_codes + np.int64(len(labels)))
        labels += [Label(part.type, value) for value in values]
    together = np.concatenate(rows)
    order = np.argsort(together, kind="stable")
    return together[order], np.concatenate(codes)[order], labels


def _distinct(part: Part) -> tuple[Ints, list[Any]]:
    if part.type is Type.STRING:
        codes, names = coded(part.values)
        return codes, names.to_pylist()
    values = part.values + 0.0 if part.type is Type.FLOAT else part.values  # -0.0 and 0.0 are one group, with one label
    if part.type is Type.FLOAT or not len(values):
        distinct, codes = np.unique(values, return_inverse=True)
        return codes, distinct.tolist()
    whole = values.view(np.uint8) if part.type is Type.BOOL else values
    low, high = whole.min(), whole.max()
    if int(high) - int(low) < 2 * len(whole):
        used, codes = dense_codes((whole - low).astype(np.int64), int(high) - int(low) + 1)
        return codes, (used.astype(whole.dtype) + low).astype(values.dtype).tolist()
    codes, numbers = coded(pa.array(values))  # by hash, where np.unique sorts
    return codes, numbers.to_pylist()


def _group_several(rows: Ints, codes: NDArray[np.int64], groups: NDArray[np.int64], labels: list[Label]) -> None:
    """Number the groups of rows with several values each; every distinct list of values is spelled out once, as the bytes of its codes."""
    starts = np.flatnonzero(run_heads(rows))
    offsets = np.append(starts, len(rows)) * codes.itemsize
    lists = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(starts), [None, pa.py_buffer(offsets.astype(np.int64)), pa.py_buffer(codes)]
    )
    of_row, distinct = coded(lists)
    groups[rows[starts]] = of_row + np.int64(len(labels))
    for raw in distinct.to_pylist():
        elements = [labels[code] for code in np.frombuffer(raw, np.int64).tolist()]
        labels.append(Label(elements[0].type, tuple(element.value for element in elements)))
