"""What completion offers: the names and the values that attributes have in a window of time, under a filter, exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pytempo.errors import BadQuery
from pytempo.model import AttributeName, Batch, Level, Scan, Source
from pytempo.model.arrays import Bools, Ints, any_by_row, coded, dense_codes
from pytempo.model.levels import ATTRIBUTE_LEVELS
from pytempo.query.budget import Budget
from pytempo.query.joining import read
from pytempo.query.results import TagNames, TagValue, TagValues
from pytempo.traceql import ast, fields, lenient_conditions, parse_identifier, plan
from pytempo.traceql.condition import Conditions
from pytempo.traceql.evaluate import evaluate
from pytempo.traceql.functions import Operator
from pytempo.traceql.grouping import WORDS
from pytempo.traceql.intrinsics import LISTED_NAMES
from pytempo.traceql.labels import label
from pytempo.traceql.types import Type
from pytempo.traceql.vector import BELOW, Part, Vector

INTRINSIC = "intrinsic"
SCOPES = (*(level.word for level in ATTRIBUTE_LEVELS), INTRINSIC)
"""Scopes that can be asked for one by one; `none` asks for all."""

UNLISTED = frozenset(
    {"span:duration", "trace:duration", "event:timeSinceStart", "trace:id", "span:id", "span:parentID", "link:traceID", "link:spanID"}
) | {"span:childCount", "nestedSetLeft", "nestedSetRight", "nestedSetParent", "parent"}
"""Intrinsics with too many values, or too little meaning, for completion to offer."""

TYPE_WORDS = {Type.STRING: "string", Type.INT: "int", Type.FLOAT: "float", Type.BOOL: "bool", Type.STATUS: "keyword", Type.KIND: "keyword"}

VALUE_BYTES = 200
"""Of the objects around a value, about."""

V1_INTRINSICS = {"name": "span:name", "root.name": "trace:rootName", "root.service.name": "trace:rootService"}
"""What the unscoped names of Tempo's first API mean beside attributes."""


@dataclass(frozen=True, slots=True)
class Window:
    """Spans that completion looks at: of traces whose bounds touch [start, end] (unix nanoseconds), matching the filter if there is one."""

    start: int
    end: int
    query: ast.Query | None

    @staticmethod
    def of(start: int, end: int, q: str | None) -> Window:
        """A window with a filter as people have it in the middle of typing.

        What cannot be read of it does not count, nor (as in Tempo) do comparisons of unscoped attributes.
        """
        query = lenient_conditions(q) if q else None
        return Window(start, end, _scoped(query) if query is not None else None)

    def scan(self, columns: frozenset[tuple[Level, str]], attributes: frozenset[AttributeName]) -> Scan:
        """What to read for the filter, and for what is asked beside it."""
        if self.query is None:
            return Scan(columns | {(Level.TRACE, "start"), (Level.TRACE, "end")}, attributes, start=self.start, end=self.end)
        scan = plan.scan(self.query, self.start, self.end)
        return Scan(
            scan.columns | columns, scan.attributes | attributes, scan.conditions, scan.all_conditions, scan.start, scan.end, scan.traces
        )

    def read(self, sources: Sequence[Source], scan: Scan, budget: Budget) -> Iterator[tuple[Batch, Bools]]:
        """Batches with the spans of each that count (mask)."""
        for piece in read(sources, scan, budget):
            batch = piece.batch
            starts, ends = batch.column(Level.TRACE, "start"), batch.column(Level.TRACE, "end")
            traces = piece.traces & (starts <= np.uint64(self.end)) & (ends >= np.uint64(self.start))
            if not traces.any():
                continue
            spans = np.ones(batch.count(Level.SPAN), np.bool_) if traces.all() else traces[batch.trace_of_span()]
            if self.query is not None and isinstance(self.query.expression, ast.Pipeline):
                matched = np.zeros(len(spans), np.bool_)
                matched[evaluate(self.query.expression, batch, traces, budget.check).spans] = True
                spans = matched
            if spans.any():
                yield batch, spans


def _scoped(query: ast.Query) -> ast.Query | None:
    """The query without comparisons of unscoped attributes; None where nothing is left that narrows anything."""
    if not _names_unscoped(query):
        return query
    first = query.expression.stages[0] if isinstance(query.expression, ast.Pipeline) else None
    if not isinstance(first, ast.SpansetFilter) or not isinstance(query.expression, ast.Pipeline) or len(query.expression.stages) > 1:
        return None
    condition = first.condition
    operands = condition.operands if isinstance(condition, ast.Logical) and condition.operator is Operator.AND else (condition,)
    kept = tuple(operand for operand in operands if not _names_unscoped(operand))
    if not kept:
        return None
    narrowed = kept[0] if len(kept) == 1 else ast.Logical(Operator.AND, kept)
    return ast.Query(ast.Pipeline((ast.SpansetFilter(narrowed),)))


def _names_unscoped(node: ast.Node) -> bool:
    return any(isinstance(each, ast.Attribute) and each.scope is ast.Scope.UNSCOPED for each in ast.walk(node))


def tag_names(sources: Sequence[Source], window: Window, *, scope: str | None, limit: int, budget: Budget | None = None) -> TagNames:
    """Names of attributes by scope; at most `limit` a scope (0 = all). Raises BadQuery for a scope that does not exist."""
    wanted = SCOPES if scope in (None, "", "none") else (scope,)
    if not set(wanted) <= set(SCOPES):
        raise BadQuery(f"invalid scope: {scope}; known are {', '.join(SCOPES)}, none")
    levels = [level for level in ATTRIBUTE_LEVELS if level.word in wanted]
    found: dict[Level, set[str]] = {level: set() for level in levels}
    budget = budget or Budget()
    if levels:
        for batch, spans in window.read(sources, window.scan(frozenset(), frozenset()), budget):
            for level in levels:
                found[level] |= _names(batch, level, spans)
    scopes = [(level.word, _first(sorted(found[level] - {""}), limit)) for level in levels if found[level] - {""}]
    if INTRINSIC in wanted:
        scopes.append((INTRINSIC, _first(list(LISTED_NAMES), limit)))
    return TagNames(tuple(scopes), budget.inspected)


def _names(batch: Batch, level: Level, spans: Bools) -> set[str]:
    if spans.all():
        return set(batch.key_names(level).to_pylist())
    offsets, keys, names = batch.keys(level)
    used = np.unique(keys[np.repeat(_rows_of(batch, level, spans), np.diff(offsets))])
    return set(names.take(pa.array(used)).to_pylist())


def _rows_of(batch: Batch, level: Level, spans: Bools) -> Bools:
    """The rows of a level that hang with the chosen spans."""
    if level is Level.SPAN:
        return spans
    if level in (Level.EVENT, Level.LINK):
        return spans[batch.rows(level, Level.SPAN)]
    rows = batch.rows(Level.SPAN, level)
    return any_by_row(rows, spans, batch.count(level))


def _first(names: list[str], limit: int) -> tuple[str, ...]:
    return tuple(names[:limit] if limit else names)


def tag_values(sources: Sequence[Source], name: str, window: Window, *, limit: int, budget: Budget | None = None) -> TagValues:
    """The values of a field, by its TraceQL spelling. With a limit those that the lowest trace ids have. Raises BadQuery for
    what is no field."""
    field = parse_identifier(name)
    if field.of_parent if isinstance(field, ast.Attribute) else field.name in UNLISTED:
        return TagValues(())
    keywords = fields.keyword_type(field)
    if keywords is not None and window.query is None:
        return TagValues(tuple(TagValue("keyword", word) for word in sorted(WORDS[keywords].values())))
    if _asks_for_nothing(window.query, field):
        return TagValues((TagValue("string", ""),))
    return _collect(sources, [field], window, limit, budget)


def tag_values_v1(sources: Sequence[Source], name: str, window: Window, *, limit: int, budget: Budget | None = None) -> TagValues:
    """The values of an unscoped name as Tempo's first API asks for it: any characters, at any level (service.name: of
    resources), as plain texts."""
    if name in V1_INTRINSICS:
        return _collect(sources, [ast.Intrinsic(V1_INTRINSICS[name])], window, limit, budget)
    if name == "status.code":
        return _collect(sources, [ast.Intrinsic("span:status")], window, limit, budget)
    scopes = [scope for scope in ast.Scope if scope is not ast.Scope.UNSCOPED] if name != "service.name" else [ast.Scope.RESOURCE]
    found = _collect(sources, [ast.Attribute(scope, name) for scope in scopes], window, limit, budget)
    texts = sorted({value.value for value in found.values})
    return TagValues(tuple(TagValue("string", text) for text in texts), found.inspected)


def _asks_for_nothing(query: ast.Query | None, field: ast.Field) -> bool:
    """Whether the filter is `{ field = "" }` on the field itself: what an editor sends before anything is typed. Tempo answers
    the empty text."""
    if query is None or not isinstance(query.expression, ast.Pipeline):
        return False
    empty = ast.Comparison(Operator.EQUAL, field, ast.Literal("", Type.STRING))
    service = ast.Attribute(ast.Scope.RESOURCE, "service.name")
    return field == service and query.expression.stages == (ast.SpansetFilter(empty),)


def _collect(sources: Sequence[Source], wanted: Sequence[ast.Field], window: Window, limit: int, budget: Budget | None) -> TagValues:
    budget, found = budget or Budget(), _Found()
    columns = {fields.COLUMNS[field.name] for field in wanted if isinstance(field, ast.Intrinsic)}
    named = {AttributeName(level, f.name) for f in wanted if isinstance(f, ast.Attribute) for level in fields.LEVELS[f.scope]}
    order = {(Level.SPAN, "start"), (Level.SPAN, "span_id")} if limit else set()
    for batch, spans in window.read(sources, window.scan(frozenset(columns | order), frozenset(named)), budget):
        place = _places(batch) if limit else None
        conditions = Conditions(batch, budget.check)
        for field in wanted:
            if place is not None:
                for part in conditions.field(field).parts:
                    found.add(batch, part, spans, place)
            elif spans.all():
                found.add_all(batch.remember(("values", label(field)), lambda: _distinct_values(conditions, field, spans)))  # noqa: B023
            else:
                found.add_all(_distinct_values(conditions, field, spans))
    return TagValues(found.values(limit), budget.inspected)


def _where_it_lives(conditions: Conditions, field: ast.Field, spans: Bools) -> tuple[Vector, Bools]:
    """The values of a field and which of its rows count: at its own level where it has but one, of which spans share rows."""
    places = list(conditions.alternatives(field))
    if len(places) == 1 and places[0].level not in (Level.TRACE, *BELOW):
        return places[0], _rows_of(conditions.batch, places[0].level, spans)
    return conditions.field(field), spans


def _places(batch: Batch) -> Ints:
    """For every span its place in the order of trace id, start, span id and kind."""
    kind, identifier, start = (batch.stored(Level.SPAN, name) for name in ("kind", "span_id", "start"))
    order = np.lexsort((kind, identifier, start, batch.trace_of_span()))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return place


@dataclass(frozen=True, slots=True)
class _Values:
    """The distinct values of a field in one batch."""

    values: tuple[TagValue, ...]

    @property
    def nbytes(self) -> int:
        """About what they take."""
        return sum(VALUE_BYTES + len(value.value) for value in self.values)


def _distinct_values(conditions: Conditions, field: ast.Field, spans: Bools) -> _Values:
    vector, rows = _where_it_lives(conditions, field, spans)
    found = dict.fromkeys(
        TagValue(TYPE_WORDS[part.type], text)
        for part in vector.parts
        for text in _distinct(part, rows if part.rows is None else rows[part.rows])[1]
    )
    return _Values(tuple(found))


class _Found:
    """Distinct values, each with the first trace (and the place in it) that has it."""

    def __init__(self) -> None:
        self._values: dict[TagValue, tuple[str, int]] = {}

    def add_all(self, found: _Values) -> None:
        """Values of which the first place does not matter."""
        self._values.update(dict.fromkeys(found.values, ("", 0)))

    def add(self, batch: Batch, part: Part, spans: Bools, place: Ints) -> None:
        """Values, each with its first place."""
        rows = part.places
        inside = spans[rows]
        codes, texts = _distinct(part, inside)
        first = np.full(len(texts), len(spans), np.int64)
        np.minimum.at(first, codes, place[rows[inside]])
        at = np.argsort(place)
        ids, trace = batch.trace_ids(), batch.trace_of_span()
        for text, where in zip(texts, first.tolist(), strict=True):
            value, key = TagValue(TYPE_WORDS[part.type], text), (ids.hex(int(trace[at[where]])), where)
            self._values[value] = min(self._values.get(value, key), key)

    def values(self, limit: int) -> tuple[TagValue, ...]:
        chosen = sorted(self._values, key=lambda value: (self._values[value], value))[:limit] if limit else self._values
        return tuple(sorted(chosen))


def _distinct(part: Part, inside: Bools) -> tuple[Ints, list[str]]:
    """The values of a part where the mask holds: a code for each, and the text of each code."""
    if part.type is Type.STRING:
        codes, names = coded(part.values)
        used, codes = dense_codes(codes[inside], len(names))
        return codes, names.take(pa.array(used)).to_pylist()
    distinct, codes = np.unique(part.values[inside], return_inverse=True)
    return codes, [_text(part.type, value) for value in distinct.tolist()]


def _text(type_: Type, value: int | float | bool) -> str:
    if type_ in WORDS:
        return WORDS[type_][int(value)]
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value + 0.0) if isinstance(value, float) else repr(value)  # -0.0 and 0.0 are one value, and one text
