"""Time series while a query is answered: the labels of each series and its points, in one matrix, always in the order of the labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytempo.model.arrays import Bools
from pytempo.traceql.exemplars import Exemplar
from pytempo.traceql.grouping import WORDS, Label
from pytempo.traceql.types import Type

Labels: TypeAlias = tuple[tuple[str, Label], ...]
"""What a series is called: names and values, in the order in which an answer writes them."""

Points: TypeAlias = NDArray[np.float64]
"""[series, intervals]; NaN where a series has no point."""

NAME = "__name__"
"""The label of a series that no by() tells apart from others: its function."""


def named(name: str) -> Labels:
    """The labels of such a series."""
    return ((NAME, Label(Type.STRING, name)),)


@dataclass(frozen=True, slots=True)
class SeriesSet:
    """Series [s] in the order of their labels, with points [s, t]; every series has at least one point."""

    labels: tuple[Labels, ...]
    points: Points
    exemplars: tuple[tuple[Exemplar, ...], ...]

    @staticmethod
    def of(labels: Sequence[Labels], points: Points, exemplars: Sequence[tuple[Exemplar, ...]] | None = None) -> SeriesSet:
        """The series in order, without those that have no point."""
        there = np.flatnonzero(~np.isnan(points).all(axis=1)).tolist()
        order = sorted(there, key=lambda row: sort_key(labels[row]))
        told = tuple(() if exemplars is None else exemplars[row] for row in order)
        return SeriesSet(tuple(labels[row] for row in order), points[order], told)

    def keep(self, wanted: Bools) -> SeriesSet:
        """Only the points of the mask [s, t]."""
        return SeriesSet.of(self.labels, np.where(wanted, self.points, np.nan), self.exemplars)

    def map(self, change: Callable[[Points], Points]) -> SeriesSet:
        """Every point changed."""
        return SeriesSet.of(self.labels, change(self.points), self.exemplars)


def sort_key(labels: Labels) -> tuple[Any, ...]:
    """Few labels before many, then names and values one after the other; numbers by value, before text."""
    return (len(labels), *((name, _rank(label)) for name, label in labels))


def _rank(label: Label) -> tuple[int, float, str, str]:
    if label.type in (Type.INT, Type.FLOAT, Type.DURATION) and not isinstance(label.value, tuple):
        number = -math.inf if math.isnan(label.value) else label.value
        return (0, number, "", label.type.name)
    return (1, 0.0, label_text(label), label.type.name)


def label_text(label: Label) -> str:
    """The text that a label sorts by: its word, where it is one of an enumeration."""
    if label.type in WORDS:
        return WORDS[label.type][label.value]
    return label.value if isinstance(label.value, str) else "nil" if label.value is None else str(label.value)
