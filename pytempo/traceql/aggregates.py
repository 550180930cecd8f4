"""Numbers of spansets: count, avg, min, max and sum, their arithmetic and comparison, one number a spanset, on whole arrays.

Absent values are left out; a spanset without any value has no number, and a comparison with it is false.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pytempo.model import Level
from pytempo.model.arrays import Bools, Ints
from pytempo.traceql import arithmetic, ast, compare
from pytempo.traceql.arithmetic import Numbers
from pytempo.traceql.functions import Operator
from pytempo.traceql.types import NUMBERS, Type
from pytempo.traceql.vector import Vector

Elements = tuple[Ints, NDArray[np.int64], NDArray[np.float64], Bools]
"""Values [k] to aggregate: the spanset of each, the value as integer, as float, and whether it is an integer."""


def elements(vector: Vector, spans: Ints, sets: Ints) -> Elements:
    """The numbers that the spans of spansets have; of an array, and of several events, every one counts."""
    owners, ints, floats, integer = [], [], [], []
    order = np.argsort(spans, kind="stable")
    for part in vector.parts:
        if part.type not in NUMBERS:
            continue
        rows = part.places
        first = np.searchsorted(spans[order], rows, side="left")
        counts = np.searchsorted(spans[order], rows, side="right") - first
        from_row = np.repeat(np.arange(len(rows)), counts)
        within = np.arange(len(from_row)) - np.repeat(np.cumsum(counts) - counts, counts)
        owners.append(sets[order][np.repeat(first, counts) + within])
        whole = part.type is not Type.FLOAT
        ints.append(part.values[from_row].astype(np.int64) if whole else np.zeros(len(from_row), np.int64))
        floats.append(part.values[from_row].astype(np.float64))
        integer.append(np.full(len(from_row), whole))
    if not owners:
        nothing = np.empty(0, np.int64)
        return nothing, nothing, nothing.astype(np.float64), nothing.astype(np.bool_)
    return np.concatenate(owners), np.concatenate(ints), np.concatenate(floats), np.concatenate(integer)


def count(sets: Ints, number: int) -> Numbers:
    """`count()` of every spanset."""
    ints = np.bincount(sets, minlength=number).astype(np.int64)
    return Numbers(np.ones(number, np.bool_), np.ones(number, np.bool_), ints, ints.astype(np.float64))


def aggregate(function: str, found: Elements, number: int, *, duration: bool) -> Numbers:
    """`avg`, `min`, `max` or `sum` of every spanset. The average of whole nanoseconds is cut down to such, any other is a float."""
    owners, ints, floats, integer = found
    counts = np.bincount(owners, minlength=number)
    valid = counts > 0
    whole = valid & (np.bincount(owners, weights=~integer, minlength=number) == 0)
    if function in ("min", "max"):
        return _extreme(function, found, number, valid, whole)
    total = np.zeros(number, np.int64)
    np.add.at(total, owners, ints)
    sums = np.where(whole, total.astype(np.float64), np.bincount(owners, weights=floats, minlength=number))
    if function == "sum":
        return Numbers(valid, whole, total, sums)
    divisor = np.maximum(counts, 1)
    if duration:
        means = total // divisor
        return Numbers(valid, whole, means, np.where(whole, means.astype(np.float64), sums / divisor))
    return Numbers(valid, np.zeros(number, np.bool_), np.zeros(number, np.int64), sums / divisor)


def _extreme(function: str, found: Elements, number: int, valid: Bools, whole: Bools) -> Numbers:
    owners, ints, floats, _ = found
    least = function == "min"
    pick = np.minimum if least else np.maximum
    best_int = np.full(number, 2**63 - 1 if least else -(2**63), np.int64)
    best_float = np.full(number, np.inf if least else -np.inf)
    pick.at(best_int, owners, ints)
    with np.errstate(invalid="ignore"):  # a NaN makes its whole spanset NaN, which fulfils no comparison
        pick.at(best_float, owners, floats)
    return Numbers(valid, whole, np.where(whole, best_int, 0), np.where(valid, best_float, 0.0))


def evaluate(expression: ast.Expression, number: int, leaf: Callable[[ast.Aggregate | ast.ScalarPipeline], Numbers]) -> Numbers:
    """An expression over aggregates, one number a spanset; `leaf` gives those of the aggregates themselves."""
    if isinstance(expression, ast.Literal):
        assert isinstance(expression.value, int | float)
        return arithmetic.constant(expression.value, number)
    if isinstance(expression, ast.Unary):
        return arithmetic.negate(evaluate(expression.operand, number, leaf))
    if isinstance(expression, ast.Arithmetic):
        first, *others = expression.operands
        out = evaluate(first, number, leaf)
        for other in others:
            out = arithmetic.combine(expression.operator, out, evaluate(other, number, leaf))
        return out
    assert isinstance(expression, ast.Aggregate | ast.ScalarPipeline)
    return leaf(expression)


def holds(operator: Operator, left: Numbers, right: Numbers) -> Bools:
    """The spansets for which the comparison of their numbers is true."""
    return compare.columns(operator, arithmetic.to_vector(left, Level.SPAN), arithmetic.to_vector(right, Level.SPAN))


def is_duration(expression: ast.Expression) -> bool:
    """Whether an expression's numbers are durations, so that an answer writes them as such."""
    if isinstance(expression, ast.Intrinsic):
        return expression.definition.type is Type.DURATION
    if isinstance(expression, ast.Literal):
        return expression.type is Type.DURATION
    if isinstance(expression, ast.Unary):
        return is_duration(expression.operand)
    return isinstance(expression, ast.Arithmetic) and any(is_duration(operand) for operand in expression.operands)
