"""The few traces that a search found in many batches, as one small batch: what an answer shows of them is put together once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np

from pytempo.model import Concat, Level, Portion, TraceIds, WholeTraces, traces, tree
from pytempo.model.arrays import Ints, concat_text, offsets_of
from pytempo.traceql.evaluate import Spansets
from pytempo.traceql.said import joined

T = TypeVar("T", traces.Summary, tree.Nesting)


@dataclass(frozen=True, slots=True)
class Found:
    """Traces in a portion of a batch, and spansets, theirs among them; both by the rows of the whole batch."""

    portion: Portion
    traces: Ints
    """Ascending."""
    spansets: Spansets


class Gathered(Concat):
    """Whole traces of several batches, none in more than one of them; what the batches know of a trace is taken over."""

    def __init__(self, pieces: Sequence[WholeTraces]) -> None:
        super().__init__(pieces)
        self._pieces = pieces
        self._order = np.argsort(self.trace_ids().find(TraceIds.concat([piece.trace_ids() for piece in pieces])))

    def summary(self) -> traces.Summary:
        return _concatenated([piece.summary() for piece in self._pieces]).take(self._order)

    def nesting(self) -> tree.Nesting:
        return _concatenated([piece.nesting() for piece in self._pieces])


def gather(found: Sequence[Found], columns: Sequence[tuple[Level, str]]) -> tuple[Gathered, Spansets]:
    """All the traces as one batch, and their spansets in it; `columns` are those that will be asked for."""
    for each in found:
        each.portion.batch.read_ahead(columns)
        each.portion.batch.begin()
    pieces, spansets = [], []
    for each in found:
        portion = each.portion
        wanted = np.zeros(portion.batch.count(Level.TRACE), np.bool_)
        wanted[each.traces - portion.first_trace] = True
        few = WholeTraces(portion.batch, wanted)
        pieces.append(few)
        spansets.append(_within(few, each.spansets.of_traces(each.traces).moved(portion.first_span, portion.first_trace)))
    batch = Gathered(pieces)
    return batch, _one_after_the_other(batch, pieces, spansets)


def _within(few: WholeTraces, spansets: Spansets) -> Spansets:
    """Spansets of a batch as those of its chosen traces."""
    return Spansets(few.places(spansets.spans), spansets.sets, np.searchsorted(few.traces, spansets.trace), spansets.said)


def _one_after_the_other(batch: Gathered, pieces: Sequence[WholeTraces], spansets: Sequence[Spansets]) -> Spansets:
    first_span = offsets_of(np.array([piece.count(Level.SPAN) for piece in pieces]))
    first_set = offsets_of(np.array([len(each.trace) for each in spansets]))
    ids = TraceIds.concat([piece.trace_ids().take(each.trace) for piece, each in zip(pieces, spansets, strict=True)])
    labels = [label for label, _ in spansets[0].said]
    said = [joined([each.said[place][1] for each in spansets]) for place in range(len(labels))]
    return Spansets(
        np.concatenate([each.spans + first for each, first in zip(spansets, first_span, strict=False)]),
        np.concatenate([each.sets + first for each, first in zip(spansets, first_set, strict=False)]),
        batch.trace_ids().find(ids),
        tuple(zip(labels, said, strict=True)),
    )


def _concatenated(tables: Sequence[T]) -> T:
    """Tables of columns, one under the other."""
    return type(tables[0])(*(_column([getattr(table, column.name) for table in tables]) for column in fields(tables[0])))


def _column(columns: list[Any]) -> Any:
    return np.concatenate(columns) if isinstance(columns[0], np.ndarray) else concat_text(columns)
