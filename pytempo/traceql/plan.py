"""From a query to what must be read for it: columns and attributes, and conditions that let a source leave things out."""

from __future__ import annotations

from dataclasses import dataclass

from pytempo.model import AttributeName, Condition, Level, Scan
from pytempo.model.levels import PARENT
from pytempo.traceql import ast, fields
from pytempo.traceql.ast import Scope
from pytempo.traceql.functions import Operator
from pytempo.traceql.types import KINDS, STATUSES, Type

ORDER = frozenset({(Level.TRACE, "start"), (Level.TRACE, "end")})
"""What answers of a search are ordered by."""

TIME = frozenset({(Level.SPAN, "start")})
"""What spans are laid into intervals by."""

NEGATIVE = (
    Operator.NOT_CHILD,
    Operator.NOT_PARENT,
    Operator.NOT_DESCENDANT,
    Operator.NOT_ANCESTOR,
    Operator.NOT_SIBLING,
)
"""Structural operators that need nothing of their left side."""


UNUSED = ("event:timeSinceStart", "span:childCount")
"""Intrinsics that no source has statistics of, in the form in which they compare."""


@dataclass(frozen=True, slots=True)
class Needs:
    """Conditions of which every one (`all`) or at least one must be met somewhere in a trace that the query keeps; none says nothing."""

    conditions: tuple[Condition, ...] = ()
    all: bool = True


def scan(query: ast.Query, start: int, end: int) -> Scan:
    """What a query reads; times in unix nanoseconds, inclusive."""
    columns, attributes = set(ORDER if isinstance(query.expression, ast.Pipeline) else TIME), set()
    for field in fields_of(query):
        if isinstance(field, ast.Attribute):
            attributes |= {AttributeName(level, field.name) for level in fields.LEVELS[field.scope]}
            columns |= {PARENT} if field.of_parent else set()
        else:
            columns |= _columns(field.name)
    if any(isinstance(node, ast.SpansetOperation) and node.operator not in (Operator.AND, Operator.OR) for node in ast.walk(query)):
        columns.add(PARENT)
    needs = _of_query(query.expression)
    return Scan(frozenset(columns), frozenset(attributes), needs.conditions, needs.all, start, end, _trace_id(needs))


def fields_of(query: ast.Query) -> tuple[ast.Field, ...]:
    """Every field that a query names, each once, in the order of the text."""
    named = (node for node in ast.walk(query) if isinstance(node, ast.Attribute | ast.Intrinsic))
    return tuple(dict.fromkeys(named))


def _columns(name: str) -> set[tuple[Level, str]]:
    if name == "trace:id":
        return set()
    if name == "parent":
        return {(Level.SPAN, "parent_span_id")}
    level, column = fields.COLUMNS[name]
    return {(level, column)} if column != "child_count" else {PARENT}


def _trace_id(needs: Needs) -> bytes | None:
    """The only trace that can be meant, where the query says so."""
    if not needs.all:
        return None
    wanted = [condition.value for condition in needs.conditions if condition.operand == (Level.TRACE, "trace_id")]
    return bytes.fromhex(wanted[0]) if wanted else None


def _of_query(expression: ast.Pipeline | ast.Series) -> Needs:
    """Of several series that are calculated with each other, a trace must be wanted by one."""
    if isinstance(expression, ast.Pipeline):
        return _of_pipeline(expression)
    if isinstance(expression, ast.RangeAggregate | ast.Compare):
        return _of_pipeline(expression.pipeline)
    if isinstance(expression, ast.SeriesFilter | ast.SeriesRank):
        return _of_query(expression.series)
    return _any_of([_of_query(operand) for operand in expression.operands if not isinstance(operand, ast.Literal)])


def _of_pipeline(pipeline: ast.Pipeline) -> Needs:
    """A trace must fulfil what each filter stage needs; aggregates may also be fulfilled by what is not there, so they need nothing."""
    filters = [stage for stage in pipeline.stages if isinstance(stage, ast.SpansetFilter | ast.SpansetOperation)]
    return _all_of([_of_spanset(stage) for stage in filters])


def _of_spanset(spanset: ast.Spanset) -> Needs:
    if isinstance(spanset, ast.SpansetFilter):
        return _of_condition(spanset.condition)
    if isinstance(spanset, ast.Pipeline):
        return _of_pipeline(spanset)
    needs = [_of_spanset(operand) for operand in spanset.operands]
    if spanset.operator is Operator.OR:
        return _any_of(needs)
    return needs[-1] if spanset.operator in NEGATIVE else _all_of(needs)


def _all_of(needs: list[Needs]) -> Needs:
    """All must be met: the conditions that must all be met together, else one group of which one must be."""
    together = tuple(condition for need in needs if need.all for condition in need.conditions)
    if together:
        return Needs(together)
    return next((need for need in needs if need.conditions), Needs())


def _any_of(needs: list[Needs]) -> Needs:
    """One must be met: useful only where every side says something, then one condition of each side."""
    if not all(need.conditions for need in needs):
        return Needs()
    return Needs(tuple(condition for need in needs for condition in (need.conditions[:1] if need.all else need.conditions)), all=False)


def _of_condition(expression: ast.Expression) -> Needs:
    if isinstance(expression, ast.Logical):
        needs = [_of_condition(operand) for operand in expression.operands]
        return _all_of(needs) if expression.operator is Operator.AND else _any_of(needs)
    if isinstance(expression, ast.Comparison):
        condition = _condition(expression)
        return Needs() if condition is None else Needs((condition,))
    return Needs()


def _condition(comparison: ast.Comparison) -> Condition | None:
    """A comparison of one field with a constant, where sources can make use of it."""
    field, literal = comparison.left, comparison.right
    if (
        not isinstance(literal, ast.Literal)
        or literal.type is Type.NIL
        or comparison.operator in (Operator.NOT_EQUAL, Operator.NOT_MATCHES)
    ):
        return None
    if isinstance(field, ast.Attribute) and not field.of_parent:
        level = fields.LEVELS[field.scope][0] if field.scope is not Scope.UNSCOPED else None
        return Condition(AttributeName(level, field.name), comparison.operator.symbol, literal.value)
    if isinstance(field, ast.Intrinsic):
        return _of_intrinsic(field.name, comparison.operator, literal)
    return None


def _of_intrinsic(name: str, operator: Operator, literal: ast.Literal) -> Condition | None:
    if name == "trace:id":
        text = fields.id_constant(name, str(literal.value))
        readable = len(text) == 32 and operator is Operator.EQUAL and all(digit in "0123456789abcdef" for digit in text)
        return Condition((Level.TRACE, "trace_id"), "=", text) if readable else None
    if name not in fields.COLUMNS or name in fields.ID_DIGITS or name in UNUSED:
        return None
    value = STATUSES[str(literal.value)] if literal.type is Type.STATUS else literal.value
    value = KINDS[str(value)] if literal.type is Type.KIND else value
    return Condition(fields.COLUMNS[name], operator.symbol, value)
