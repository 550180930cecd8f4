"""What a field is for one span: the value that it, its resource or its scope has, or that its events or links have.

Of an event or a link that is looked at, a field has that one's value. Where none is singled out it has the values of all, like an array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from pytempo.traceql import ast
from pytempo.traceql.ast import Scope
from tests.oracle.spans import KINDS, STATUSES, Attributes, Span, Value, Word
from tests.oracle.trees import Trace
from tests.oracle.values import elements

Rows: TypeAlias = dict[str, int]
"""Which of them is singled out, by what `below` calls it."""

_SPANS: dict[str, Callable[[Trace, int], Value]] = {
    "span:name": lambda trace, place: trace.spans[place].name,
    "span:duration": lambda trace, place: min(trace.spans[place].duration, 2**63 - 1),
    "span:status": lambda trace, place: Word("status", STATUSES[trace.spans[place].status]),
    "span:statusMessage": lambda trace, place: trace.spans[place].message,
    "span:kind": lambda trace, place: Word("kind", KINDS[trace.spans[place].kind]),
    "span:id": lambda trace, place: trace.spans[place].span_id.hex(),
    "span:parentID": lambda trace, place: _id(trace.spans[place].parent_id),
    "span:childCount": lambda trace, place: len(trace.children(place)),
    "nestedSetLeft": lambda trace, place: trace.nested_sets[place][0],
    "nestedSetRight": lambda trace, place: trace.nested_sets[place][1],
    "nestedSetParent": lambda trace, place: trace.nested_sets[place][2],
    "parent": lambda trace, place: _id(trace.spans[place].parent_id) or None,
    "trace:id": lambda trace, place: trace.trace_id.hex(),
    "trace:duration": lambda trace, place: trace.duration,
    "trace:rootName": lambda trace, place: trace.root.name if trace.root else "",
    "trace:rootService": lambda trace, place: service_of(trace.root) if trace.root else "",
    "instrumentation:name": lambda trace, place: trace.spans[place].scope.name,
    "instrumentation:version": lambda trace, place: trace.spans[place].scope.version,
}
_BELOW: dict[str, Callable[[Span, Any], Value]] = {
    "event:name": lambda span, event: event.name,
    "event:timeSinceStart": lambda span, event: event.time - span.start,
    "link:traceID": lambda span, link: _id(link.trace_id),
    "link:spanID": lambda span, link: _id(link.span_id),
}
BELOW = ("event", "link")
ID_DIGITS = {"trace:id": 32, "link:traceID": 32, "span:id": 16, "span:parentID": 16, "link:spanID": 16}


def value(field: ast.Field, trace: Trace, place: int, rows: Rows) -> Value:
    """The value of a field for a span, where events or links are looked at: of those in `rows`."""
    if isinstance(field, ast.Intrinsic) and field.name in _SPANS:
        return _SPANS[field.name](trace, place)
    seen, level = _seen(field, trace, place), level_of(field, trace, place)
    if seen is None:
        return None
    if level not in BELOW:
        return _attributes(seen, level).get(field.name)
    values = [_below(field, seen, each) for each in _listed(seen, level)]
    if _row_of(field, level) in rows:
        return values[rows[_row_of(field, level)]]
    present = [each for each in values if each is not None]
    return tuple(element for each in present for element in elements(each)) if present else None


def _below(field: ast.Field, span: Span, row: Any) -> Value:
    value: Value = _BELOW[field.name](span, row) if isinstance(field, ast.Intrinsic) else row.attributes.get(field.name)
    return value


def level_of(field: ast.Field, trace: Trace, place: int) -> str:
    """Where the field of a span is looked up: at the first level that has it, if it names none."""
    if isinstance(field, ast.Intrinsic):
        return field.name.partition(":")[0]
    if field.scope is not Scope.UNSCOPED:
        return field.scope.value
    levels = (scope.value for scope in (Scope.SPAN, Scope.RESOURCE, Scope.INSTRUMENTATION, Scope.EVENT, Scope.LINK))
    return next((level for level in levels if _has(field, level, trace, place)), "span")


def below(field: ast.Field, trace: Trace, place: int) -> tuple[str, int] | None:
    """Whether a field of a span is one of events or links, and of how many; None for a field of the span itself."""
    level, seen = level_of(field, trace, place), _seen(field, trace, place)
    return (_row_of(field, level), len(_listed(seen, level)) if seen else 0) if level in BELOW else None


def is_unscoped(field: ast.Field) -> bool:
    """Whether a field says nothing of where it is looked up."""
    return isinstance(field, ast.Attribute) and field.scope is Scope.UNSCOPED


def _row_of(field: ast.Field, level: str) -> str:
    """Fields of events, by their scope, speak of one and the same event; one that is just found there speaks for itself."""
    return "" if is_unscoped(field) else level


def service_of(span: Span) -> str:
    """The service of a span, empty where it says none or no text."""
    name = span.resource.attributes.get("service.name")
    return name if isinstance(name, str) else ""


def identifier(name: str, text: str) -> str:
    """An id in a query: lower case, filled up with zeros; zeros alone are no id."""
    return _id(bytes.fromhex(text.rjust(ID_DIGITS[name], "0"))) if _is_hex(text) else text.lower()


def _is_hex(text: str) -> bool:
    return all(digit in "0123456789abcdefABCDEF" for digit in text)


def _seen(field: ast.Field, trace: Trace, place: int) -> Span | None:
    """The span whose attribute it is."""
    if isinstance(field, ast.Attribute) and field.of_parent:
        parent = trace.parent[place]
        return None if parent is None else trace.spans[parent]
    return trace.spans[place]


def _has(field: ast.Attribute, level: str, trace: Trace, place: int) -> bool:
    seen = _seen(field, trace, place)
    if seen is None:
        return False
    tables = [row.attributes for row in _listed(seen, level)] if level in BELOW else [_attributes(seen, level)]
    return any(table.get(field.name) is not None for table in tables)


def _listed(span: Span, level: str) -> tuple[Any, ...]:
    return span.events if level == "event" else span.links


def _attributes(span: Span, level: str) -> Attributes:
    if level == "resource":
        table = span.resource.attributes
        return table if table.get("service.name") is not None else {**table, "service.name": ""}
    return span.attributes if level == "span" else span.scope.attributes


def _id(raw: bytes) -> str:
    """Ids are hex; one of zeros is none."""
    return raw.hex() if any(raw) else ""
