"""Writes a tree as TraceQL: one text for equal trees, which reads back as the same tree."""

from __future__ import annotations

from collections.abc import Iterable

from pytempo.traceql.ast import (
    Aggregate,
    AggregateFilter,
    Arithmetic,
    Attribute,
    Coalesce,
    Compare,
    Comparison,
    GroupBy,
    Hint,
    Intrinsic,
    Literal,
    Logical,
    Node,
    Pipeline,
    Query,
    RangeAggregate,
    ScalarPipeline,
    Select,
    SeriesFilter,
    SeriesOperation,
    SeriesRank,
    SpansetFilter,
    SpansetOperation,
    Unary,
)
from pytempo.traceql.functions import Family, Operator
from pytempo.traceql.lexemes import write_attribute, write_duration, write_float, write_integer, write_text
from pytempo.traceql.types import NUMBERS, Type

__all__ = ["to_text"]

_TIGHTEST = 9
"""The binding of what needs no parentheses anywhere."""


def to_text(node: Node) -> str:
    """The canonical text: intrinsics in their canonical spelling, text in double quotes, parentheses where the tree needs them."""
    match node:
        case Literal():
            return _literal(node)
        case Attribute(scope, name, of_parent):
            prefix = f"{scope.value}." if scope.value else ""
            return write_attribute(f"parent.{prefix}" if of_parent else prefix or ".", name)
        case Intrinsic(name):
            return name
        case Unary(operator, operand):
            return operator.symbol + _bound(operand, operator.binding - 1)
        case Arithmetic(operator, operands) | Logical(operator, operands) | SpansetOperation(operator, operands):
            return _chain(operator, operands)
        case SeriesOperation(operator, operands):
            return _chain(operator, operands)
        case Comparison(operator, left, right) | AggregateFilter(operator, left, right):
            return f"{_bound(left, operator.binding)} {operator.symbol} {_bound(right, operator.binding)}"
        case SpansetFilter(condition):
            return "{ }" if _is_true(condition) else f"{{ {to_text(condition)} }}"
        case Hint(name, value):
            return f"{name}={to_text(value)}"
        case Query(expression, hints):
            return to_text(expression) + (f" with ({_listed(hints)})" if hints else "")
    return _stage(node)


def _stage(node: Node) -> str:
    match node:
        case Pipeline(stages):
            return " | ".join(to_text(stage) for stage in stages)
        case ScalarPipeline(pipeline, scalar):
            return f"({to_text(pipeline)} | {to_text(scalar)})"
        case Aggregate(function, argument):
            return f"{function}({'' if argument is None else to_text(argument)})"
        case GroupBy(expression):
            return f"by({to_text(expression)})"
        case Coalesce():
            return "coalesce()"
        case Select(fields):
            return f"select({_listed(fields)})"
    return _series(node)


def _series(node: Node) -> str:
    match node:
        case RangeAggregate(pipeline, function, argument, quantiles, by):
            arguments = [to_text(argument)] if argument is not None else []
            arguments += [write_float(quantile) for quantile in quantiles]
            groups = f" by ({_listed(by)})" if by else ""
            return f"{to_text(pipeline)} | {function}({', '.join(arguments)}){groups}"
        case Compare(pipeline, selection, top, start, end):
            numbers = [top, *(time for time in (start, end) if time is not None)]
            return f"{to_text(pipeline)} | compare({', '.join((to_text(selection), *map(write_integer, numbers)))})"
        case SeriesFilter(series, operator, threshold):
            return f"({to_text(series)}) {operator.symbol} {to_text(threshold)}"
        case SeriesRank(series, function, limit):
            return f"({to_text(series)}) | {function}({write_integer(limit)})"
    raise TypeError(f"{type(node).__name__} has no text")


def _literal(node: Literal) -> str:
    match node.type, node.value:
        case Type.NIL, _:
            return "nil"
        case Type.BOOL, value:
            return "true" if value else "false"
        case Type.STRING, str(value):
            return write_text(value)
        case Type.INT, int(value):
            return write_integer(value)
        case Type.DURATION, int(value):
            return write_duration(value)
        case Type.FLOAT, float(value):
            return write_float(value)
    return str(node.value)


def _chain(operator: Operator, operands: tuple[Node, ...]) -> str:
    first, *rest = operands
    # Chains run from left to right, so the first operand may bind as tightly; powers run from right to left, so the last one may.
    # `a || b && c` would be right, too, but not everybody reads it so.
    is_power = operator is Operator.POWER
    at_the_left = operator.binding if is_power or operator.family is Family.LOGICAL else operator.binding - 1
    at_the_right = Operator.NEGATE.binding - 1 if is_power else operator.binding
    parts = [_bound(first, at_the_left), *(_bound(operand, at_the_right) for operand in rest)]
    return f" {operator.symbol} ".join(parts)


def _bound(operand: Node, binding: int) -> str:
    """The operand, in parentheses unless it binds tighter than `binding`."""
    text = to_text(operand)
    return text if _binding(operand) > binding else f"({text})"


def _binding(node: Node) -> int:
    match node:
        case Unary(operator) | Arithmetic(operator) | Comparison(operator) | Logical(operator):
            return operator.binding
        case SpansetOperation(operator) | SeriesOperation(operator):
            return operator.binding
        case Literal(value) if node.type in NUMBERS and isinstance(value, int | float) and str(value).startswith("-"):
            return Operator.NEGATE.binding
        case Pipeline() | RangeAggregate() | Compare() | SeriesFilter() | SeriesRank():
            return 0
    return _TIGHTEST


def _is_true(condition: Node) -> bool:
    return condition == Literal(True, Type.BOOL)


def _listed(nodes: Iterable[Node]) -> str:
    return ", ".join(map(to_text, nodes))
