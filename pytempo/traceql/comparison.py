"""`compare()`: how often every attribute value occurs among the selected spans and among the others, so that what sets them apart shows.

For each attribute the most frequent values of either side become series, and one more series counts the spans that have the attribute at
all. Series are called as Tempo calls them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytempo.model import Batch, Level
from pytempo.model.arrays import Bools, Ints, dense_codes
from pytempo.model.levels import ATTRIBUTE_LEVELS
from pytempo.traceql import ast, fields
from pytempo.traceql.aggregate import matching_spans
from pytempo.traceql.evaluate import Evaluation
from pytempo.traceql.grouping import NIL, Label, group_rows
from pytempo.traceql.labels import label
from pytempo.traceql.series import Labels, Points, SeriesSet, sort_key
from pytempo.traceql.series_keys import plain_nan
from pytempo.traceql.steps import Steps
from pytempo.traceql.types import Type
from pytempo.traceql.vector import BELOW, Vector

META_TYPE, META_ERROR = "__meta_type", "__meta_error"
SIDES = ("baseline", "selection")
"""The values of `__meta_type`; with `_total` behind them they count the spans that have an attribute."""

TOO_MANY_VALUES = "__too_many_values__"

MAX_VALUES = 10_000
"""Distinct values of an attribute that are told apart. One that has more, an id say, sets nothing apart: it is only counted."""

PENDING_COUNTS = 500_000
"""Counts of an attribute that are gathered before equal cells are put together; 16 bytes each."""

INTRINSICS = {
    "name": "span:name",
    "status": "span:status",
    "statusMessage": "span:statusMessage",
    "kind": "span:kind",
    "rootName": "trace:rootName",
    "rootServiceName": "trace:rootService",
    "instrumentation:name": "instrumentation:name",
    "event:name": "event:name",
}
"""Intrinsics that are compared, by their label: those that few values of many spans share."""

_SCOPES = {levels[0]: scope for scope, levels in fields.LEVELS.items() if len(levels) == 1}

Cells: TypeAlias = NDArray[np.int64]
"""Side times intervals plus interval."""


@dataclass(slots=True)
class _Tally:
    """How often the values of one attribute occur in each cell. Value 0 stands for the spans that have the attribute."""

    cells: int
    values: dict[Label, int] = field(default_factory=lambda: {NIL: 0})
    too_many: bool = False
    _keys: list[NDArray[np.int64]] = field(default_factory=list)
    _counts: list[NDArray[np.int64]] = field(default_factory=list)
    _pending: int = 0

    def add(self, value: int, cells: Cells, counts: Ints) -> None:
        """Occurrences of a value."""
        self._gather(value * self.cells + cells, counts)

    def add_all(self, labels: list[Label], codes: Ints, cells: Cells, counts: Ints) -> None:
        """Occurrences [k] of the values that `codes` stand for."""
        if self.too_many or len(labels) > MAX_VALUES:
            self._stop()
            return
        numbers = np.array([self.values.setdefault(plain_nan(each), len(self.values)) for each in labels], np.int64)
        self._gather(numbers[codes] * self.cells + cells, counts)
        if len(self.values) > MAX_VALUES + 1:
            self._stop()

    def _stop(self) -> None:
        """From now on, count only the spans that have the attribute."""
        if not self.too_many:
            self.too_many, self.values = True, {NIL: 0}
            keys, counts = self.occurrences()
            self._keys, self._counts = [keys[keys < self.cells]], [counts[keys < self.cells]]

    def _gather(self, keys: NDArray[np.int64], counts: Ints) -> None:
        self._keys.append(keys)
        self._counts.append(counts.astype(np.int64))
        self._pending += len(keys)
        if self._pending > PENDING_COUNTS:
            self.occurrences()

    def occurrences(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Distinct keys (value times cells plus cell), ascending, and the count of each."""
        keys, place = np.unique(np.concatenate(self._keys), return_inverse=True)
        counts = np.bincount(place, np.concatenate(self._counts)).astype(np.int64)
        self._keys, self._counts, self._pending = [keys], [counts], 0
        return keys, counts


class Comparison:
    """The series of one `Compare`, grown batch by batch."""

    def __init__(self, node: ast.Compare, steps: Steps) -> None:
        self._node, self._steps = node, steps
        self._tallies: dict[str, _Tally] = {}

    def add(self, evaluation: Evaluation) -> None:
        """The spans of a batch."""
        batch = evaluation.batch
        spans = matching_spans(self._node.pipeline, evaluation, self._steps)
        if not len(spans):
            return
        starts = batch.stored(Level.SPAN, "start")[spans]
        selected = evaluation.conditions.mask(self._node.selection.condition)[spans]
        if self._node.start is not None and self._node.end is not None:
            selected &= (starts >= np.uint64(self._node.start)) & (starts < np.uint64(self._node.end))
        cells = selected * self._steps.count + self._steps.places(starts)
        for level in (Level.TRACE, *ATTRIBUTE_LEVELS):
            occurrences = _Occurrences.below if level in BELOW else _Occurrences.above
            found = occurrences(batch, level, spans, cells)
            for name, vector in _vectors(batch, level):
                self._count(name, vector, found)

    def _count(self, name: str, vector: Vector, found: _Occurrences) -> None:
        found = found.where(vector.there[found.rows])
        if not len(found.rows):
            return
        tally = self._tallies.setdefault(name, _Tally(len(SIDES) * self._steps.count))
        spans = found.once(found.owners)
        tally.add(0, spans.cells, spans.counts)
        if tally.too_many:
            return
        groups = group_rows(vector)
        told = np.array([each is not NIL for each in groups.labels], np.bool_)  # a map or bytes are there, and no value
        found = found.where(told[groups.codes[found.rows]])
        found = found.once(found.owners * len(groups.labels) + groups.codes[found.rows])
        used, codes = dense_codes(groups.codes[found.rows], len(groups.labels))
        tally.add_all([groups.labels[code] for code in used.tolist()], codes, found.cells, found.counts)

    def result(self) -> SeriesSet:
        """The series of all that was added so far."""
        labels: list[Labels] = []
        rows: list[Points] = []
        for name, tally in self._tallies.items():
            for key, points in self._series(name, tally):
                labels.append(key)
                rows.append(points)
        return SeriesSet.of(labels, np.stack(rows) if rows else np.empty((0, self._steps.count)))

    def _series(self, name: str, tally: _Tally) -> Iterator[tuple[Labels, Points]]:
        keys, counts = tally.occurrences()
        values = list(tally.values)
        number, cell = keys // tally.cells, keys % tally.cells
        for side, word in enumerate(SIDES):
            here = cell // self._steps.count == side
            totals = np.bincount(number[here], counts[here], len(values))
            best = sorted(np.flatnonzero(totals[1:]) + 1, key=lambda each: (-totals[each], sort_key(((name, values[each]),))))
            for value in [0] * bool(totals[0]) + best[: self._node.top]:
                chosen = here & (number == value)
                points = np.zeros(self._steps.count)
                points[cell[chosen] % self._steps.count] = counts[chosen]
                yield ((META_TYPE, _word(word if value else f"{word}_total")), (name, values[value])), points
        if tally.too_many:
            yield ((META_ERROR, _word(TOO_MANY_VALUES)), (name, NIL)), np.zeros(self._steps.count)


@dataclass(frozen=True, slots=True)
class _Occurrences:
    """Where matching spans meet the rows of a level: `counts[i]` of them at row `rows[i]` in cell `cells[i]`.

    `owners[i]` is the same for the rows of one span, where it has several.
    """

    rows: Ints
    owners: NDArray[np.int64]
    cells: Cells
    counts: Ints
    several: bool
    """Whether a span may have several rows."""

    def where(self, wanted: Bools) -> _Occurrences:
        """Only those of the mask."""
        return self if wanted.all() else self._take(np.flatnonzero(wanted))

    def once(self, keys: NDArray[np.int64]) -> _Occurrences:
        """The first for each key, so that a span with several equal values counts once."""
        return self._take(np.unique(keys, return_index=True)[1]) if self.several else self

    def _take(self, rows: Ints) -> _Occurrences:
        return _Occurrences(self.rows[rows], self.owners[rows], self.cells[rows], self.counts[rows], self.several)

    @staticmethod
    def above(batch: Batch, level: Level, spans: Ints, cells: Cells) -> _Occurrences:
        """Spans that share a row and a cell are counted together."""
        rows, width = batch.rows(Level.SPAN, level)[spans], int(cells.max()) + 1
        keys, counts = np.unique(rows * np.int64(width) + cells, return_counts=True)
        return _Occurrences(keys // width, np.arange(len(keys)), keys % width, counts, several=False)

    @staticmethod
    def below(batch: Batch, level: Level, spans: Ints, cells: Cells) -> _Occurrences:
        """The events or links of the spans, one by one."""
        place = np.full(batch.count(Level.SPAN), -1, np.int64)
        place[spans] = np.arange(len(spans))
        owners = place[batch.rows(level, Level.SPAN)]
        rows = np.flatnonzero(owners >= 0)
        return _Occurrences(rows, owners[rows], cells[owners[rows]], np.ones(len(rows), np.int64), several=True)


def _vectors(batch: Batch, level: Level) -> Iterator[tuple[str, Vector]]:
    """What is compared at a level: its attributes and intrinsics, with their labels."""
    for name, intrinsic in INTRINSICS.items():
        if fields.COLUMNS[intrinsic][0] is level:
            yield name, fields.intrinsic(batch, intrinsic)
    if level in _SCOPES:
        _, codes, names = batch.keys(level)
        for code in np.unique(codes).tolist():
            key = names[code].as_py()
            yield label(ast.Attribute(_SCOPES[level], key)), fields.attribute(batch, level, key)


def _word(text: str) -> Label:
    return Label(Type.STRING, text)
