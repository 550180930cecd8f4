"""What stands inside the braces, evaluated over a batch: a condition becomes a mask of spans, a field a column of values.

Comparisons are made where their fields live (a service name once a resource, an event's attribute once an event) and only their
outcome is brought to the spans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from pytempo.errors import BadQuery
from pytempo.model import Batch, Level
from pytempo.model.arrays import Bools, concat_text
from pytempo.traceql import arithmetic, ast, compare, fields
from pytempo.traceql.compare import unlimited as unlimited
from pytempo.traceql.functions import Family, Operator
from pytempo.traceql.shown import MIRRORED
from pytempo.traceql.structure import children_of
from pytempo.traceql.types import KINDS, STATUSES, Type
from pytempo.traceql.vector import BELOW, Part, Vector, gather, lower, meeting_level, to_spans

Bring: TypeAlias = Callable[[Vector, Batch], Vector]
"""How the values of a level come to the spans: all that a span has, or the first."""


class Conditions:
    """Evaluates expressions over one batch; columns are worked out once, however often they are named."""

    def __init__(self, batch: Batch, check: Callable[[], None] = unlimited) -> None:
        """`check` is called between steps; what it raises ends the evaluation."""
        self.batch, self._check = batch, check
        self.spans = batch.count(Level.SPAN)
        self._vectors: dict[tuple[Any, ...], Vector] = {}

    def mask(self, expression: ast.Expression) -> Bools:
        """The spans for which the condition is true."""
        if isinstance(expression, ast.Literal):
            return np.full(self.spans, expression.value is True)
        if isinstance(expression, ast.Logical):
            return self._logical(expression)
        if isinstance(expression, ast.Comparison):
            return self._comparison(expression)
        if isinstance(expression, ast.Unary) and expression.operator is Operator.NOT:
            return self._negated(expression.operand)
        return self._is(expression, True)

    def value(self, expression: ast.Expression) -> Vector:
        """The values of an expression for every span; a field below the span brings all the values that a span has of it."""
        if isinstance(expression, ast.Literal):
            return _constant_vector(expression, self.spans)
        if isinstance(expression, ast.Attribute | ast.Intrinsic):
            return self.field(expression)
        if _is_calculation(expression):
            return gather(self._calculation(expression), self.batch)
        return Vector(Level.SPAN, self.spans, (Part(Type.BOOL, self.mask(expression)),))

    def field(self, field: ast.Field, bring: Bring = gather) -> Vector:
        """The values of a field for every span: the first level that has it wins. `bring` takes values from their level to the spans."""
        result: Vector | None = None
        for vector in self.alternatives(field, bring):
            at_spans = bring(vector, self.batch)
            result = at_spans if result is None else _fill(result, at_spans)
            if result.there.all():
                break
        assert result is not None
        return result

    def _logical(self, expression: ast.Logical) -> Bools:
        masks = (self.mask(operand) for operand in expression.operands)
        combine = np.logical_and if expression.operator is Operator.AND else np.logical_or
        out = next(masks)
        for mask in masks:
            out = combine(out, mask)
        return out

    def _negated(self, operand: ast.Expression) -> Bools:
        """`!` of a condition holds wherever that does not; `!` of a field only where the field is false."""
        if isinstance(operand, ast.Attribute | ast.Intrinsic):
            return self._is(operand, False)
        return ~self.mask(operand)

    def _is(self, expression: ast.Expression, truth: bool) -> Bools:
        literal = ast.Literal(truth, Type.BOOL)
        return self._comparison(ast.Comparison(Operator.EQUAL, expression, literal))

    def _comparison(self, expression: ast.Comparison) -> Bools:
        self._check()
        operator, left, right = expression.operator, expression.left, expression.right
        if isinstance(left, ast.Literal) and not isinstance(right, ast.Literal):
            operator, left, right = MIRRORED.get(operator, operator), right, left
        if isinstance(right, ast.Literal):
            if right.type is Type.NIL:
                return self._presence(left, wanted=operator is Operator.NOT_EQUAL)
            return self._with_literal(operator, left, right)
        return self._with_column(operator, left, right)

    def _presence(self, operand: ast.Expression, *, wanted: bool) -> Bools:
        """`x != nil` (wanted) and `x = nil`."""
        if isinstance(operand, ast.Literal):
            return np.full(self.spans, (operand.value is not None) == wanted)
        if isinstance(operand, ast.Intrinsic) and operand.name == "parent":
            there = fields.parent_exists(self.batch)
            return there if wanted else ~there
        if isinstance(operand, ast.Attribute) and len(fields.LEVELS[operand.scope]) > 1:
            found = np.zeros(self.spans, np.bool_)
            for vector in self.alternatives(operand):
                found |= to_spans(vector.there, self.batch, vector.level)
            return found if wanted else ~found
        vector = self._operand(operand)
        return to_spans(vector.there == wanted, self.batch, vector.level)

    def _with_literal(self, operator: Operator, left: ast.Expression, right: ast.Literal) -> Bools:
        if isinstance(left, ast.Attribute) and left.of_parent:
            own = self._with_literal(operator, replace(left, of_parent=False), right)
            return children_of(own, self.batch.parent_of_span())
        value = constant_for(left, operator, right)
        return self._over_alternatives(left, lambda vector: compare.with_constant(operator, vector, value, right.type, self._check))

    def _over_alternatives(self, operand: ast.Expression, judge: Callable[[Vector], Bools]) -> Bools:
        """The spans for which the judged field holds, looked up level by level: who has it at one level is not asked at the next."""
        out, open_spans = np.zeros(self.spans, np.bool_), np.ones(self.spans, np.bool_)
        for vector in self.alternatives(operand):
            out |= open_spans & to_spans(judge(vector), self.batch, vector.level)
            if vector.present is None and vector.level not in BELOW:
                break
            open_spans &= ~to_spans(vector.there, self.batch, vector.level)
            if not open_spans.any():
                break
        return out

    def _with_column(self, operator: Operator, left: ast.Expression, right: ast.Expression) -> Bools:
        one, other = self._operand(left), self._operand(right)
        level = meeting_level(one.level, other.level)
        one, other = self._seen_from(one, level), self._seen_from(other, level)
        return to_spans(compare.columns(operator, one, other), self.batch, level)

    def _operand(self, expression: ast.Expression) -> Vector:
        """An operand where it lives, if that is one place, otherwise at the spans."""
        if isinstance(expression, ast.Intrinsic) or (isinstance(expression, ast.Attribute) and len(fields.LEVELS[expression.scope]) == 1):
            return next(iter(self.alternatives(expression)))
        return self._calculation(expression) if _is_calculation(expression) else self.value(expression)

    def alternatives(self, expression: ast.Expression, bring: Bring = gather) -> Iterator[Vector]:
        """The places where an operand may have its value, in the order in which they are looked at."""
        if isinstance(expression, ast.Intrinsic):
            yield self._cached(("intrinsic", expression.name), lambda: fields.intrinsic(self.batch, expression.name))
        elif isinstance(expression, ast.Attribute):
            for level in fields.LEVELS[expression.scope]:
                yield self._attribute(expression, level, bring)
        else:
            yield self._operand(expression)

    def _attribute(self, field: ast.Attribute, level: Level, bring: Bring) -> Vector:
        vector = self._cached((level, field.name), lambda: fields.attribute(self.batch, level, field.name))
        if not field.of_parent:
            return vector
        return self._cached(("parent", level, field.name, bring), lambda: fields.of_parent(vector, self.batch, bring))

    def _cached(self, key: tuple[Any, ...], make: Callable[[], Vector]) -> Vector:
        if key not in self._vectors:
            self._vectors[key] = make()
        return self._vectors[key]

    def _calculation(self, expression: ast.Expression) -> Vector:
        """The numbers of a calculation, one for every row of the level where its fields meet."""
        level = meeting_level(*(self._operand(field).level for field in _fields_of(expression)))
        return arithmetic.to_vector(self._numbers(expression, level), level)

    def _numbers(self, expression: ast.Expression, level: Level) -> arithmetic.Numbers:
        if isinstance(expression, ast.Literal):
            if not isinstance(expression.value, int | float):
                raise BadQuery(f"{expression.value!r} is no number", *expression.position)
            return arithmetic.constant(expression.value, self.batch.count(level))
        if isinstance(expression, ast.Unary):
            return arithmetic.negate(self._numbers(expression.operand, level))
        if isinstance(expression, ast.Arithmetic):
            first, *others = expression.operands
            out = self._numbers(first, level)
            for other in others:
                out = arithmetic.combine(expression.operator, out, self._numbers(other, level))
            return out
        return arithmetic.numbers_of(self._seen_from(self._operand(expression), level))

    def _seen_from(self, vector: Vector, level: Level) -> Vector:
        return gather(vector, self.batch) if level is Level.SPAN else lower(vector, self.batch, level)


def _is_calculation(expression: ast.Expression) -> bool:
    return isinstance(expression, ast.Arithmetic | ast.Unary) and expression.operator.family is Family.ARITHMETIC


def _fields_of(expression: ast.Expression) -> Iterator[ast.Field]:
    return (node for node in ast.walk(expression) if isinstance(node, ast.Attribute | ast.Intrinsic))


def constant_for(field: ast.Expression, operator: Operator, literal: ast.Literal) -> Any:
    """The constant of a comparison as the field's column holds it."""
    if isinstance(field, ast.Intrinsic) and field.name in fields.ID_DIGITS and operator in (Operator.EQUAL, Operator.NOT_EQUAL):
        return fields.id_constant(field.name, str(literal.value))
    return wire_value(literal)


def wire_value(literal: ast.Literal) -> Any:
    """A literal as columns hold it: statuses and kinds by their number."""
    if literal.type is Type.STATUS:
        return STATUSES[str(literal.value)]
    return KINDS[str(literal.value)] if literal.type is Type.KIND else literal.value


def _constant_vector(literal: ast.Literal, count: int) -> Vector:
    value = wire_value(literal)
    if literal.type is Type.NIL:
        return Vector(Level.SPAN, count, (), np.zeros(count, np.bool_))
    if literal.type is Type.STRING:
        repeated = pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([value], pa.string()))
        return Vector(Level.SPAN, count, (Part(Type.STRING, repeated),))
    return Vector(Level.SPAN, count, (Part(literal.type, np.full(count, value)),))


def _fill(first: Vector, second: Vector) -> Vector:
    """The first vector, and where it has no value the second."""
    missing = ~first.there
    rest = fields.without(second, ~missing)
    parts = [Part(part.type, part.values, part.places) for part in first.parts]
    for part in rest.parts:
        same = next((place for place, other in enumerate(parts) if other.type is part.type), None)
        if same is None:
            parts.append(part)
        else:
            parts[same] = _merge_parts(parts[same], part)
    arrays = None
    if first.is_array is not None or rest.is_array is not None:
        none = np.zeros(first.count, np.bool_)
        arrays = (none if first.is_array is None else first.is_array) | (none if rest.is_array is None else rest.is_array)
    return Vector(first.level, first.count, tuple(parts), first.there | rest.there, arrays)


def _merge_parts(one: Part, other: Part) -> Part:
    """Two parts of one type over different rows, in order of rows."""
    assert one.rows is not None
    assert other.rows is not None
    rows = np.concatenate([one.rows, other.rows])
    order = np.argsort(rows, kind="stable")
    if isinstance(one.values, np.ndarray):
        return Part(one.type, np.concatenate([one.values, other.values])[order], rows[order])
    return Part(one.type, concat_text([one.values, other.values]).take(pa.array(order)), rows[order])
