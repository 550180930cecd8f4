"""Batches made of other batches: a choice of spans (`Selection`), batches one after the other (`Concat`). Columns follow when asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import fields
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pytempo.model import traces, tree
from pytempo.model.arrays import Bools, Ints, coded, concat_numbers, concat_text, offsets_of, take, take_ragged
from pytempo.model.attribute_tables import concat_attributes, concat_values
from pytempo.model.attributes import Attributes, Values
from pytempo.model.batch import Batch, MemoryBatch
from pytempo.model.fingerprint import group_equal
from pytempo.model.ids import TraceIds
from pytempo.model.levels import COLUMNS, DERIVED, Level


class Composed(Batch):
    """What `Selection` and `Concat` share: columns and attributes are composed when first asked for, derived ones worked out once."""

    @cached_property
    def _summary(self) -> traces.Summary:
        return super().summary()

    @cached_property
    def _nesting(self) -> tree.Nesting:
        return super().nesting()

    @cached_property
    def _parents(self) -> NDArray[np.int64]:
        return super().parent_of_span()

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        return super().file_order()

    @cached_property
    def _columns(self) -> dict[tuple[Level, str], Any]:
        return {}

    @cached_property
    def _tables(self) -> dict[Level, Attributes]:
        return {}

    def summary(self) -> traces.Summary:
        return self._summary

    def assume(self, summary: traces.Summary) -> None:
        """Take over what is known of the traces from a batch of the same spans."""
        self._summary = summary

    def nesting(self) -> tree.Nesting:
        return self._nesting

    def parent_of_span(self) -> NDArray[np.int64]:
        return self._parents

    def file_order(self) -> NDArray[np.int64]:
        return self._order

    def stored(self, level: Level, name: str) -> Any:
        if (level, name) not in self._columns:
            self._columns[level, name] = self._load(level, name)
        return self._columns[level, name]

    def attributes(self, level: Level) -> Attributes:
        if level not in self._tables:
            self._tables[level] = self._load_attributes(level)
        return self._tables[level]

    def entries(self) -> tuple[Ints, Ints]:
        """As of any batch; resources and scopes of equal content are one, since the parts a batch is composed of do not share theirs."""
        resource, scope = self._groups
        return resource[self.scope_of_span()], scope[self.scope_of_span()]

    @cached_property
    def _groups(self) -> tuple[Ints, Ints]:
        """For every scope the group of its resource, and its own: equal contents share a group."""
        resources, _ = group_equal(self.attributes(Level.RESOURCE), [self.stored(Level.RESOURCE, "dropped_attributes")])
        resource = resources[self.resource_of_scope()]
        texts = [coded(self.stored(Level.SCOPE, name))[0] for name in ("name", "version")]
        scopes, _ = group_equal(self.attributes(Level.SCOPE), [resource, *texts, self.stored(Level.SCOPE, "dropped_attributes")])
        return resource, scopes

    @abstractmethod
    def _load(self, level: Level, name: str) -> Any:
        """Compose a stored column."""

    @abstractmethod
    def _load_attributes(self, level: Level) -> Attributes:
        """Compose the attributes of a level."""


class Selection(Composed):
    """Some spans of a batch in a new order, with their events and links, and with the scopes and resources that they hang under."""

    traces: NDArray[np.int64]
    """The rows of the batch's traces that any of the spans belongs to."""

    def __init__(self, batch: Batch, spans: Ints) -> None:
        self._batch, self._spans = batch, spans
        self.traces, self._trace = _renumbered(batch.trace_of_span()[spans], batch.count(Level.TRACE))
        self._ids = batch.trace_ids().take(self.traces)

    @cached_property
    def _below(self) -> dict[Level, tuple[NDArray[np.int32], NDArray[np.int64]]]:
        return {level: take_ragged(self._batch.offsets(level), self._spans) for level in (Level.EVENT, Level.LINK)}

    @cached_property
    def _scopes(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The rows of the batch's scopes that are used, and for each span which of them."""
        return _renumbered(self._batch.scope_of_span()[self._spans], self._batch.count(Level.SCOPE))

    @cached_property
    def _resources(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The rows of the batch's resources that are used, and for each used scope which of them."""
        return _renumbered(self._batch.resource_of_scope()[self._scopes[0]], self._batch.count(Level.RESOURCE))

    def count(self, level: Level) -> int:
        return len(self._ids) if level is Level.TRACE else len(self._rows(level))

    def trace_ids(self) -> TraceIds:
        return self._ids

    def trace_of_span(self) -> NDArray[np.int32]:
        return self._trace

    def scope_of_span(self) -> NDArray[np.int32]:
        return self._scopes[1]

    def resource_of_scope(self) -> NDArray[np.int32]:
        return self._resources[1]

    def offsets(self, level: Level) -> NDArray[np.int32]:
        return self._below[level][0]

    def _rows(self, level: Level) -> Ints:
        if level is Level.SPAN:
            return self._spans
        if level in (Level.EVENT, Level.LINK):
            return self._below[level][1]
        return self._scopes[0] if level is Level.SCOPE else self._resources[0]

    def _load_attributes(self, level: Level) -> Attributes:
        return self._batch.attributes_at(level, self._rows(level))

    def _load(self, level: Level, name: str) -> Any:
        return self._batch.stored_at(level, name, self._rows(level))

    def values(self, level: Level, key: str) -> Values:
        return self._batch.values_at(level, key, self._rows(level))


class WholeTraces(Selection):
    """Some traces of a batch with all of their spans: what is known of a trace is taken from the batch, not worked out again."""

    def __init__(self, batch: Batch, traces: Bools) -> None:
        """`traces` is a mask over those of the batch."""
        below = batch.below_traces(np.flatnonzero(traces))
        if below is None:
            super().__init__(batch, np.flatnonzero(traces[batch.trace_of_span()]))
            return
        self._batch, self._spans = batch, below.spans
        self.traces, self._trace = _renumbered(below.trace_of_span, len(traces))
        self._ids = batch.trace_ids().take(self.traces)
        self._scopes, self._resources = (below.scopes, below.scope_of_span), (below.resources, below.resource_of_scope)

    @property
    def spans(self) -> Ints:
        """The rows of the batch's spans that are in it, ascending."""
        return self._spans

    def places(self, spans: Ints) -> NDArray[np.int64]:
        """The rows here of some spans of the batch, -1 for those that are not in it."""
        place = np.searchsorted(self._spans, spans)
        there = place < len(self._spans)
        there[there] = self._spans[place[there]] == spans[there]
        return np.where(there, place, -1)

    def column(self, level: Level, name: str) -> Any:
        if level is Level.TRACE:
            return take(self._batch.column(level, name), self.traces)
        if level is Level.SPAN and name in DERIVED:
            return take(self._batch.column(level, name), self._spans)
        return self.stored(level, name)

    def summary(self) -> traces.Summary:
        return self._batch.summary_of(self.traces)

    def nesting(self) -> tree.Nesting:
        whole = self._batch.nesting()
        return tree.Nesting(*(getattr(whole, column.name)[self._spans] for column in fields(whole)))

    def parent_of_span(self) -> NDArray[np.int64]:
        numbers = self._batch.numbers_at(self._spans)
        return self.places(self._batch.parent_of_span()[self._spans]) if numbers is None else self._parents_by(numbers)

    def file_order(self) -> NDArray[np.int64]:
        order = self.places(self._batch.file_order())
        return order[order >= 0]

    def entries(self) -> tuple[Ints, Ints]:
        resource, scope = self._batch.entries()
        return resource[self._spans], scope[self._spans]


def _renumbered(rows: Ints, count: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Of `count` rows those that are named, ascending, and the names as places among them."""
    used = np.zeros(count, np.bool_)
    used[rows] = True
    return np.flatnonzero(used), (np.cumsum(used, dtype=np.int32) - 1)[rows]


class Concat(Composed):
    """Batches one after the other, their traces joined by id."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._batches = tuple(batches)
        self._ids, codes = TraceIds.concat([batch.trace_ids() for batch in self._batches]).distinct()
        pieces = np.split(codes, np.cumsum([batch.count(Level.TRACE) for batch in self._batches])[:-1])
        self._trace = np.concatenate([piece[batch.trace_of_span()] for piece, batch in zip(pieces, self._batches, strict=True)])

    def count(self, level: Level) -> int:
        return len(self._ids) if level is Level.TRACE else sum(batch.count(level) for batch in self._batches)

    def trace_ids(self) -> TraceIds:
        return self._ids

    def trace_of_span(self) -> NDArray[np.int32]:
        return self._trace

    @cached_property
    def _scope(self) -> NDArray[np.int32]:
        return self._shifted([batch.scope_of_span() for batch in self._batches], Level.SCOPE)

    @cached_property
    def _resource(self) -> NDArray[np.int32]:
        return self._shifted([batch.resource_of_scope() for batch in self._batches], Level.RESOURCE)

    def _shifted(self, rows: list[NDArray[np.int32]], level: Level) -> NDArray[np.int32]:
        base = offsets_of(np.array([batch.count(level) for batch in self._batches]))
        return np.concatenate([part + start for part, start in zip(rows, base[:-1], strict=True)])

    def scope_of_span(self) -> NDArray[np.int32]:
        return self._scope

    def resource_of_scope(self) -> NDArray[np.int32]:
        return self._resource

    def offsets(self, level: Level) -> NDArray[np.int32]:
        return offsets_of(np.concatenate([np.diff(batch.offsets(level)) for batch in self._batches]))

    def values(self, level: Level, key: str) -> Values:
        return concat_values([batch.values(level, key) for batch in self._batches])

    def _load_attributes(self, level: Level) -> Attributes:
        return concat_attributes([batch.attributes(level) for batch in self._batches])

    def _load(self, level: Level, name: str) -> Any:
        columns = [batch.stored(level, name) for batch in self._batches]
        if isinstance(columns[0], np.ndarray):
            return concat_numbers(columns)
        if pa.types.is_binary(columns[0].type):
            return pa.concat_arrays(columns)
        return concat_text(columns)


def materialise(batch: Batch) -> MemoryBatch:
    """The same batch with every column in memory, independent of what it was made from."""
    stored: dict[tuple[Level, str], Any] = {
        (level, name): batch.stored(level, name) for level in Level if level is not Level.TRACE for name in COLUMNS[level]
    }
    return MemoryBatch(
        batch.trace_ids(),
        batch.trace_of_span(),
        batch.scope_of_span(),
        batch.resource_of_scope(),
        batch.offsets(Level.EVENT),
        batch.offsets(Level.LINK),
        stored,
        {level: batch.attributes(level) for level in Level if level is not Level.TRACE},
    )
