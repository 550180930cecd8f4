"""Refuses queries whose parts do not fit together: types, ranges of arguments, patterns, hints.

Attributes have the type that each span gives them, so that whatever depends on one alone is accepted here and simply does
not match where the type turns out otherwise.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pytempo.errors import BadQuery
from pytempo.traceql.ast import (
    Aggregate,
    AggregateFilter,
    Arithmetic,
    Attribute,
    Compare,
    Comparison,
    Expression,
    GroupBy,
    Hint,
    Intrinsic,
    Literal,
    Logical,
    Node,
    Query,
    RangeAggregate,
    ScalarPipeline,
    Scope,
    SeriesFilter,
    SeriesOperation,
    SeriesRank,
    SpansetFilter,
    Unary,
    walk,
)
from pytempo.traceql.functions import HINTS, Operator
from pytempo.traceql.printer import to_text
from pytempo.traceql.spelling import excerpt, suggest_hint
from pytempo.traceql.types import NUMBERS, Type

__all__ = ["check", "type_of"]

_PATTERNS = (Operator.MATCHES, Operator.NOT_MATCHES)
_EQUALITIES = (Operator.EQUAL, Operator.NOT_EQUAL)
_ONE_EMPTY_TEXT = pa.array([""])


def check(query: Query) -> Query:
    """The same query, if all of it makes sense; BadQuery with the place of the first part that does not."""
    for node in walk(query):
        _check_node(node)
    return query


def _check_node(node: Node) -> None:
    match node:
        case SpansetFilter(condition):
            _expect_truth(condition)
        case AggregateFilter():
            _check_aggregate_filter(node)
        case ScalarPipeline(_, scalar):
            _expect_aggregate(scalar)
        case GroupBy(expression):
            type_of(expression)
            _expect_field(expression, "by()")
        case RangeAggregate(quantiles=quantiles) if any(not 0 <= quantile <= 1 for quantile in quantiles):
            raise BadQuery("quantiles lie between 0 and 1", *node.position)
        case Compare():
            _check_compare(node)
        case SeriesOperation() | SeriesFilter() | SeriesRank():
            _check_series(node)
        case Hint():
            _check_hint(node)


def type_of(expression: Expression) -> Type:
    """The type of an expression's values; ANY where spans decide. Raises BadQuery where its parts do not fit."""
    match expression:
        case Literal(type=type_):
            return type_
        case Attribute():
            return Type.ANY
        case Intrinsic():
            return expression.definition.type
        case Unary(operator, operand):
            type_ = _accept(operator, operand, type_of(operand))
            return Type.BOOL if operator is Operator.NOT else type_
        case Arithmetic(operator, operands):
            return _calculated([_accept(operator, operand, type_of(operand)) for operand in operands])
        case Logical(operator, operands):
            for operand in operands:
                _accept(operator, operand, type_of(operand))
            return Type.BOOL
        case Comparison():
            _check_comparison(expression)
            return Type.BOOL
        case Aggregate():
            return _type_of_aggregate(expression)
        case ScalarPipeline(_, scalar):
            return type_of(scalar)


def _accept(operator: Operator, operand: Expression, type_: Type) -> Type:
    """The operand's type, if the operator accepts it."""
    if type_ is not Type.ANY and type_ not in operator.accepts:
        raise BadQuery(f"`{operator.symbol}` does not work on {type_.value}, which `{_shown(operand)}` is", *operand.position)
    return type_


def _calculated(types: list[Type]) -> Type:
    for type_ in (Type.DURATION, Type.FLOAT, Type.ANY):
        if type_ in types:
            return Type.FLOAT if type_ is Type.ANY else type_
    return Type.INT


def _check_comparison(node: Comparison) -> None:
    operator, left, right = node.operator, type_of(node.left), type_of(node.right)
    if Type.NIL in (left, right):
        _check_nil(node)
        return
    _accept(operator, node.left, left)
    _accept(operator, node.right, right)
    if not _comparable(left, right):
        message = f"`{_shown(node.left)}` is {left.value} and `{_shown(node.right)}` is {right.value}: they never compare"
        raise BadQuery(message, *node.position)
    if operator in _PATTERNS:
        _check_pattern(operator, node.right)


def _comparable(left: Type, right: Type) -> bool:
    return Type.ANY in (left, right) or left is right or (left in NUMBERS and right in NUMBERS)


def _check_nil(node: Comparison) -> None:
    """`nil` asks whether something is there: only by `=` and `!=`, only of fields, and `=` only of what may be absent."""
    if node.operator not in _EQUALITIES:
        raise BadQuery(f"nil is compared by `=` and `!=`, not by `{node.operator.symbol}`", *node.position)
    others = [side for side in (node.left, node.right) if not _is_nil(side)]
    if len(others) != 1 or not _has_field(others[0]):
        raise BadQuery("one side of this comparison must be nil and the other a field, as in { span.http.route != nil }", *node.position)
    if node.operator is Operator.EQUAL and not _may_be_absent(others[0]):
        raise BadQuery(f"`{_shown(others[0])}` is never nil", *others[0].position)


def _shown(expression: Expression) -> str:
    """The expression as messages show it: an intrinsic as the query spells it."""
    return expression.spelling if isinstance(expression, Intrinsic) else excerpt(to_text(expression))


def _is_nil(expression: Expression) -> bool:
    return isinstance(expression, Literal) and expression.type is Type.NIL


def _may_be_absent(expression: Expression) -> bool:
    match expression:
        case Attribute(Scope.RESOURCE, "service.name", False):
            return False
        case Attribute() | Intrinsic(name="parent"):
            return True
        case Unary(Operator.NEGATE, operand):
            return _may_be_absent(operand)
        case Arithmetic(_, operands):
            return any(_may_be_absent(operand) for operand in operands)
    return False


def _has_field(expression: Expression) -> bool:
    return any(isinstance(node, Attribute | Intrinsic) for node in walk(expression))


def _check_pattern(operator: Operator, pattern: Expression) -> None:
    """The pattern must be written out and be one of RE2; it is compiled here, on the way to being tried on one empty text."""
    if not isinstance(pattern, Literal) or not isinstance(pattern.value, str):
        raise BadQuery(f"behind `{operator.symbol}` a pattern in quotes must stand", *pattern.position)
    try:
        pc.match_substring_regex(_ONE_EMPTY_TEXT, pattern=pattern.value)
    except pa.ArrowInvalid as error:
        reason = str(error).removeprefix("Invalid regular expression: ")
        raise BadQuery(f"{_shown(pattern)} is not a regular expression of RE2: {reason}", *pattern.position) from None


def _expect_truth(condition: Expression) -> None:
    type_ = type_of(condition)
    if type_ not in (Type.BOOL, Type.ANY):
        raise BadQuery(f"the braces need a condition; `{_shown(condition)}` is {type_.value}", *condition.position)


def _expect_field(expression: Expression, where: str) -> None:
    if not _has_field(expression):
        raise BadQuery(f"{where} needs a field; `{_shown(expression)}` is the same for every span", *expression.position)


def _type_of_aggregate(aggregate: Aggregate) -> Type:
    if aggregate.argument is None:
        return Type.INT
    argument, name = aggregate.argument, f"{aggregate.function}()"
    type_ = type_of(argument)
    if type_ not in NUMBERS | {Type.ANY}:
        raise BadQuery(f"{name} works on numbers; `{_shown(argument)}` is {type_.value}", *argument.position)
    _expect_field(argument, name)
    return Type.FLOAT if type_ is Type.ANY else type_


def _check_aggregate_filter(node: AggregateFilter) -> None:
    for side in (node.left, node.right):
        type_ = type_of(side)
        if type_ not in NUMBERS:
            raise BadQuery(f"numbers of spansets compare with numbers; `{_shown(side)}` is {type_.value}", *side.position)
    if node.operator in _PATTERNS:
        raise BadQuery(f"`{node.operator.symbol}` does not work on numbers", *node.position)
    if not _has_aggregate(node.left) and not _has_aggregate(node.right):
        raise BadQuery("this comparison is the same for every spanset; one side needs an aggregate, such as count()", *node.position)


def _has_aggregate(expression: Expression) -> bool:
    return any(isinstance(node, Aggregate) for node in walk(expression))


def _expect_aggregate(scalar: Expression) -> None:
    if type_of(scalar) not in NUMBERS or not _has_aggregate(scalar):
        raise BadQuery(f"an aggregate such as count() must stand here; `{_shown(scalar)}` is none", *scalar.position)


def _check_compare(node: Compare) -> None:
    if node.top < 1:
        raise BadQuery(f"compare() shows at least 1 value of each attribute, not {node.top}", *node.position)
    if (node.start is None) != (node.end is None):
        raise BadQuery("compare() takes a start and an end (unix nanoseconds), or neither", *node.position)
    if node.start is not None and node.end is not None and not 0 <= node.start <= node.end:
        raise BadQuery(f"compare() takes a start from 1970 on and an end not before it, not {node.start} and {node.end}", *node.position)


def _check_series(node: SeriesOperation | SeriesFilter | SeriesRank) -> None:
    match node:
        case SeriesOperation(operator, operands):
            for operand in operands:
                if isinstance(operand, Literal) and operand.type not in (Type.INT, Type.FLOAT):
                    message = f"`{operator.symbol}` joins time series with plain numbers, not with {operand.type.value}"
                    raise BadQuery(message, *operand.position)
            sources = [operand for operand in operands if not isinstance(operand, Literal)]
        case SeriesFilter(series, _, threshold):
            if threshold.type not in NUMBERS:
                raise BadQuery(f"time series compare with numbers and durations, not with {threshold.type.value}", *threshold.position)
            sources = [series]
        case SeriesRank(series, function, limit):
            if limit < 1:
                raise BadQuery(f"{function}() keeps at least 1 series, not {limit}", *node.position)
            sources = [series]
    for source in sources:
        if isinstance(source, Compare):
            raise BadQuery("compare() stands alone: its series cannot be joined, compared or ranked", *source.position)


def _check_hint(hint: Hint) -> None:
    accepted = HINTS.get(hint.name)
    if accepted is None:
        raise BadQuery(suggest_hint(hint.name), *hint.position)
    if hint.value.type not in accepted:
        wanted = " or ".join(sorted(type_.value for type_ in accepted))
        raise BadQuery(f"the hint `{hint.name}` takes {wanted}, not {hint.value.type.value}", *hint.value.position)
