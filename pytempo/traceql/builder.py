"""Makes nodes of what the grammar recognises: one method for each rule of `grammar.lark`, called from the leaves up.

How stages and their operands join into pipelines and time series is the part of `stages`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, cast

from lark import Token, Transformer, v_args

from pytempo.errors import BadQuery
from pytempo.traceql import stages
from pytempo.traceql.ast import (
    Arithmetic,
    Attribute,
    Comparison,
    Expression,
    Hint,
    Intrinsic,
    Literal,
    Logical,
    Position,
    Query,
    Scope,
    SpansetFilter,
    Unary,
)
from pytempo.traceql.calls import Argument, Grouping, call
from pytempo.traceql.functions import Family, Operator
from pytempo.traceql.intrinsics import find_intrinsic
from pytempo.traceql.lexemes import (
    MAX_INT,
    MIN_INT,
    LexemeError,
    read_attribute,
    read_duration,
    read_float,
    read_integer,
    read_raw_text,
    read_text,
)
from pytempo.traceql.spelling import excerpt, suggest_field
from pytempo.traceql.types import KINDS, NUMBERS, STATUSES, Type

__all__ = ["Builder", "position_of"]

_READERS: dict[str, tuple[Type, Callable[[str], str | int | float]]] = {
    "STRING": (Type.STRING, read_text),
    "RAW_STRING": (Type.STRING, read_raw_text),
    "INTEGER": (Type.INT, read_integer),
    "FLOAT": (Type.FLOAT, read_float),
    "DURATION": (Type.DURATION, read_duration),
}

_CONSTANTS: dict[str, tuple[bool | int | None, Type]] = {
    "true": (True, Type.BOOL),
    "false": (False, Type.BOOL),
    "nil": (None, Type.NIL),
    "minInt": (MIN_INT, Type.INT),
    "maxInt": (MAX_INT, Type.INT),
}

_WORDS = dict.fromkeys(STATUSES, Type.STATUS) | dict.fromkeys(KINDS, Type.KIND)

_OF_EXPRESSIONS = {
    operator.symbol: operator
    for operator in Operator
    if operator.family is not Family.STRUCTURAL and operator not in (Operator.NEGATE, Operator.NOT)
}


def position_of(token: Token) -> Position:
    """Where a token begins."""
    return Position(token.line or 1, token.column or 1)


def _refuse(token: Token, error: LexemeError) -> NoReturn:
    """A LexemeError with its place in the query; pieces may run over several lines."""
    before = token[: error.offset]
    line, column = position_of(token)
    newlines = before.count("\n")
    column = len(before) - before.rfind("\n") if newlines else column + len(before)
    raise BadQuery(str(error), line + newlines, column) from error


@v_args(inline=True)
class Builder(Transformer[Token, Any]):
    """The methods that lark calls. Operands of a chain come one by one: a chain of the same operator grows in place."""

    def query(self, expression: stages.Piece, hints: tuple[Hint, ...] = ()) -> Query:
        return Query(stages.whole_query(expression), hints, position=expression.position)

    def hints(self, *hints: Hint) -> tuple[Hint, ...]:
        return hints

    def hint(self, name: Token, value: Literal) -> Hint:
        return Hint(str(name), value, position=position_of(name))

    def pipeline(self, *pieces: stages.Piece) -> stages.Piece:
        return stages.pipe(pieces)

    def filter(self, brace: Token, condition: Expression | None = None) -> SpansetFilter:
        position = position_of(brace)
        return SpansetFilter(condition or Literal(True, Type.BOOL, position=position), position=position)

    def function(self, name: Token, *rest: Any) -> stages.Piece:
        by = next((part for part in rest if isinstance(part, Grouping)), None)
        arguments = next((part for part in rest if isinstance(part, tuple)), ())
        return call(str(name), arguments, by, position_of(name))

    def grouping(self, by: Token, arguments: tuple[Argument, ...] = ()) -> Grouping:
        return Grouping(arguments, position_of(by))

    def group_by(self, grouping: Grouping) -> stages.Piece:
        return call("by", grouping.arguments, None, grouping.position)

    def arguments(self, *arguments: Argument) -> tuple[Argument, ...]:
        return arguments

    def chain(self, first: stages.Piece, *rest: Any) -> stages.Piece:
        """Operand, operator, operand ...; runs of one operator are joined at once, which keeps long chains linear."""
        left, at = first, 0
        while at < len(rest):
            token: Token = rest[at]
            end = at + 2
            while end < len(rest) and rest[end] == token:
                end += 2
            left = _join(left, token, list(rest[at + 1 : end : 2]))
            at = end
        return left

    def signed(self, sign: Token, operand: stages.Piece) -> Expression:
        position = position_of(sign)
        if not isinstance(operand, Expression):
            stages.refuse_sign(str(sign), operand, position)
        if sign == "!":
            return Unary(Operator.NOT, operand, position=position)
        if isinstance(operand, Literal) and operand.type in NUMBERS and isinstance(operand.value, int | float):
            return _negated(operand, operand.value, position)
        return Unary(Operator.NEGATE, operand, position=position)

    def literal(self, token: Token) -> Literal:
        position = position_of(token)
        if token.type == "CONSTANT":
            value, type_ = _CONSTANTS[token]
            return Literal(value, type_, position=position)
        if token.type == "MALFORMED_NUMBER":
            raise BadQuery(f"`{excerpt(token)}` is neither a number nor a duration (the units are ns, us, ms, s, m, h, d, w, y)", *position)
        type_, read = _READERS[token.type]
        try:
            return Literal(read(token), type_, position=position)
        except LexemeError as error:
            _refuse(token, error)

    def word(self, token: Token) -> Literal | Intrinsic:
        position = position_of(token)
        intrinsic = find_intrinsic(token)
        if intrinsic is not None:
            return Intrinsic(intrinsic.name, str(token), position=position)
        if token in _WORDS:
            return Literal(str(token), _WORDS[token], position=position)
        raise BadQuery(suggest_field(token), *position)

    def attribute(self, token: Token) -> Attribute:
        try:
            scope, name = read_attribute(token)
        except LexemeError as error:
            _refuse(token, error)
        of_parent = scope.startswith("parent.")
        return Attribute(Scope(scope.removeprefix("parent.").rstrip(".")), name, of_parent, position=position_of(token))

    def identifier(self, field: Attribute | Intrinsic | Literal) -> Attribute | Intrinsic:
        if isinstance(field, Literal):
            raise BadQuery(f"`{field.value}` is a value, not a field", *field.position)
        return field


def _join(left: stages.Piece, token: Token, rights: list[stages.Piece]) -> stages.Piece:
    if isinstance(left, Expression) and all(isinstance(right, Expression) for right in rights):
        return _join_expressions(left, token, cast("list[Expression]", rights))
    return stages.join(left, str(token), rights, position_of(token))


def _join_expressions(left: Expression, token: Token, rights: list[Expression]) -> Expression:
    operator = _OF_EXPRESSIONS.get(token)
    if operator is None:
        raise BadQuery(f"`{token}` joins spansets, such as {{ status = error }}, not values", *position_of(token))
    if operator.family is Family.COMPARISON:
        for right in rights:
            left = Comparison(operator, left, right, position=left.position)
        return left
    kind = Logical if operator.family is Family.LOGICAL else Arithmetic
    if isinstance(left, kind) and left.operator is operator and operator is not Operator.POWER:
        return kind(operator, (*left.operands, *rights), position=left.position)
    return kind(operator, (left, *rights), position=left.position)


def _negated(literal: Literal, value: int | float, position: Position) -> Literal:
    if value == MIN_INT:
        raise BadQuery(f"-minInt does not fit into 64 bits (the largest integer is {MAX_INT})", *position)
    return Literal(-value, literal.type, position=position)
