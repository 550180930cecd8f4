"""Values while a query is evaluated: one column of typed values at one level, and how columns and masks move between levels.

A row may have no value, one, or (arrays) several, and rows may differ in type: so a `Vector` is a few parts of one type each,
every part naming the rows that its values belong to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from pytempo.model import Batch, Kind, Level, Values
from pytempo.model.arrays import Bools, Ints, any_by_row, run_heads, take_owned
from pytempo.traceql.types import Type

TYPES = {Kind.STRING: Type.STRING, Kind.INT: Type.INT, Kind.DOUBLE: Type.FLOAT, Kind.BOOL: Type.BOOL}
"""The TraceQL type of each kind of stored value."""

BELOW = (Level.EVENT, Level.LINK)
"""Levels of which a span may have several rows."""


@dataclass(frozen=True, slots=True)
class Part:
    """Values [k] of one type; `rows` [k] ascending, or None where there is exactly one value for every row."""

    type: Type
    values: Any
    rows: Ints | None = None

    @property
    def places(self) -> Ints:
        """The rows, spelt out."""
        return np.arange(len(self.values)) if self.rows is None else self.rows


@dataclass(frozen=True, slots=True)
class Vector:
    """One value column over the `count` rows of a level. `present` None means that every row has a value."""

    level: Level
    count: int
    parts: tuple[Part, ...]
    present: Bools | None = None
    is_array: Bools | None = None

    @property
    def there(self) -> Bools:
        """The rows that have a value, of whatever type."""
        return np.ones(self.count, np.bool_) if self.present is None else self.present

    def part(self, *types: Type) -> Part | None:
        """The part of one of these types, if there is one."""
        return next((part for part in self.parts if part.type in types), None)


def dense(level: Level, type_: Type, values: Any) -> Vector:
    """A vector with one value of one type for every row."""
    return Vector(level, len(values), (Part(type_, values),))


def of_attribute(level: Level, values: Values) -> Vector:
    """The vector of an attribute's values."""
    parts = tuple(Part(TYPES[part.kind], part.values, part.rows) for part in values.dense().parts)
    everywhere = any(part.rows is None for part in parts)
    return Vector(level, values.count, parts, None if everywhere else values.present, values.is_array)


def take(values: Any, rows: Ints) -> Any:
    """Some values of a part, be they numbers or text."""
    return values[rows] if isinstance(values, np.ndarray) else values.take(pa.array(rows))


def lower(vector: Vector, batch: Batch, level: Level) -> Vector:
    """The vector seen from the rows of a level below: every row has what the row above it has."""
    if vector.level is level:
        return vector
    return replace(take_rows(vector, batch.rows(level, vector.level)), level=level)


def take_rows(vector: Vector, rows: Ints) -> Vector:
    """The vector whose row i is row rows[i] of this one."""
    parts = tuple(_take_part(part, rows) for part in vector.parts)
    present = None if vector.present is None else vector.present[rows]
    return Vector(vector.level, len(rows), parts, present, None if vector.is_array is None else vector.is_array[rows])


def _take_part(part: Part, above: Ints) -> Part:
    if part.rows is None:
        return Part(part.type, take(part.values, above))
    positions, owners = take_owned(part.rows, above)
    return Part(part.type, take(part.values, positions), owners)


def gather(vector: Vector, batch: Batch) -> Vector:
    """A vector of events or links as one of spans that may have several values each."""
    if vector.level not in BELOW:
        return lower(vector, batch, Level.SPAN)
    span = batch.rows(vector.level, Level.SPAN)
    parts = tuple(replace(part, rows=span if part.rows is None else span[part.rows]) for part in vector.parts)
    there = any_by_row(span, vector.there, batch.count(Level.SPAN))
    return Vector(Level.SPAN, batch.count(Level.SPAN), parts, there, there.copy())


def first_below(vector: Vector, batch: Batch) -> Vector:
    """As `gather`, but of several events or links only the first that has a value counts: a span has one value, or one array."""
    if vector.level not in BELOW:
        return lower(vector, batch, Level.SPAN)
    span, count = batch.rows(vector.level, Level.SPAN), batch.count(Level.SPAN)
    there = np.flatnonzero(vector.there)
    first = there[run_heads(span[there])]
    chosen, owner = take_rows(vector, first), span[first]
    parts = tuple(replace(part, rows=owner if part.rows is None else owner[part.rows]) for part in chosen.parts)
    is_array = None if chosen.is_array is None else any_by_row(owner, chosen.is_array, count)
    return Vector(Level.SPAN, count, parts, any_by_row(owner, np.ones(len(owner), np.bool_), count), is_array)


def to_spans(mask: Bools, batch: Batch, level: Level) -> Bools:
    """A mask over a level as a mask over spans: what holds above a span holds for it, what holds for one event or link of it does too."""
    if level is Level.SPAN:
        return mask
    if level in BELOW:
        return any_by_row(batch.rows(level, Level.SPAN), mask, batch.count(Level.SPAN))
    out: Bools = mask[batch.rows(Level.SPAN, level)]
    return out


def meeting_level(*levels: Level) -> Level:
    """The level whose rows see all of these without ambiguity; events against links meet at their span, and so does nothing."""
    different = set(levels)
    if len(different) == 1:
        return different.pop()
    below = different.intersection(BELOW)
    if len(below) == 1:
        return below.pop()
    return Level.SCOPE if different == {Level.RESOURCE, Level.SCOPE} else Level.SPAN
