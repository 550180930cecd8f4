"""The tables of operators, functions and hints: what each is called, how it binds and what it accepts.

`parser` shapes the tree by these tables, `printer` sets parentheses by them and `check` refuses by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from pytempo.traceql.types import NUMBERS, Type

__all__ = ["FUNCTIONS", "HINTS", "Family", "Function", "Operator", "Parameter", "Yields"]


class Family(Enum):
    """What an operator does with its operands; the enum's value is how messages call it."""

    LOGICAL = "a logical operator"
    COMPARISON = "a comparison"
    STRUCTURAL = "a structural operator"
    ARITHMETIC = "an arithmetic operator"


_ALL = frozenset(Type) - {Type.ANY}
_ORDERED = NUMBERS | {Type.STRING}
_TEXT = frozenset({Type.STRING})
_TRUTH = frozenset({Type.BOOL})
_NONE: frozenset[Type] = frozenset()


class Operator(Enum):
    """Every operator: symbol, family, binding (higher binds tighter) and the value types that it accepts.

    `&&` and `||` bind alike, from left to right, between conditions and between spansets; the structural operators
    bind as comparisons do. Attributes, whose type is not known beforehand, are accepted by all.
    """

    AND = ("&&", Family.LOGICAL, 1, _TRUTH)
    OR = ("||", Family.LOGICAL, 1, _TRUTH)

    EQUAL = ("=", Family.COMPARISON, 2, _ALL)
    NOT_EQUAL = ("!=", Family.COMPARISON, 2, _ALL)
    LESS = ("<", Family.COMPARISON, 2, _ORDERED)
    LESS_EQUAL = ("<=", Family.COMPARISON, 2, _ORDERED)
    GREATER = (">", Family.COMPARISON, 2, _ORDERED)
    GREATER_EQUAL = (">=", Family.COMPARISON, 2, _ORDERED)
    MATCHES = ("=~", Family.COMPARISON, 2, _TEXT)
    NOT_MATCHES = ("!~", Family.COMPARISON, 2, _TEXT)

    CHILD = (">", Family.STRUCTURAL, 2, _NONE)
    DESCENDANT = (">>", Family.STRUCTURAL, 2, _NONE)
    PARENT = ("<", Family.STRUCTURAL, 2, _NONE)
    ANCESTOR = ("<<", Family.STRUCTURAL, 2, _NONE)
    SIBLING = ("~", Family.STRUCTURAL, 2, _NONE)
    NOT_CHILD = ("!>", Family.STRUCTURAL, 2, _NONE)
    NOT_DESCENDANT = ("!>>", Family.STRUCTURAL, 2, _NONE)
    NOT_PARENT = ("!<", Family.STRUCTURAL, 2, _NONE)
    NOT_ANCESTOR = ("!<<", Family.STRUCTURAL, 2, _NONE)
    NOT_SIBLING = ("!~", Family.STRUCTURAL, 2, _NONE)
    UNION_CHILD = ("&>", Family.STRUCTURAL, 2, _NONE)
    UNION_DESCENDANT = ("&>>", Family.STRUCTURAL, 2, _NONE)
    UNION_PARENT = ("&<", Family.STRUCTURAL, 2, _NONE)
    UNION_ANCESTOR = ("&<<", Family.STRUCTURAL, 2, _NONE)
    UNION_SIBLING = ("&~", Family.STRUCTURAL, 2, _NONE)

    ADD = ("+", Family.ARITHMETIC, 3, NUMBERS)
    SUBTRACT = ("-", Family.ARITHMETIC, 3, NUMBERS)
    MULTIPLY = ("*", Family.ARITHMETIC, 4, NUMBERS)
    DIVIDE = ("/", Family.ARITHMETIC, 4, NUMBERS)
    MODULO = ("%", Family.ARITHMETIC, 4, NUMBERS)
    NEGATE = ("-", Family.ARITHMETIC, 5, NUMBERS)
    NOT = ("!", Family.LOGICAL, 5, _TRUTH)
    POWER = ("^", Family.ARITHMETIC, 6, NUMBERS)

    def __init__(self, symbol: str, family: Family, binding: int, accepts: frozenset[Type]) -> None:
        self.symbol = symbol
        self.family = family
        self.binding = binding
        self.accepts = accepts


class Yields(Enum):
    """What a function makes of what comes in through the pipe."""

    NUMBER = "a spanset becomes a number"
    SPANSETS = "spansets become other spansets"
    SERIES = "spans become time series"
    RANKED = "time series become fewer time series"


class Parameter(Enum):
    """What may stand for an argument; the enum's value is how messages call it."""

    EXPRESSION = "an expression, such as duration"
    FIELD = "a field, such as duration or span.http.route"
    FILTER = "a filter in braces, such as { status = error }"
    INTEGER = "an integer"
    NUMBER = "a number"


@dataclass(frozen=True, slots=True)
class Function:
    """One row of the table: `usage` is an example; the last `optional` parameters may be left out, the last one may repeat."""

    name: str
    yields: Yields
    usage: str
    parameters: tuple[Parameter, ...] = ()
    optional: int = 0
    repeats: bool = False


_EXPRESSION, _FIELD, _INTEGER = (Parameter.EXPRESSION,), (Parameter.FIELD,), (Parameter.INTEGER,)

_ROWS = (
    Function("count", Yields.NUMBER, "count()"),
    Function("avg", Yields.NUMBER, "avg(duration)", _EXPRESSION),
    Function("min", Yields.NUMBER, "min(duration)", _EXPRESSION),
    Function("max", Yields.NUMBER, "max(duration)", _EXPRESSION),
    Function("sum", Yields.NUMBER, "sum(duration)", _EXPRESSION),
    Function("by", Yields.SPANSETS, "by(resource.service.name)", _EXPRESSION),
    Function("coalesce", Yields.SPANSETS, "coalesce()"),
    Function("select", Yields.SPANSETS, "select(name, span.http.route)", _FIELD, repeats=True),
    Function("rate", Yields.SERIES, "rate()"),
    Function("count_over_time", Yields.SERIES, "count_over_time()"),
    Function("min_over_time", Yields.SERIES, "min_over_time(duration)", _FIELD),
    Function("max_over_time", Yields.SERIES, "max_over_time(duration)", _FIELD),
    Function("avg_over_time", Yields.SERIES, "avg_over_time(duration)", _FIELD),
    Function("sum_over_time", Yields.SERIES, "sum_over_time(duration)", _FIELD),
    Function("histogram_over_time", Yields.SERIES, "histogram_over_time(duration)", _FIELD),
    Function(
        "quantile_over_time",
        Yields.SERIES,
        "quantile_over_time(duration, .5, .99)",
        (Parameter.FIELD, Parameter.NUMBER),
        repeats=True,
    ),
    Function(
        "compare",
        Yields.SERIES,
        "compare({ status = error }, 10)",
        (Parameter.FILTER, Parameter.INTEGER, Parameter.INTEGER, Parameter.INTEGER),
        optional=3,
    ),
    Function("topk", Yields.RANKED, "topk(10)", _INTEGER),
    Function("bottomk", Yields.RANKED, "bottomk(10)", _INTEGER),
)

FUNCTIONS: dict[str, Function] = {row.name: row for row in _ROWS}
"""Name -> function."""

HINTS: dict[str, frozenset[Type]] = {
    "most_recent": frozenset({Type.BOOL}),
    "exemplars": frozenset({Type.BOOL, Type.INT}),
    "sample": frozenset({Type.BOOL, Type.INT, Type.FLOAT}),
    "span_sample": frozenset({Type.BOOL, Type.INT, Type.FLOAT}),
    "trace_sample": frozenset({Type.BOOL, Type.INT, Type.FLOAT}),
}
"""Hint -> the types its value may have."""
