"""Comparisons and arithmetic between single values, by the rules of docs/traceql.md: written out plainly, for one pair at a time."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.oracle.spans import Other, Value, Word

Number = int | float

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=~": lambda text, pattern: re.fullmatch(pattern, text, re.ASCII) is not None,
}
_NEGATIVE = {"!=": "=", "!~": "=~"}


def compare(symbol: str, left: Value, right: Value) -> bool:
    """Whether `left symbol right` holds: for any two elements that compare, or, if it is negative, for none of at least two that do."""
    pairs = [(one, other) for one in elements(left) for other in elements(right) if sort_of(one) == sort_of(other)]
    if symbol in _NEGATIVE:
        positive = _COMPARISONS[_NEGATIVE[symbol]]
        return bool(pairs) and not any(positive(one, other) for one, other in pairs)
    return any(_COMPARISONS[symbol](one, other) for one, other in pairs)


def elements(value: Value) -> tuple[Any, ...]:
    """What comparisons look at: an array's elements, a scalar itself, nothing of nothing and of what has no type."""
    if value is None or isinstance(value, Other):
        return ()
    return value if isinstance(value, tuple) else (value,)


def sort_of(value: Any) -> str:
    """Values of one sort compare with each other."""
    if isinstance(value, Word):
        return value.sort
    if isinstance(value, bool):
        return "truth"
    return "text" if isinstance(value, str) else "number"


def number_of(value: Value) -> Number | None:
    """The value as arithmetic takes it: single numbers only."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def negate(value: Number | None) -> Number | None:
    """`-value`."""
    return None if value is None else wrap(-value)


def calculate(symbol: str, left: Number | None, right: Number | None) -> Number | None:
    """`left symbol right`; None where it has no value."""
    if left is None or right is None or (symbol in "/%" and right == 0):
        return None
    if symbol == "^":
        return _power(left, right)
    if isinstance(left, int) and isinstance(right, int):
        return wrap(_of_integers(symbol, left, right))
    result = _of_floats(symbol, float(left), float(right))
    return None if math.isnan(result) else result


def wrap(value: Number) -> Number:
    """Integers have 64 bits."""
    return value if isinstance(value, float) else (value + 2**63) % 2**64 - 2**63


def _of_integers(symbol: str, left: int, right: int) -> int:
    if symbol in "/%":
        quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
        return quotient if symbol == "/" else left - right * quotient
    return {"+": operator.add, "-": operator.sub, "*": operator.mul}[symbol](left, right)  # type: ignore[no-any-return]


def _of_floats(symbol: str, left: float, right: float) -> float:
    if symbol == "%":
        return math.nan if math.isinf(left) else math.fmod(left, right)
    return {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[symbol](left, right)  # type: ignore[no-any-return]


def _power(left: Number, right: Number) -> Number | None:
    """An integer where both are integers and a float holds it exactly, else a float, infinite where it grows beyond."""
    with np.errstate(all="ignore"):
        result = float(np.power(np.float64(left), np.float64(right)))
    if isinstance(left, int) and isinstance(right, int) and right >= 0 and abs(result) < 2**53:
        return int(result)
    return None if math.isnan(result) else result
