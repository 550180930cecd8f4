"""The columnar shape of trace data: `Batch`, what every source hands out, and `MemoryBatch`, a batch whose columns are all at hand.

A batch holds spans in order of arrival, not of trace: `trace_of_span` says which trace each belongs to. Levels hang together by row numbers
(model/levels.py). Columns are asked for by name, so that a batch over a file reads only what a query needs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pytempo.model import traces, tree
from pytempo.model.arrays import Ints, any_by_row, empty_text, owners_of, plain_text, take
from pytempo.model.attributes import Attributes, Kind, Values
from pytempo.model.ids import TraceIds
from pytempo.model.levels import DERIVED, TREE, Level


class Sized(Protocol):
    """What may be kept."""

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""


T = TypeVar("T", bound=Sized)

MANY = 4
"""Of one in so many rows, or more, values are picked out of those of all."""


class Batch(ABC):
    """Spans with all that hangs above and below them. Immutable once made; safe to read from several threads."""

    @abstractmethod
    def count(self, level: Level) -> int:
        """How many rows a level has."""

    @abstractmethod
    def trace_ids(self) -> TraceIds:
        """The ids of the traces, ascending and distinct."""

    @abstractmethod
    def trace_of_span(self) -> NDArray[np.int32]:
        """The trace's row of every span."""

    @abstractmethod
    def scope_of_span(self) -> NDArray[np.int32]:
        """The scope's row of every span."""

    @abstractmethod
    def resource_of_scope(self) -> NDArray[np.int32]:
        """The resource's row of every scope."""

    @abstractmethod
    def offsets(self, level: Level) -> NDArray[np.int32]:
        """For EVENT or LINK: those of span s are rows offsets[s] to offsets[s + 1]."""

    @abstractmethod
    def attributes(self, level: Level) -> Attributes:
        """All attributes of a level."""

    @abstractmethod
    def stored(self, level: Level, name: str) -> Any:
        """A stored column (model/levels.py lists them), as an array or a text column."""

    def stored_at(self, level: Level, name: str, rows: Ints) -> Any:
        """Some rows of a stored column."""
        return take(self.stored(level, name), rows)

    def read_ahead(self, columns: Iterable[tuple[Level, str]]) -> None:  # noqa: B027  nothing to do for what is in memory
        """These columns will be asked for next: whoever reads files may read them together."""

    def begin(self) -> None:  # noqa: B027  nothing to do for what is in memory
        """What was announced will be asked for soon: whoever reads files may have another thread read it meanwhile."""

    def release(self) -> None:  # noqa: B027  nothing to do for what is in memory
        """Let go of what can be read again: whoever reads files keeps what was read until then."""

    def values(self, level: Level, key: str) -> Values:
        """The values of one attribute at one level."""
        return self.attributes(level).values(key)

    def values_at(self, level: Level, key: str, rows: Ints) -> Values:
        """The values of one attribute in some rows of a level."""
        return self.values(level, key).take(rows)

    def attributes_at(self, level: Level, rows: Ints) -> Attributes:
        """The attributes of some rows of a level."""
        return self.attributes(level).take(rows)

    def keys(self, level: Level) -> tuple[Ints, Ints, Any]:
        """Which attributes the rows of a level have: offsets [rows + 1], a code for each attribute, the names that the codes stand for."""
        table = self.attributes(level)
        return table.offsets, table.keys, table.key_names

    def key_names(self, level: Level) -> Any:
        """The distinct names of attributes that any row of a level has, as text, in no order."""
        _, keys, names = self.keys(level)
        return names.take(pa.array(np.flatnonzero(np.bincount(keys, minlength=len(names)))))

    def column(self, level: Level, name: str) -> Any:
        """A column, stored or derived from the spans."""
        if level is Level.TRACE:
            return getattr(self.summary(), name)
        if level is Level.SPAN and name in DERIVED:
            return getattr(self.nesting(), name)
        return self.stored(level, name)

    def summary(self) -> traces.Summary:
        """Bounds and root of every trace."""
        return traces.summarise(self)

    def summary_of(self, wanted: Ints) -> traces.Summary:
        """Bounds and root of some traces."""
        return self.summary().take(wanted)

    def nesting(self) -> tree.Nesting:
        """Nested-set numbers and child counts of every span."""
        return tree.number(self.parent_of_span(), self.trace_of_span(), self.stored(Level.SPAN, "parent_span_id") == 0, self.file_order())

    def parent_of_span(self) -> NDArray[np.int64]:
        """The row of every span's parent, -1 where it is not in the batch."""
        return self._parents_by(self.numbers_at())

    def _parents_by(self, numbers: tuple[Ints, Ints] | None) -> NDArray[np.int64]:
        """By the numbers of all spans of the batch, where there are any, otherwise by their ids."""
        trace = self.trace_of_span()
        if numbers is None:
            return tree.parents(trace, *(self.stored(level, name) for level, name in TREE))
        return tree.numbered_parents(trace, *numbers, lambda rows: [self.stored_at(level, name, rows) for level, name in TREE])

    def numbers_at(self, spans: Ints | None = None) -> tuple[Ints, Ints] | None:
        """The nested-set numbers of some spans (None: of all) and of their parents, where they are stored as `tree.number` gives them."""
        return None

    def file_order(self) -> NDArray[np.int64]:
        """The spans as a block stores them: by trace, then as their resource, their scope and they themselves first arrived."""
        return traces.file_order(self.trace_of_span(), *self.entries())

    def entries(self) -> tuple[Ints, Ints]:
        """For every span a number of its resource and one of its scope: spans with the same ones stand under one entry in a file."""
        scope = self.scope_of_span()
        return self.resource_of_scope()[scope], scope

    def remember(self, what: Hashable, make: Callable[[], T]) -> T:
        """What is made of all of the batch: whoever reads files may have kept it from an earlier query."""
        return make()

    def below_traces(self, traces: Ints) -> BelowTraces | None:
        """What hangs under these traces (rows, ascending), where that can be told without looking at all spans."""
        return None

    def portions(self, traces: Ints) -> list[Portion]:
        """For each of these traces (rows, ascending) a smaller batch that holds it, where this one can be read in parts; some share it."""
        return [Portion(self, 0, 0)] * len(traces)

    def rows(self, lower: Level, upper: Level) -> Ints:
        """For every row of `lower` the row of `upper` that it hangs under."""
        if lower is upper:
            return np.arange(self.count(lower), dtype=np.int32)
        if lower in (Level.EVENT, Level.LINK):
            span = owners_of(self.offsets(lower))
            return span if upper is Level.SPAN else self.rows(Level.SPAN, upper)[span]
        if lower is Level.SPAN and upper is Level.TRACE:
            return self.trace_of_span()
        if lower is Level.SPAN:
            scope = self.scope_of_span()
            return scope if upper is Level.SCOPE else self.resource_of_scope()[scope]
        if lower is Level.SCOPE and upper is Level.RESOURCE:
            return self.resource_of_scope()
        raise ValueError(f"no {upper.name} above {lower.name}")


@dataclass(frozen=True, slots=True)
class BelowTraces:
    """The rows of a batch that hang under some of its traces, ascending, and how they hang together, by their places among these."""

    resources: NDArray[np.int64]
    scopes: NDArray[np.int64]
    spans: NDArray[np.int64]
    trace_of_span: Ints
    """The trace's row in the batch."""
    scope_of_span: NDArray[np.int32]
    resource_of_scope: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Portion:
    """A part of a batch: its traces and spans are those of the whole from `first_trace` and `first_span` on."""

    batch: Batch
    first_trace: int
    first_span: int


@dataclass
class MemoryBatch(Batch):
    """A batch whose columns are all in memory."""

    ids: TraceIds
    trace: NDArray[np.int32]
    scope: NDArray[np.int32]
    resource: NDArray[np.int32]
    event_offsets: NDArray[np.int32]
    link_offsets: NDArray[np.int32]
    columns: dict[tuple[Level, str], Any]
    tables: dict[Level, Attributes]
    _derived: dict[str, Any] = field(default_factory=dict, repr=False)

    def count(self, level: Level) -> int:
        return {
            Level.TRACE: len(self.ids),
            Level.SPAN: len(self.trace),
            Level.SCOPE: len(self.resource),
            Level.RESOURCE: len(self.tables[Level.RESOURCE].offsets) - 1,
            Level.EVENT: int(self.event_offsets[-1]),
            Level.LINK: int(self.link_offsets[-1]),
        }[level]

    def trace_ids(self) -> TraceIds:
        return self.ids

    def trace_of_span(self) -> NDArray[np.int32]:
        return self.trace

    def scope_of_span(self) -> NDArray[np.int32]:
        return self.scope

    def resource_of_scope(self) -> NDArray[np.int32]:
        return self.resource

    def offsets(self, level: Level) -> NDArray[np.int32]:
        return self.event_offsets if level is Level.EVENT else self.link_offsets

    def attributes(self, level: Level) -> Attributes:
        return self.tables[level]

    def values_at(self, level: Level, key: str, rows: Ints) -> Values:
        if MANY * len(rows) > self.count(level):
            return super().values_at(level, key, rows)
        return self.tables[level].some_values(key, rows)

    def stored(self, level: Level, name: str) -> Any:
        key = (level, name)
        if key == (Level.RESOURCE, "service_name") and key not in self.columns:
            self.columns[key] = service_names(self.tables[Level.RESOURCE])
        return self.columns[key]

    def summary(self) -> traces.Summary:
        if "summary" not in self._derived:
            self._derived["summary"] = super().summary()
        summary: traces.Summary = self._derived["summary"]
        return summary

    def nesting(self) -> tree.Nesting:
        if "nesting" not in self._derived:
            self._derived["nesting"] = super().nesting()
        nesting: tree.Nesting = self._derived["nesting"]
        return nesting

    def file_order(self) -> NDArray[np.int64]:
        if "order" not in self._derived:
            self._derived["order"] = super().file_order()
        order: NDArray[np.int64] = self._derived["order"]
        return order

    def parent_of_span(self) -> NDArray[np.int64]:
        if "parent" not in self._derived:
            self._derived["parent"] = super().parent_of_span()
        parent: NDArray[np.int64] = self._derived["parent"]
        return parent


def service_names(resources: Attributes) -> Any:
    """The text of `service.name` of every resource, empty where it is absent or no string; the last one where a file gives several."""
    values = resources.values("service.name")
    for part in values.parts:
        if part.kind is Kind.STRING:
            rows = part.places
            wanted = np.append(rows[1:] != rows[:-1], True)
            if values.is_array is not None:
                wanted &= ~values.is_array[rows]
            return _scatter_text(rows[wanted], part.values.filter(pa.array(wanted)), values.count)
    return empty_text(values.count)


def _scatter_text(rows: Ints, values: Any, count: int) -> Any:
    """A text column [count] with `values` at the distinct ascending `rows` and empty strings elsewhere."""
    if len(rows) == count:
        return plain_text(values)
    there = any_by_row(rows, np.ones(len(rows), np.bool_), count)
    place = np.cumsum(there) - 1
    return plain_text(values).take(pa.array(np.where(there, place, 0), mask=~there)).fill_null("")
