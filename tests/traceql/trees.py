"""Random trees for hypothesis: every shape that `parse` gives, no shape that it does not give."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

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
    Pipeline,
    Query,
    RangeAggregate,
    ScalarPipeline,
    Scope,
    Select,
    SeriesFilter,
    SeriesOperation,
    SeriesRank,
    SpansetFilter,
    SpansetOperation,
    Unary,
)
from pytempo.traceql.functions import HINTS, Family, Operator
from pytempo.traceql.intrinsics import INTRINSICS
from pytempo.traceql.lexemes import MAX_INT, MIN_INT
from pytempo.traceql.types import KINDS, STATUSES, Type

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
COMPARISONS = [operator for operator in Operator if operator.family is Family.COMPARISON]
CHAINS = [Operator.ADD, Operator.SUBTRACT, Operator.MULTIPLY, Operator.DIVIDE, Operator.MODULO]
SPANSET_OPERATORS = [operator for operator in Operator if operator.family is Family.STRUCTURAL] + [Operator.AND, Operator.OR]
THRESHOLDS = [operator for operator in COMPARISONS if operator not in (Operator.MATCHES, Operator.NOT_MATCHES)]


def named(name: str, strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The strategy under a name: hypothesis writes strategies out in full, at the cost of what they hold."""

    def drawn(draw: st.DrawFn) -> Any:
        return draw(strategy)

    drawn.__name__ = drawn.__qualname__ = name
    return st.composite(drawn)()


integers = st.builds(Literal, st.integers(MIN_INT, MAX_INT), st.just(Type.INT))
floats = st.builds(Literal, st.floats(allow_nan=False, allow_infinity=False), st.just(Type.FLOAT))
durations = st.builds(Literal, st.integers(MIN_INT + 1, MAX_INT), st.just(Type.DURATION))
numbers = named("numbers", integers | floats | durations)
constants = named(
    "constants",
    st.builds(Literal, TEXT, st.just(Type.STRING))
    | st.builds(Literal, st.booleans(), st.just(Type.BOOL))
    | st.just(Literal(None, Type.NIL)),
)
keywords = st.builds(Literal, st.sampled_from(sorted(STATUSES)), st.just(Type.STATUS)) | st.builds(
    Literal, st.sampled_from(sorted(KINDS)), st.just(Type.KIND)
)
attributes = st.builds(Attribute, st.sampled_from(Scope), TEXT.filter(bool)) | st.builds(
    Attribute, st.sampled_from([Scope.UNSCOPED, Scope.SPAN, Scope.RESOURCE]), TEXT.filter(bool), st.just(True)
)
intrinsics = st.builds(Intrinsic, st.sampled_from(sorted(INTRINSICS)))
fields = named("fields", attributes | intrinsics)


def chain(kind: Any, operator: Operator, operands: list[Any]) -> Any:
    """A chain as the parser builds it: one whose head is a chain of the same operator is longer, not deeper."""
    first, *rest = operands
    if isinstance(first, kind) and first.operator is operator:
        return kind(operator, (*first.operands, *rest))
    return kind(operator, tuple(operands))


def negative(operand: Any) -> Any:
    """A sign before a number belongs to the number."""
    is_number = isinstance(operand, Literal) and operand.type in (Type.INT, Type.FLOAT, Type.DURATION)
    return operand if is_number else Unary(Operator.NEGATE, operand)


def arithmetic(operands: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(operands, min_size=2, max_size=4)
    return (
        st.builds(lambda operator, parts: chain(Arithmetic, operator, parts), st.sampled_from(CHAINS), several)
        | st.builds(lambda one, other: Arithmetic(Operator.POWER, (one, other)), operands, operands)
        | st.builds(negative, operands)
    )


def conditions_over(operands: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(operands, min_size=2, max_size=4)
    return (
        arithmetic(operands)
        | st.builds(lambda parts, operator: chain(Logical, operator, parts), several, st.sampled_from([Operator.AND, Operator.OR]))
        | st.builds(Comparison, st.sampled_from(COMPARISONS), operands, operands)
        | st.builds(Unary, st.just(Operator.NOT), operands)
    )


conditions = named("conditions", st.recursive(fields | numbers | constants | keywords, conditions_over, max_leaves=12))
filters = st.builds(SpansetFilter, conditions)
simple_aggregates = st.just(Aggregate("count")) | st.builds(Aggregate, st.sampled_from(["avg", "min", "max", "sum"]), conditions)


def pipelines_over(spansets: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Pipelines of at least two stages, over spansets that are none themselves."""
    heads = spansets.filter(lambda spanset: not isinstance(spanset, Pipeline))
    pipelines = st.builds(lambda head: Pipeline((head,)), heads)
    numbers_of_spansets = simple_aggregates | st.builds(ScalarPipeline, pipelines, simple_aggregates)
    scalars = named("scalars", st.recursive(numbers_of_spansets, arithmetic, max_leaves=4))
    stages = (
        heads
        | st.builds(AggregateFilter, st.sampled_from(COMPARISONS), scalars, scalars | numbers | constants)
        | st.builds(GroupBy, conditions)
        | st.just(Coalesce())
        | st.builds(Select, st.lists(fields, min_size=1, max_size=3).map(tuple))
    )
    return st.builds(lambda head, rest: Pipeline((head, *rest)), heads, st.lists(stages, min_size=1, max_size=3))


def spansets_over(spansets: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(spansets, min_size=2, max_size=3)
    operations = st.builds(lambda operator, parts: chain(SpansetOperation, operator, parts), st.sampled_from(SPANSET_OPERATORS), several)
    return named("operations", operations) | named("pipelines", pipelines_over(spansets))


spansets = named("spansets", st.recursive(filters, spansets_over, max_leaves=4))
whole_pipelines = spansets.map(lambda spanset: spanset if isinstance(spanset, Pipeline) else Pipeline((spanset,)))

groups = st.lists(fields, max_size=2).map(tuple)
quantiles = st.lists(st.floats(0, 1), min_size=1, max_size=3).map(tuple)
positions = st.integers(0, MAX_INT)
ranges = (
    st.builds(RangeAggregate, whole_pipelines, st.sampled_from(["rate", "count_over_time"]), by=groups)
    | st.builds(RangeAggregate, whole_pipelines, st.sampled_from(["avg_over_time", "histogram_over_time"]), fields, by=groups)
    | st.builds(RangeAggregate, whole_pipelines, st.just("quantile_over_time"), fields, quantiles, groups)
    | st.builds(Compare, whole_pipelines, filters, positions, positions, positions)
    | st.builds(Compare, whole_pipelines, filters)
)


def operation(operator: Operator, head: Any, rest: list[Any], number: Any) -> Any:
    """Numbers stand at the head at most once, as the parser works the others out."""
    return chain(SeriesOperation, operator, [head, *rest] if number is None else [number, head, *rest])


def series_over(series: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    plain = integers | floats
    rest = st.lists(series | plain, min_size=1, max_size=2)
    return (
        st.builds(operation, st.sampled_from(CHAINS[:4]), series, rest, st.none() | plain)
        | st.builds(SeriesFilter, series, st.sampled_from(THRESHOLDS), numbers | constants)
        | st.builds(SeriesRank, series, st.sampled_from(["topk", "bottomk"]), st.integers(MIN_INT, MAX_INT))
    )


series = named("series", st.recursive(ranges, series_over, max_leaves=3))
hints = st.lists(st.builds(Hint, st.sampled_from(sorted(HINTS)), numbers), max_size=2).map(tuple)
queries = named("queries", st.builds(Query, whole_pipelines | series, hints))
