"""Works out arithmetic between plain numbers beforehand, where the tree has room for one number only."""

from __future__ import annotations

import math

from pytempo.errors import BadQuery
from pytempo.traceql.ast import Arithmetic, Expression, Literal, Position
from pytempo.traceql.functions import Operator
from pytempo.traceql.lexemes import MAX_INT, MIN_INT
from pytempo.traceql.types import NUMBERS, Type

__all__ = ["combine", "fold"]

_LARGEST_POWER = 1100
"""Exponent beyond which no power of an integer fits a float."""


def fold(expression: Expression) -> Literal:
    """The one value of an expression of literals; integers divide as integers, towards zero.

    Raises BadQuery where the expression is none (it asks spans) or its value is none (a division by zero, 64 bits exceeded).
    Call it on trees of bounded depth only.
    """
    if isinstance(expression, Literal):
        return expression
    if not isinstance(expression, Arithmetic):
        raise BadQuery("time series join with time series and with plain numbers only", *expression.position)
    first, *rest = (fold(operand) for operand in expression.operands)
    for right in rest:
        first = combine(expression.operator, first, right)
    return first


def combine(operator: Operator, left: Literal, right: Literal) -> Literal:
    """`left operator right` for two number literals."""
    for side in (left, right):
        if side.type not in NUMBERS:
            raise BadQuery(f"`{operator.symbol}` needs numbers; this is {side.type.value}", *side.position)
    a, b = left.value, right.value
    assert isinstance(a, int | float)
    assert isinstance(b, int | float)
    type_ = _type_of(left.type, right.type)
    return Literal(_rounded(_calculate(operator, a, b, right.position), type_, left.position), type_, position=left.position)


def _type_of(left: Type, right: Type) -> Type:
    return Type.DURATION if Type.DURATION in (left, right) else Type.FLOAT if Type.FLOAT in (left, right) else Type.INT


def _calculate(operator: Operator, a: int | float, b: int | float, position: Position) -> int | float:
    try:
        match operator:
            case Operator.ADD:
                return a + b
            case Operator.SUBTRACT:
                return a - b
            case Operator.MULTIPLY:
                return a * b
            case Operator.POWER:
                return math.pow(a, b) if isinstance(a, float) or not 0 <= b <= _LARGEST_POWER else a**b
        quotient = a / b if isinstance(a, float) or isinstance(b, float) else abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return quotient if operator is Operator.DIVIDE else math.fmod(a, b) if isinstance(quotient, float) else a - b * quotient
    except (ArithmeticError, ValueError) as error:
        raise BadQuery(f"`{a} {operator.symbol} {b}` has no value", *position) from error


def _rounded(value: int | float, type_: Type, position: Position) -> int | float:
    if type_ is Type.FLOAT:
        if not math.isfinite(value):
            raise BadQuery("this calculation does not fit into a float", *position)
        return float(value)
    if not MIN_INT <= value <= MAX_INT:
        raise BadQuery("this calculation does not fit into 64 bits", *position)
    return int(value)
