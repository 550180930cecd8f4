"""Where the fields of a query lie in a batch: the columns behind intrinsics, and the levels at which an attribute is looked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pytempo.model import Batch, Level
from pytempo.model.arrays import NO_TEXT, Array, Bools, byte_ranges, empty_text
from pytempo.model.ids import span_ids_to_bytes
from pytempo.model.levels import ATTRIBUTE_LEVELS
from pytempo.traceql import ast
from pytempo.traceql.ast import Scope
from pytempo.traceql.types import Type
from pytempo.traceql.vector import Part, Vector, dense, gather, of_attribute, take_rows

LEVELS: dict[Scope, tuple[Level, ...]] = {
    Scope.UNSCOPED: ATTRIBUTE_LEVELS,
    Scope.SPAN: (Level.SPAN,),
    Scope.RESOURCE: (Level.RESOURCE,),
    Scope.EVENT: (Level.EVENT,),
    Scope.LINK: (Level.LINK,),
    Scope.INSTRUMENTATION: (Level.SCOPE,),
}
"""The levels at which an attribute of each scope is looked for, the first that has it wins."""

COLUMNS: dict[str, tuple[Level, str]] = {
    "span:name": (Level.SPAN, "name"),
    "span:duration": (Level.SPAN, "duration"),
    "span:status": (Level.SPAN, "status_code"),
    "span:statusMessage": (Level.SPAN, "status_message"),
    "span:kind": (Level.SPAN, "kind"),
    "span:id": (Level.SPAN, "span_id"),
    "span:parentID": (Level.SPAN, "parent_span_id"),
    "span:childCount": (Level.SPAN, "child_count"),
    "nestedSetLeft": (Level.SPAN, "nested_left"),
    "nestedSetRight": (Level.SPAN, "nested_right"),
    "nestedSetParent": (Level.SPAN, "nested_parent"),
    "trace:duration": (Level.TRACE, "duration"),
    "trace:rootName": (Level.TRACE, "root_name"),
    "trace:rootService": (Level.TRACE, "root_service"),
    "event:name": (Level.EVENT, "name"),
    "event:timeSinceStart": (Level.EVENT, "time_since_start"),
    "link:traceID": (Level.LINK, "trace_id"),
    "link:spanID": (Level.LINK, "span_id"),
    "instrumentation:name": (Level.SCOPE, "name"),
    "instrumentation:version": (Level.SCOPE, "version"),
}
"""The column behind each intrinsic but `trace:id` and `parent`, which are made of others."""

LONGEST_DURATION = np.uint64(2**63 - 1)
"""Durations beyond this many nanoseconds (292 years) compare as this."""


def intrinsic(batch: Batch, name: str) -> Vector:
    """The values of an intrinsic by its canonical name."""
    if name == "trace:id":
        return dense(Level.TRACE, Type.STRING, _hex(batch.trace_ids().to_bytes()))
    level, column = COLUMNS[name]
    values = batch.column(level, column)
    return _SPECIAL.get(name, _plain)(level, values)


def attribute(batch: Batch, level: Level, key: str) -> Vector:
    """The values of an attribute at one level."""
    if level is Level.RESOURCE and key == "service.name":
        return _with_default(of_attribute(level, batch.values(level, key)))
    return of_attribute(level, batch.values(level, key))


def _with_default(services: Vector) -> Vector:
    """A resource without service.name has it as an empty text: it is never nil (Tempo stores it so)."""
    absent = np.flatnonzero(~services.there)
    if not len(absent):
        return services
    text = services.part(Type.STRING)
    others = tuple(part for part in services.parts if part.type is not Type.STRING)
    rows, values = absent, empty_text(len(absent))
    if text is not None:
        known = text.places
        rows = np.concatenate([known, absent])
        order = np.argsort(rows, kind="stable")
        plain = text.values.dictionary_decode() if pa.types.is_dictionary(text.values.type) else text.values
        rows, values = rows[order], pa.concat_arrays([plain, values]).take(pa.array(order))
    return Vector(services.level, services.count, (*others, Part(Type.STRING, values, rows)), None, services.is_array)


def of_parent(vector: Vector, batch: Batch, bring: Callable[[Vector, Batch], Vector] = gather) -> Vector:
    """A field of the parent span, seen from its children; absent where the parent is not there. `bring` takes it to the parent."""
    parent = batch.parent_of_span()
    orphan = parent < 0
    at_spans = bring(vector, batch)
    moved = take_rows(at_spans, np.maximum(parent, 0)) if at_spans.count else at_spans
    return without(moved, orphan)


def without(vector: Vector, gone: Bools) -> Vector:
    """The vector with no value in the rows of the mask."""
    parts = []
    for part in vector.parts:
        rows = part.places
        keep = ~gone[rows]
        values = part.values[keep] if isinstance(part.values, np.ndarray) else part.values.filter(pa.array(keep))
        parts.append(Part(part.type, values, rows[keep]))
    is_array = None if vector.is_array is None else vector.is_array & ~gone
    return Vector(vector.level, vector.count, tuple(parts), vector.there & ~gone, is_array)


def parent_exists(batch: Batch) -> Bools:
    """The spans that name a parent, whether or not it has arrived."""
    out: Bools = batch.stored(Level.SPAN, "parent_span_id") != 0
    return out


def _plain(level: Level, values: Any) -> Vector:
    if isinstance(values, np.ndarray):
        return dense(level, Type.INT, values.astype(np.int64))
    return dense(level, Type.STRING, values)


def _duration(level: Level, values: Array) -> Vector:
    return dense(level, Type.DURATION, np.minimum(values, LONGEST_DURATION).astype(np.int64))


def _offset(level: Level, values: Array) -> Vector:
    """Nanoseconds that may be before zero, stored as their remainder modulo 2^64."""
    return dense(level, Type.DURATION, values.view(np.int64))


def _status(level: Level, values: Array) -> Vector:
    return dense(level, Type.STATUS, values.astype(np.int64))


def _kind(level: Level, values: Array) -> Vector:
    known = (values >= 0) & (values <= 5)
    return dense(level, Type.KIND, np.where(known, values, 0).astype(np.int64))


def _span_id(level: Level, values: Array) -> Vector:
    """Ids as 16 hex digits; no id is an empty text."""
    text = _hex(span_ids_to_bytes(values))
    return dense(level, Type.STRING, pc.if_else(pa.array(values == 0), NO_TEXT, text) if (values == 0).any() else text)


def _linked_id(level: Level, values: Any) -> Vector:
    """A link's ids, of whatever length they came; an id of zeros is no id."""
    offsets, data = byte_ranges(values)
    digits = data[offsets[0] : offsets[-1]].tobytes().hex().encode()
    text = pa.StringArray.from_buffers(len(values), pa.py_buffer(2 * (offsets - offsets[0])), pa.py_buffer(digits))
    return dense(level, Type.STRING, pc.if_else(pc.match_substring_regex(text, "^0*$"), NO_TEXT, text))


def _hex(raw: Array) -> Any:
    """uint8 [n, width] as a text column of hex digits."""
    count, width = raw.shape
    digits = np.frombuffer(np.ascontiguousarray(raw).tobytes().hex().encode(), np.uint8)
    offsets = np.arange(count + 1, dtype=np.int32) * (2 * width)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(digits))


_SPECIAL: dict[str, Callable[[Level, Any], Vector]] = {
    "span:duration": _duration,
    "trace:duration": _duration,
    "event:timeSinceStart": _offset,
    "span:status": _status,
    "span:kind": _kind,
    "span:id": _span_id,
    "span:parentID": _span_id,
    "link:traceID": _linked_id,
    "link:spanID": _linked_id,
}

ID_DIGITS = {"trace:id": 32, "link:traceID": 32, "span:id": 16, "span:parentID": 16, "link:spanID": 16}
"""Hex digits of the intrinsics that are ids."""


def id_constant(name: str, text: str) -> str:
    """How an id in a query compares: lower case, zeros filled in; zeros alone are no id, which is the empty text."""
    digits = text.lower()
    return "" if not digits.strip("0") else digits.rjust(ID_DIGITS[name], "0")


def keyword_type(field: ast.Field) -> Type | None:
    """STATUS or KIND for the intrinsics that answer with keywords."""
    if isinstance(field, ast.Intrinsic) and field.name in ("span:status", "span:kind"):
        return Type.STATUS if field.name == "span:status" else Type.KIND
    return None
