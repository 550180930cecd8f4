"""A second evaluator of TraceQL, to hold the first one against: span by span in plain Python, after the rules of docs/traceql.md.

It shares the parser with the engine, and nothing else: no columns, no pushing down, no joining of sources. It is meant to be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pytempo.traceql import ast
from pytempo.traceql.functions import Family, Operator
from pytempo.traceql.types import Type
from tests.oracle import fields
from tests.oracle.relations import related
from tests.oracle.spans import Value, Word
from tests.oracle.trees import Trace
from tests.oracle.values import Number, calculate, compare, elements, negate, number_of

_TYPES = (str, int, float, bool, Word)

Places: TypeAlias = frozenset[int]
"""Spans of a trace, by their place in it."""


@dataclass(frozen=True)
class Spanset:
    """Spans of one trace that belong together, and what stages said of them: a node (`count()`, `by(x)`) with its value."""

    places: Places
    said: dict[ast.Node, Any] = field(default_factory=dict)


def spansets(pipeline: ast.Pipeline, trace: Trace, inside: Places | None = None) -> list[Spanset]:
    """What a pipeline keeps of a trace (of the spans `inside` it, where they are given)."""
    first, *others = pipeline.stages
    everything = frozenset(range(len(trace.spans))) if inside is None else inside
    found = _unless_empty(_spanset(first, trace, everything))
    for stage in others:
        found = _stage(stage, trace, found)
    return found


def _stage(stage: ast.Stage, trace: Trace, found: list[Spanset]) -> list[Spanset]:
    match stage:
        case ast.AggregateFilter():
            return [replaced for spanset in found for replaced in _aggregate_filter(stage, trace, spanset)]
        case ast.GroupBy(expression):
            return [group for spanset in found for group in _groups(expression, trace, spanset)]
        case ast.Coalesce():
            return _unless_empty(frozenset().union(*(spanset.places for spanset in found)))
        case ast.Select():
            return found
    kept = ((_spanset(stage, trace, spanset.places), spanset.said) for spanset in found)
    return [Spanset(places, said) for places, said in kept if places]


def _unless_empty(places: Places) -> list[Spanset]:
    return [Spanset(places)] if places else []


def _spanset(expression: ast.Stage | ast.Pipeline, trace: Trace, inside: Places) -> Places:
    """The spans that a spanset expression keeps of those that come in."""
    match expression:
        case ast.SpansetFilter(condition):
            return frozenset(place for place in inside if holds(condition, trace, place))
        case ast.SpansetOperation(operator, operands):
            left, *others = (_spanset(operand, trace, inside) for operand in operands)
            for right in others:
                left = _combined(operator, trace, left, right)
            return left
        case ast.Pipeline():
            return frozenset().union(*(spanset.places for spanset in spansets(expression, trace, inside)))
    raise AssertionError(f"{expression} is no spanset")


def _combined(operator: Operator, trace: Trace, left: Places, right: Places) -> Places:
    if operator is Operator.OR:
        return left | right
    if operator is Operator.AND:
        return left | right if left and right else frozenset()
    return related(operator.symbol, trace, left, right)


def _groups(expression: ast.Expression, trace: Trace, spanset: Spanset) -> list[Spanset]:
    """One spanset for every list of values that spans have; in it, values of one type stand together."""
    groups: dict[Any, set[int]] = {}
    shown: dict[Any, Any] = {}
    for place in spanset.places:
        values = [element for value in every_value(expression, trace, place) for element in elements(value)]
        values.sort(key=lambda value: _TYPES.index(type(value)))
        key = tuple((type(value), value) for value in values)
        groups.setdefault(key, set()).add(place)
        shown[key] = None if not values else values[0] if len(values) == 1 else tuple(values)
    return [Spanset(frozenset(places), spanset.said | {ast.GroupBy(expression): shown[key]}) for key, places in groups.items()]


def _aggregate_filter(stage: ast.AggregateFilter, trace: Trace, spanset: Spanset) -> Iterator[Spanset]:
    said: dict[ast.Node, Any] = {}
    left, right = (_number(side, trace, spanset, said) for side in (stage.left, stage.right))
    if compare(stage.operator.symbol, left, right):
        yield Spanset(spanset.places, spanset.said | said)


def _number(expression: ast.Expression, trace: Trace, spanset: Spanset, said: dict[ast.Node, Any]) -> Number | None:
    """A number of a spanset; what aggregates gave on the way is noted in `said`."""
    match expression:
        case ast.Literal(value=value):
            return number_of(value)
        case ast.Unary(_, operand):
            return negate(_number(operand, trace, spanset, said))
        case ast.Arithmetic(operator, operands):
            return _chain(operator, (_number(operand, trace, spanset, said) for operand in operands))
        case ast.ScalarPipeline(pipeline, scalar):
            others = spansets(pipeline, trace)
            return _number(scalar, trace, others[0], {}) if others else None
        case ast.Aggregate():
            said[expression] = _aggregate(expression, trace, spanset)
            return number_of(said[expression])
    raise AssertionError(f"{expression} is no number of a spanset")


def _aggregate(node: ast.Aggregate, trace: Trace, spanset: Spanset) -> Number | None:
    if node.argument is None:
        return len(spanset.places)
    values = [value for place in sorted(spanset.places) for value in every_value(node.argument, trace, place)]
    numbers = [number for value in values for element in elements(value) if (number := number_of(element)) is not None]
    if not numbers:
        return None
    whole = all(isinstance(number, int) for number in numbers)
    if node.function in ("min", "max"):
        extreme = min(numbers) if node.function == "min" else max(numbers)
        return extreme if whole else float(extreme)
    total = _chain(Operator.ADD, numbers if whole else map(float, numbers))
    if node.function == "sum" or total is None:
        return total
    return total // len(numbers) if is_duration(node.argument) and isinstance(total, int) else float(total) / len(numbers)


def is_duration(expression: ast.Expression) -> bool:
    """Whether an expression counts time."""
    match expression:
        case ast.Literal(type=type_):
            return type_ is Type.DURATION
        case ast.Intrinsic():
            return expression.definition.type is Type.DURATION
        case ast.Unary(_, operand):
            return is_duration(operand)
        case ast.Arithmetic(_, operands):
            return any(is_duration(operand) for operand in operands)
    return False


def holds(expression: ast.Expression, trace: Trace, place: int) -> bool:
    """Whether a condition is true for a span."""
    match expression:
        case ast.Literal(value=value):
            return value is True
        case ast.Logical(operator, operands):
            return (all if operator is Operator.AND else any)(holds(operand, trace, place) for operand in operands)
        case ast.Comparison():
            return _comparison(expression, trace, place)
        case ast.Unary(Operator.NOT, operand):
            if not isinstance(operand, ast.Attribute | ast.Intrinsic):
                return not holds(operand, trace, place)
            return _comparison(ast.Comparison(Operator.EQUAL, operand, ast.Literal(False, Type.BOOL)), trace, place)
    return _comparison(ast.Comparison(Operator.EQUAL, expression, ast.Literal(True, Type.BOOL)), trace, place)


def _comparison(node: ast.Comparison, trace: Trace, place: int) -> bool:
    left, right = _with_ids(node.left, node.right), _with_ids(node.right, node.left)
    for asked, other in ((left, right), (right, left)):
        if isinstance(other, ast.Literal) and other.type is Type.NIL:
            return _presence(asked, trace, place, wanted=node.operator is Operator.NOT_EQUAL)
    if node.operator not in (Operator.EQUAL, Operator.NOT_EQUAL):
        left, right = node.left, node.right
    if _are_apart(left, right, trace, place):
        return compare(node.operator.symbol, _all_values(left, trace, place), _all_values(right, trace, place))
    choices = _choices((left, right), trace, place, each=any(isinstance(side, ast.Literal) for side in (left, right)))
    return any(compare(node.operator.symbol, value_of(left, trace, place, rows), value_of(right, trace, place, rows)) for rows in choices)


def _are_apart(left: ast.Expression, right: ast.Expression, trace: Trace, place: int) -> bool:
    """Whether one side is made of events and the other of links, which nothing pairs: any of the one may meet any of the other."""
    kinds = [_kinds_below((side,), trace, place).keys() for side in (left, right)]
    return all(len(each) == 1 for each in kinds) and kinds[0] != kinds[1]


def _all_values(expression: ast.Expression, trace: Trace, place: int) -> Value:
    """The values of an expression for all events or links of a span, as an array."""
    present = [each for each in every_value(expression, trace, place) if each is not None]
    return tuple(element for each in present for element in elements(each)) if present else None


def _presence(asked: ast.Expression, trace: Trace, place: int, *, wanted: bool) -> bool:
    return wanted in [value is not None for value in every_value(asked, trace, place)]


def _with_ids(side: ast.Expression, other: ast.Expression) -> ast.Expression:
    """A text that is compared with an id is one itself."""
    is_id = isinstance(other, ast.Intrinsic) and other.name in fields.ID_DIGITS
    if is_id and isinstance(side, ast.Literal) and isinstance(side.value, str):
        return ast.Literal(fields.identifier(other.name, side.value), Type.STRING)
    return side


def every_value(expression: ast.Expression, trace: Trace, place: int) -> list[Value]:
    """The values of an expression for a span: one, or one for every event or link that it may speak of."""
    return [value_of(expression, trace, place, rows) for rows in _choices((expression,), trace, place)]


def _choices(expressions: Iterable[ast.Expression], trace: Trace, place: int, *, each: bool = False) -> Iterator[fields.Rows]:
    """Every way to single out an event, or a link, where the expressions name one of the two; between both, none is singled out.

    A field without a scope that turns out to be one of events has the values of all, unless `each` is to be compared with a constant.
    """
    counts = _kinds_below(expressions, trace, place, each=each)
    if len(counts) != 1:
        return iter(({},))
    ((rows, count),) = counts.items()
    return ({rows: row} for row in range(count))


def _kinds_below(expressions: Iterable[ast.Expression], trace: Trace, place: int, *, each: bool = False) -> dict[str, int]:
    """What the expressions name below the span, events or links, and how many of them it has."""
    counts: dict[str, int] = {}
    for expression in expressions:
        for named in _own_fields(expression):
            found = fields.below(named, trace, place)
            if found and (not fields.is_unscoped(named) or (each and named is expression)):
                counts |= (found,)
    return counts


def _own_fields(expression: ast.Expression) -> Iterator[ast.Field]:
    """The fields whose values an expression is made of; a condition inside it has made up its own mind."""
    if isinstance(expression, ast.Attribute | ast.Intrinsic):
        yield expression
    elif is_calculation(expression):
        for child in ast.children(expression):
            yield from _own_fields(child)  # type: ignore[arg-type]


def is_calculation(expression: ast.Expression) -> bool:
    """Whether an expression is made by arithmetic."""
    return isinstance(expression, ast.Arithmetic | ast.Unary) and expression.operator.family is Family.ARITHMETIC


def value_of(expression: ast.Expression, trace: Trace, place: int, rows: fields.Rows) -> Value:
    """The value of an expression for a span, of the events and links in `rows`."""
    match expression:
        case ast.Literal(value=value, type=type_):
            return Word(type_.name.lower(), str(value)) if type_ in (Type.STATUS, Type.KIND) else value
        case ast.Attribute() | ast.Intrinsic():
            return fields.value(expression, trace, place, rows)
        case ast.Unary(Operator.NEGATE, operand):
            return negate(number_of(value_of(operand, trace, place, rows)))
        case ast.Arithmetic(operator, operands):
            return _chain(operator, (number_of(value_of(operand, trace, place, rows)) for operand in operands))
    return holds(expression, trace, place)


def _chain(operator: Operator, numbers: Iterable[Number | None]) -> Number | None:
    total, *others = numbers
    for number in others:
        total = calculate(operator.symbol, total, number)
    return total
