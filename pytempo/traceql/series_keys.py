"""`by(...)` of time series: which series every span belongs to, numbered alike over all batches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytempo.errors import BadQuery
from pytempo.model import Level
from pytempo.model.arrays import Ints, dense_codes, take_ascending
from pytempo.traceql import ast
from pytempo.traceql.condition import Conditions
from pytempo.traceql.grouping import Groups, Label, group_rows
from pytempo.traceql.types import Type
from pytempo.traceql.vector import first_below, take_rows

ABOVE = (Level.TRACE, Level.RESOURCE, Level.SCOPE)
"""Levels of which many spans share a row: groups are made of their rows, and handed down."""

MAX_POINTS = 5_000_000
"""Series times intervals of one aggregation. A point costs 8 to 32 bytes while it is worked out, and about 50 in a JSON answer."""


def span_groups(conditions: Conditions, field: ast.Field, spans: Ints) -> Groups:
    """The group of each of some spans of a batch by one field. Of several events or links the first that has a value counts.

    A text of an event or link is empty where a span has none: intrinsics are never nil.
    """
    places = list(conditions.alternatives(field)) if not isinstance(field, ast.Attribute) or field.scope is not ast.Scope.UNSCOPED else []
    if len(places) == 1 and places[0].level in ABOVE:
        groups = group_rows(places[0])
        return replace(groups, codes=groups.codes[take_ascending(conditions.batch.rows(Level.SPAN, places[0].level), spans)])
    vector = conditions.field(field, first_below)
    groups = group_rows(vector if len(spans) == vector.count else take_rows(vector, spans))
    if isinstance(field, ast.Intrinsic) and field.definition.type is Type.STRING:
        return replace(groups, labels=tuple(Label(Type.STRING, "") if label.type is Type.NIL else label for label in groups.labels))
    return groups


def check_field(field: ast.Field) -> None:
    """Refuse the one field that has no value of its own."""
    if isinstance(field, ast.Intrinsic) and field.name == "parent":
        raise BadQuery("`parent` has no value to measure or to group by; it is there or not: { parent = nil }", *field.position)


class SeriesKeys:
    """Series by their keys (a label for each field of by()), numbered from 0 as they are met."""

    def __init__(self, intervals: int) -> None:
        self._intervals = intervals
        self._numbers: dict[tuple[Label, ...], int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def keys(self) -> list[tuple[Label, ...]]:
        """The key of every series, by number."""
        return list(self._numbers)

    def numbers(self, groups: Sequence[Groups], count: int) -> NDArray[np.int64]:
        """The series of each of `count` spans, by the groups that it is in.

        Raises BadQuery where the series have more points than are worked out at a time.
        """
        codes: Ints = np.zeros(count, np.int64)
        keys: list[tuple[Label, ...]] = [()]
        for each in groups:
            codes, keys = _cross(codes, keys, each)
        numbers = np.array([self._number(tuple(map(plain_nan, key))) for key in keys], np.int64)
        out: NDArray[np.int64] = numbers[codes]
        return out

    def _number(self, key: tuple[Label, ...]) -> int:
        number = self._numbers.setdefault(key, len(self._numbers))
        if len(self._numbers) * self._intervals > MAX_POINTS:
            raise BadQuery(
                f"this query makes more than {number} series of {self._intervals} points each, beyond the limit of {MAX_POINTS} points; "
                "filter more, group by fewer fields, or ask for a larger step"
            )
        return number


def _cross(codes: Ints, keys: list[Any], groups: Groups) -> tuple[Ints, list[Any]]:
    """Keys with the labels of one more field; only those that occur."""
    width = len(groups.labels)
    pairs = groups.codes if len(keys) == 1 else codes * width + groups.codes
    used, codes = dense_codes(pairs, len(keys) * width)
    return codes, [(*keys[pair // width], groups.labels[pair % width]) for pair in used.tolist()]


def plain_nan(label: Label) -> Label:
    """Every NaN as the one that equals itself as an object, so that all of them are one key."""
    return label._replace(value=math.nan) if isinstance(label.value, float) and math.isnan(label.value) else label
