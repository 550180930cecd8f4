"""`by(...)`: the groups that the values of an expression make, as one code a span and one label a group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytempo.model.arrays import Ints, coded, run_heads
from pytempo.traceql.types import KINDS, STATUSES, Type
from pytempo.traceql.vector import Part, Vector

WORDS = {
    Type.STATUS: {number: word for word, number in STATUSES.items()},
    Type.KIND: {number: word for word, number in KINDS.items()},
}
"""What answers call the numbers of the two enumerations."""


@dataclass(frozen=True, slots=True)
class Label:
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
    """The groups of a vector's rows by value: equal values of one type share a group; rows without a value have one of their own."""
    codes = np.zeros(vector.count, np.int64)
    labels: list[Label] = [NIL]
    for part in vector.parts:
        element_codes, elements = _distinct(part)
        if part.rows is None:
            codes[:] = element_codes + len(labels)
            labels += [Label(part.type, value) for value in elements]
            continue
        several = np.zeros(0, np.bool_) if vector.is_array is None else vector.is_array[part.rows]
        single = ~several if len(several) else np.ones(len(part.rows), np.bool_)
        codes[part.rows[single]] = element_codes[single] + len(labels)
        labels += [Label(part.type, value) for value in elements]
        if not single.all():
            _group_arrays(part.rows[~single], element_codes[~single], Part(part.type, elements), codes, labels)
    used, dense = np.unique(codes, return_inverse=True)
    return Groups(dense, tuple(labels[code] for code in used))


def _distinct(part: Part) -> tuple[Ints, list[Any]]:
    if part.type is Type.STRING:
        codes, names = coded(part.values)
        return codes, names.to_pylist()
    distinct, codes = np.unique(part.values, return_inverse=True)
    return codes, distinct.tolist()


def _group_arrays(rows: Ints, element_codes: Ints, elements: Part, codes: NDArray[np.int64], labels: list[Label]) -> None:
    """Arrays share a group when they have the same elements in the same order; each distinct one is spelled out once."""
    starts = np.flatnonzero(run_heads(rows))
    lengths = np.diff(np.append(starts, len(rows)))
    width = int(lengths.max())
    table = np.full((len(starts), width), -1, np.int64)
    table[np.repeat(np.arange(len(starts)), lengths), np.arange(len(rows)) - np.repeat(starts, lengths)] = element_codes
    distinct, inverse = np.unique(table, axis=0, return_inverse=True)
    codes[rows[starts]] = inverse.reshape(-1) + len(labels)
    for line in distinct.tolist():
        values = tuple(elements.values[code] for code in line if code >= 0)
        labels.append(Label(elements.type, values if len(values) > 1 else values[0]))
