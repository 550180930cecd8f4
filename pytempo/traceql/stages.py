"""Joins what stands between pipes: spansets with spansets, time series with numbers, stages into pipelines.

The grammar has one ladder of operators for all of them; here the operands tell what an operator means and whether it may
stand there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn, TypeAlias

from pytempo.errors import BadQuery
from pytempo.traceql.ast import (
    AggregateFilter,
    Coalesce,
    Comparison,
    Expression,
    GroupBy,
    Literal,
    Logical,
    Pipeline,
    Position,
    ScalarPipeline,
    Select,
    Series,
    SeriesFilter,
    SeriesOperation,
    Spanset,
    SpansetFilter,
    SpansetOperation,
    Stage,
)
from pytempo.traceql.calls import OpenSeries
from pytempo.traceql.constants import combine, fold
from pytempo.traceql.depth import bounded
from pytempo.traceql.functions import Family, Operator, Yields
from pytempo.traceql.types import Type

__all__ = ["Piece", "join", "pipe", "refuse_sign", "whole_query"]

Piece: TypeAlias = Expression | Spanset | Series | OpenSeries | GroupBy | Coalesce | Select
"""What may stand between two pipes, or in parentheses."""

_OF_SPANSETS = {operator.symbol: operator for operator in Operator if operator.family is Family.STRUCTURAL}
_OF_SPANSETS |= {operator.symbol: operator for operator in (Operator.AND, Operator.OR)}
_OF_SERIES = {operator.symbol: operator for operator in (Operator.ADD, Operator.SUBTRACT, Operator.MULTIPLY, Operator.DIVIDE)}
_THRESHOLDS = {
    operator.symbol: operator
    for operator in (Operator.EQUAL, Operator.NOT_EQUAL, Operator.LESS, Operator.LESS_EQUAL, Operator.GREATER, Operator.GREATER_EQUAL)
}
_TURNED = {
    Operator.LESS: Operator.GREATER,
    Operator.LESS_EQUAL: Operator.GREATER_EQUAL,
    Operator.GREATER: Operator.LESS,
    Operator.GREATER_EQUAL: Operator.LESS_EQUAL,
}


def join(left: Piece, symbol: str, rights: list[Piece], position: Position) -> Piece:
    """`left symbol right symbol right ...` where not all of them are expressions; `position` is that of the first operator."""
    operands = [left, *rights]
    spansets = [operand for operand in operands if isinstance(operand, Spanset)]
    if len(spansets) == len(operands):
        return _join_spansets(spansets, symbol, position)
    if isinstance(left, OpenSeries):
        return _compare_open(left, symbol, rights, position)
    series = [operand for operand in operands if isinstance(operand, Series | Expression)]
    if len(series) < len(operands):
        _refuse_join(operands, symbol, position)
    if symbol in _OF_SERIES:
        return _calculate(series, _OF_SERIES[symbol])
    if symbol in _THRESHOLDS:
        return _compare(series, _THRESHOLDS[symbol], position)
    raise BadQuery(f"`{symbol}` does not work on time series; + - * / and comparisons with a number do", *position)


def _join_spansets(operands: list[Spanset], symbol: str, position: Position) -> SpansetOperation:
    operator = _OF_SPANSETS.get(symbol)
    if operator is None:
        raise BadQuery(f"`{symbol}` does not join spansets; && || > >> < << ~ and their kin do", *position)
    first, *rest = operands
    if isinstance(first, SpansetOperation) and first.operator is operator:
        return SpansetOperation(operator, (*first.operands, *rest), position=first.position)
    return SpansetOperation(operator, (first, *rest), position=first.position)


def _compare_open(left: OpenSeries, symbol: str, rights: list[Piece], position: Position) -> OpenSeries:
    name = left.function.name
    right = rights[0]
    if symbol not in _THRESHOLDS and symbol not in _OF_SERIES:
        _refuse_join([left, *rights], symbol, position)
    if symbol not in _THRESHOLDS or not isinstance(right, Expression):
        raise BadQuery(f"time series are joined in parentheses, as in ({{ }} | {left.function.usage}) {symbol} …", *position)
    if len(rights) > 1 or left.threshold is not None:
        raise BadQuery(f"{name}() is compared already; a further comparison goes round parentheses: ({{ }} | {name}() > 1) < 9", *position)
    return replace(left, threshold=(_THRESHOLDS[symbol], fold(bounded(right))))


def _calculate(operands: list[Series | Expression], operator: Operator) -> SeriesOperation:
    """Numbers at the head are worked out, since a chain runs from left to right: `1 / 2 / series` divides one number."""
    parts: list[Series | Literal] = []
    for operand in operands:
        part = operand if isinstance(operand, Series) else fold(bounded(operand))
        if len(parts) == 1 and isinstance(parts[0], Literal) and isinstance(part, Literal):
            parts[0] = combine(operator, parts[0], part)
        else:
            parts.append(part)
    first = parts[0]
    if isinstance(first, SeriesOperation) and first.operator is operator:
        parts[:1] = first.operands
    return SeriesOperation(operator, tuple(parts), position=operands[0].position)


def _compare(operands: list[Series | Expression], operator: Operator, position: Position) -> SeriesFilter:
    first, *rest = operands
    if not isinstance(first, Series):
        if len(rest) > 1 or not isinstance(rest[0], Series):
            raise BadQuery("a number is compared with one time series", *position)
        return SeriesFilter(rest[0], _TURNED.get(operator, operator), fold(bounded(first)), position=first.position)
    for number in rest:
        if isinstance(number, Series):
            raise BadQuery("time series are compared with a number, not with each other", *number.position)
        first = SeriesFilter(first, operator, fold(bounded(number)), position=first.position)
    assert isinstance(first, SeriesFilter)
    return first


def pipe(pieces: tuple[Piece, ...]) -> Piece:
    """A pipeline: the first piece, with the others behind it as stages. A single piece stays what it is."""
    for piece in pieces:
        if isinstance(piece, Logical):
            raise BadQuery("conditions on numbers of spansets are stages: | count() > 1 | count() < 5", *piece.position)
    source, done = _open(pieces[0]), 1
    if isinstance(source, Spanset) and len(pieces) > 1:
        stages = list(_stages_of(source))
        while done < len(pieces) and (more := _as_stages(pieces[done])):
            stages += more
            done += 1
        source = Pipeline(tuple(stages), position=source.position) if len(stages) > 1 else source
    for piece in pieces[done:]:
        source = _continue(source, piece)
    return source


def _open(piece: Piece) -> Piece:
    """A piece that may come first: a comparison of numbers looks at all spans, a stage has nothing to work on."""
    if isinstance(piece, Comparison):
        everything = SpansetFilter(Literal(True, Type.BOOL, position=piece.position), position=piece.position)
        return Pipeline((everything, _as_filter(piece)), position=piece.position)
    if isinstance(piece, OpenSeries | GroupBy | Coalesce | Select):
        behind = "{ } | rate() | " if isinstance(piece, OpenSeries) and piece.function.yields is Yields.RANKED else "{ } | "
        raise BadQuery(f"{describe(piece)} needs something before it, as in {behind}{_name(piece)}(…)", *piece.position)
    return piece


def _as_filter(comparison: Comparison) -> AggregateFilter:
    if isinstance(comparison.left, Comparison):
        raise BadQuery("a comparison has two sides; further ones are stages: | count() > 1 | count() < 5", *comparison.position)
    return AggregateFilter(comparison.operator, comparison.left, comparison.right, position=comparison.position)


def _stages_of(spanset: Spanset) -> tuple[Stage, ...]:
    return spanset.stages if isinstance(spanset, Pipeline) else (spanset,)


def _as_stages(piece: Piece) -> tuple[Stage, ...]:
    """What a piece adds to a pipeline of spansets; nothing where it is no such stage."""
    if isinstance(piece, GroupBy | Coalesce | Select | SpansetFilter | SpansetOperation):
        return (piece,)
    if isinstance(piece, Comparison):
        return (_as_filter(piece),)
    if isinstance(piece, Pipeline):
        first, *rest = piece.stages
        lets_all_through = isinstance(first, SpansetFilter) and first.condition == Literal(True, Type.BOOL)
        return tuple(rest) if lets_all_through else piece.stages
    return ()


def _continue(source: Piece, piece: Piece) -> Piece:
    """`source | piece` where the piece is no stage of spansets."""
    if isinstance(piece, OpenSeries):
        if isinstance(source, Series) and piece.function.yields is Yields.RANKED:
            return piece.over(source)
        if isinstance(source, Spanset) and piece.function.yields is Yields.SERIES:
            return piece.over(_as_pipeline(source))
    elif isinstance(source, Spanset) and isinstance(piece, Expression):
        return ScalarPipeline(_as_pipeline(source), piece, position=source.position)
    if isinstance(source, Expression):
        raise BadQuery(f"{describe(source)} must be compared before the next `|`, as in count() > 3", *source.position)
    raise BadQuery(f"{describe(piece)} cannot stand behind {describe(source)}", *piece.position)


def _as_pipeline(spanset: Spanset) -> Pipeline:
    return spanset if isinstance(spanset, Pipeline) else Pipeline((spanset,), position=spanset.position)


def whole_query(piece: Piece) -> Pipeline | Series:
    """What a query as a whole may be: spansets or time series."""
    if isinstance(piece, Series):
        return piece
    if isinstance(piece, Spanset):
        return _as_pipeline(piece)
    raise BadQuery(f"{describe(piece)} alone is no query; compare it, as in {{ }} | count() > 3", *piece.position)


def refuse_sign(sign: str, operand: Piece, position: Position) -> NoReturn:
    """`!{ ... }` and `-({ ... } | rate())`: no such operators."""
    instead = "; write -1 * (…)" if isinstance(operand, Series) and sign == "-" else ""
    raise BadQuery(f"`{sign}` cannot stand before {describe(operand)}{instead}", *position)


def describe(piece: Piece) -> str:
    """What a message calls a piece."""
    if isinstance(piece, Spanset):
        return "a spanset"
    if isinstance(piece, Series):
        return "a time series"
    if isinstance(piece, OpenSeries | GroupBy | Coalesce | Select):
        return f"{_name(piece)}()"
    return "a comparison" if isinstance(piece, Comparison) else "a number"


def _name(piece: OpenSeries | GroupBy | Coalesce | Select) -> str:
    if isinstance(piece, OpenSeries):
        return piece.function.name
    return {GroupBy: "by", Coalesce: "coalesce", Select: "select"}[type(piece)]


def _refuse_join(operands: list[Piece], symbol: str, position: Position) -> NoReturn:
    left = operands[0]
    right = next((operand for operand in operands[1:] if describe(operand) != describe(left)), operands[1])
    hint = ""
    if symbol in _OF_SPANSETS and any(isinstance(operand, Comparison | OpenSeries) for operand in operands):
        hint = "; pipelines are joined in parentheses: ({ … } | count() > 1) && ({ … } | count() > 2)"
    raise BadQuery(f"`{symbol}` cannot join {describe(left)} with {describe(right)}{hint}", *position)
