"""Arithmetic on whole columns: integers stay integers, what has no result has no value.

Only single numbers take part: text, truth values and arrays have no value here. Integers wrap at 64 bits; they divide as integers, rounding
towards zero; a division by zero has no value. A power of integers is an integer where a float holds it exactly, a float otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytempo.model import Level
from pytempo.model.arrays import Array, Bools, Ints
from pytempo.traceql.functions import Operator
from pytempo.traceql.types import NUMBERS, Type
from pytempo.traceql.vector import Part, Vector

EXACT = float(2**53)
"""Beyond this a float cannot tell neighbouring integers apart."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """One number a row: `integer` says which column holds it; rows that are not `valid` have none."""

    valid: Bools
    integer: Bools
    ints: NDArray[np.int64]
    floats: NDArray[np.float64]

    def take(self, rows: Ints, there: Bools | bool = True) -> Numbers:
        """The numbers of these rows, where the mask holds."""
        return Numbers(self.valid[rows] & there, self.integer[rows], self.ints[rows], self.floats[rows])


def numbers_of(vector: Vector) -> Numbers:
    """The single numbers of a vector."""
    count = vector.count
    out = Numbers(np.zeros(count, np.bool_), np.zeros(count, np.bool_), np.zeros(count, np.int64), np.zeros(count, np.float64))
    for part in vector.parts:
        if part.type not in NUMBERS:
            continue
        rows = slice(None) if part.rows is None else part.rows
        out.valid[rows] = True
        out.floats[rows] = part.values
        if part.type is not Type.FLOAT:
            out.integer[rows] = True
            out.ints[rows] = part.values
    if vector.is_array is not None:
        out.valid[vector.is_array] = False
    return out


def constant(value: int | float, count: int) -> Numbers:
    """The same number for every row."""
    integer = isinstance(value, int) and -(2**63) <= value < 2**63
    return Numbers(
        np.ones(count, np.bool_), np.full(count, integer), np.full(count, value if integer else 0, np.int64), np.full(count, float(value))
    )


def to_vector(numbers: Numbers, level: Level) -> Vector:
    """Numbers as a vector over a level."""
    ints, floats = np.flatnonzero(numbers.valid & numbers.integer), np.flatnonzero(numbers.valid & ~numbers.integer)
    parts = [Part(Type.INT, numbers.ints[ints], ints)] if len(ints) else []
    parts += [Part(Type.FLOAT, numbers.floats[floats], floats)] if len(floats) else []
    return Vector(level, len(numbers.valid), tuple(parts), numbers.valid)


def negate(numbers: Numbers) -> Numbers:
    """`-x`."""
    return Numbers(numbers.valid, numbers.integer, -numbers.ints, -numbers.floats)


def combine(operator: Operator, left: Numbers, right: Numbers) -> Numbers:
    """`left operator right`, row by row."""
    valid, integer = left.valid & right.valid, left.integer & right.integer
    with np.errstate(all="ignore"):
        floats = _FLOAT[operator](left.floats, right.floats)
        ints = _INTEGER[operator](left.ints, right.ints) if operator in _INTEGER else floats
        if operator is Operator.POWER:
            integer = integer & (np.abs(floats) < EXACT) & (right.ints >= 0)
            ints = np.where(integer, floats, 0).astype(np.int64)
        if operator in (Operator.DIVIDE, Operator.MODULO):
            valid = valid & np.where(right.integer, right.ints != 0, right.floats != 0)
        valid = valid & (integer | ~np.isnan(floats))
        floats = np.where(integer, ints.astype(np.float64), floats)
    return Numbers(valid, integer, ints.astype(np.int64) if ints.dtype != np.int64 else ints, floats)


def _divide(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Integer division that rounds towards zero."""
    divisor = np.where(right == 0, 1, right)
    quotient = left // divisor
    out: NDArray[np.int64] = quotient + ((quotient < 0) & (quotient * divisor != left))
    return out


def _remainder(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """What integer division leaves, with the sign of the dividend."""
    return np.fmod(left, np.where(right == 0, 1, right))


_FLOAT: dict[Operator, Callable[[Array, Array], Array]] = {
    Operator.ADD: np.add,
    Operator.SUBTRACT: np.subtract,
    Operator.MULTIPLY: np.multiply,
    Operator.DIVIDE: np.divide,
    Operator.MODULO: np.fmod,
    Operator.POWER: np.power,
}
_INTEGER: dict[Operator, Callable[[Array, Array], Array]] = {
    Operator.ADD: np.add,
    Operator.SUBTRACT: np.subtract,
    Operator.MULTIPLY: np.multiply,
    Operator.DIVIDE: _divide,
    Operator.MODULO: _remainder,
}
