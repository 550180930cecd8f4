"""Comparisons on whole columns, by the rules of docs/traceql.md: numbers by value, absent is false, arrays by element."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pytempo.model.arrays import Bools, Ints, any_by_row, plain_text, take_owned
from pytempo.traceql.functions import Operator
from pytempo.traceql.types import NUMBERS, Type
from pytempo.traceql.vector import Part, Vector, take

POSITIVE = {Operator.NOT_EQUAL: Operator.EQUAL, Operator.NOT_MATCHES: Operator.MATCHES}
"""Each negative comparison with the one that no element may fulfil."""

_NUMERIC: dict[Operator, Callable[[Any, Any], Any]] = {
    Operator.EQUAL: np.equal,
    Operator.LESS: np.less,
    Operator.LESS_EQUAL: np.less_equal,
    Operator.GREATER: np.greater,
    Operator.GREATER_EQUAL: np.greater_equal,
}
_TEXTUAL: dict[Operator, Callable[[Any, Any], Any]] = {
    Operator.EQUAL: pc.equal,
    Operator.LESS: pc.less,
    Operator.LESS_EQUAL: pc.less_equal,
    Operator.GREATER: pc.greater,
    Operator.GREATER_EQUAL: pc.greater_equal,
}


MATCHED_AT_ONCE = 50_000_000
"""Bytes of text times characters of their pattern that are matched in one go: well under a second even for patterns that RE2 is slow at."""


def unlimited() -> None:
    """What is called between steps where nothing ends an evaluation early."""


def same_sort(one: Type, other: Type) -> bool:
    """Whether two types compare at all: equal ones, and numbers with numbers."""
    return one is other or (one in NUMBERS and other in NUMBERS)


def with_constant(operator: Operator, vector: Vector, value: Any, type_: Type, check: Callable[[], None] = unlimited) -> Bools:
    """The rows of the vector for which `vector operator value` holds. `check` is called between steps, and may raise."""
    wanted = POSITIVE.get(operator, operator)
    out = np.zeros(vector.count, np.bool_)
    for part in vector.parts:
        if not same_sort(part.type, type_):
            continue
        hits = _part_with_constant(wanted, part, value, check)
        out |= _by_row(part.rows, hits, vector.count, negative=operator in POSITIVE)
    return out


def _by_row(rows: Ints | None, hits: Bools, count: int, *, negative: bool) -> Bools:
    """Hits of elements as a mask of rows: any element, or for a negative comparison no element (of at least one)."""
    if rows is None:
        return ~hits if negative else hits
    hit = any_by_row(rows, hits, count)
    if not negative:
        return hit
    there = np.zeros(count, np.bool_)
    there[rows] = True
    return there & ~hit


def elements_with_constant(operator: Operator, part: Part, value: Any, type_: Type) -> Bools:
    """Which single values of a part fulfil a comparison with a constant."""
    if not same_sort(part.type, type_):
        return np.zeros(len(part.values), np.bool_)
    hits = _part_with_constant(POSITIVE.get(operator, operator), part, value)
    return ~hits if operator in POSITIVE else hits


def _part_with_constant(operator: Operator, part: Part, value: Any, check: Callable[[], None] = unlimited) -> Bools:
    if part.type is Type.STRING:
        return text_with_constant(operator, part.values, value, check)
    if part.type in NUMBERS:
        return _number_with_constant(operator, part.values, value)
    out: Bools = part.values == value
    return out


def _number_with_constant(operator: Operator, values: Any, value: int | float) -> Bools:
    """Exact also where an integer column meets a fraction, or a number beyond 64 bits."""
    if isinstance(value, float) and values.dtype.kind == "i" and not math.isnan(value):
        if math.isinf(value) or not value.is_integer():
            return _between_integers(operator, values, value)
        value = int(value)
    if isinstance(value, int) and values.dtype.kind == "i" and not -(2**63) <= value < 2**63:
        return _between_integers(operator, values, math.inf if value > 0 else -math.inf)
    return _numbers(operator, values, np.int64(value) if isinstance(value, int) else np.float64(value))


def _between_integers(operator: Operator, values: Any, value: float) -> Bools:
    """A comparison of integers with a number that none of them can equal."""
    if operator is Operator.EQUAL:
        return np.zeros(len(values), np.bool_)
    if math.isinf(value):
        beyond = (value > 0) == (operator in (Operator.LESS, Operator.LESS_EQUAL))
        return np.full(len(values), beyond)
    floor = math.floor(value)
    out: Bools = values <= floor if operator in (Operator.LESS, Operator.LESS_EQUAL) else values > floor
    return out


def text_with_constant(operator: Operator, column: Any, value: str, check: Callable[[], None] = unlimited) -> Bools:
    """A text column against one text or pattern; of a dictionary only the distinct values are looked at."""
    if pa.types.is_dictionary(column.type):
        if not len(column):
            return np.zeros(0, np.bool_)
        hits: Bools = text_with_constant(operator, column.dictionary, value, check)[np.asarray(column.indices)]
        return hits
    if operator is Operator.MATCHES:
        return _matches(column, value, check)
    return np.asarray(_TEXTUAL[operator](column, pa.scalar(value, pa.string())))


def _matches(column: Any, pattern: str, check: Callable[[], None]) -> Bools:
    """Which texts of a column a pattern matches as a whole."""
    rows = max(len(column) * MATCHED_AT_ONCE // max(column.nbytes * len(pattern), 1), 1)
    pieces = []
    for first in range(0, max(len(column), 1), rows):
        check()
        pieces.append(np.asarray(pc.match_substring_regex(column.slice(first, rows), anchored(pattern))))
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def anchored(pattern: str) -> str:
    """An RE2 pattern that must match the whole text."""
    return rf"\A(?:{pattern})\z"


def columns(operator: Operator, left: Vector, right: Vector) -> Bools:
    """The rows for which `left operator right` holds, for vectors over the same rows."""
    out = np.zeros(left.count, np.bool_)
    for one in left.parts:
        for other in right.parts:
            if same_sort(one.type, other.type):
                out |= _parts(operator, one, other, left.count)
    return out


def _parts(operator: Operator, one: Part, other: Part, count: int) -> Bools:
    wanted, negative = POSITIVE.get(operator, operator), operator in POSITIVE
    if one.rows is None and other.rows is None:
        hits = _elements(wanted, one.type, one.values, other.values)
        return ~hits if negative else hits
    positions, owners = take_owned(other.places, one.places)
    left, right = take(one.values, owners), take(other.values, positions)
    return _by_row(one.places[owners], _elements(wanted, one.type, left, right), count, negative=negative)


def _elements(operator: Operator, type_: Type, left: Any, right: Any) -> Bools:
    if type_ is Type.STRING:
        return np.asarray(_TEXTUAL[operator](plain_text(left), plain_text(right)))
    return _numbers(operator, left, right) if type_ in NUMBERS else np.asarray(_NUMERIC[operator](left, right))


def _numbers(operator: Operator, left: Any, right: Any) -> Bools:
    """Numbers by value: an integer that no float holds differs from every float."""
    if left.dtype.kind == right.dtype.kind:
        out: Bools = _NUMERIC[operator](left, right)
        return out
    order = _order(left, right) if left.dtype.kind == "i" else -_order(right, left)
    return np.asarray(_NUMERIC[operator](order, 0))


def _order(integers: Any, floats: Any) -> NDArray[np.float64]:
    """-1, 0 or 1 where an integer is less than, equal to or greater than a float; NaN where that is NaN."""
    rounded = integers.astype(np.float64)
    order = np.where(np.isnan(floats), np.nan, np.sign(rounded - floats))
    close = (rounded == floats) & (np.abs(floats) >= 2**53)
    if close.any():
        beyond = floats >= 2**63
        exact = np.where(close & ~beyond, floats, 0).astype(np.int64)
        apart = np.where(beyond, -1, np.sign((integers > exact).astype(np.int8) - (integers < exact)))
        order = np.where(close, apart, order)
    return order
