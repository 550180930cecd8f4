"""What the store answers with: small typed objects for one page of an answer, each able to become an Arrow table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pyarrow as pa

from pytempo.model.batch import Batch

Scalar: TypeAlias = str | int | float | bool
AttributeValue: TypeAlias = Scalar | tuple[Scalar, ...]
"""An attribute's value in an answer; an array is a tuple. Status and kind are their words, ids are hex, durations
Go's notation (`1.5s`)."""


@dataclass(slots=True)
class Inspected:
    """What a query had to look at."""

    traces: int = 0
    spans: int = 0
    bytes: int = 0
    """Bytes of column chunks and live columns that were read, compressed where they are."""
    blocks: int = 0
    """Blocks in the time range."""
    block_bytes: int = 0
    """Their size on disk."""
    jobs: int = 0
    """Units of work: one a row group or live batch that was read."""
    left_out: tuple[str, ...] = ()
    """Damaged blocks in the range that could not be read: the answer is partial."""

    def add(self, other: Inspected) -> None:
        """Count what another part of the same query looked at."""
        self.traces += other.traces
        self.spans += other.spans
        self.bytes += other.bytes
        self.blocks += other.blocks
        self.block_bytes += other.block_bytes
        self.jobs += other.jobs


@dataclass(frozen=True, slots=True)
class FoundSpan:
    """A span that matched. `name` is filled where the query names it; `start` and `duration` are nanoseconds."""

    span_id: str
    name: str | None
    start: int
    duration: int
    attributes: tuple[tuple[str, AttributeValue], ...] = ()


@dataclass(frozen=True, slots=True)
class Spanset:
    """Spans of one trace that matched together: `matched` of them, of which `spans` shows the first; `attributes` are
    aggregates and groups."""

    matched: int
    spans: tuple[FoundSpan, ...]
    attributes: tuple[tuple[str, AttributeValue], ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceStats:
    """How many spans, and how many with status error, a service has in a trace."""

    spans: int
    errors: int


@dataclass(frozen=True, slots=True)
class FoundTrace:
    """A trace that matched. `trace_id` is 32 hex digits; `root_service` and `root_name` are None while the root has not arrived."""

    trace_id: str
    root_service: str | None
    root_name: str | None
    start: int
    duration: int
    spansets: tuple[Spanset, ...] = ()
    service_stats: tuple[tuple[str, ServiceStats], ...] = ()


@dataclass(frozen=True, slots=True)
class SearchResult(Sequence[FoundTrace]):
    """The newest matching traces, newest first."""

    traces: tuple[FoundTrace, ...]
    inspected: Inspected = field(default_factory=Inspected)

    @property
    def partial(self) -> bool:
        """Whether something that is stored could not be read."""
        return bool(self.inspected.left_out)

    def __len__(self) -> int:
        return len(self.traces)

    def __getitem__(self, place: Any) -> Any:
        return self.traces[place]

    def to_arrow(self) -> pa.Table:
        """One row a trace: trace_id, root_service, root_name, start and duration (nanoseconds), matched spans."""
        return pa.table(
            {
                "trace_id": [trace.trace_id for trace in self.traces],
                "root_service": pa.array([trace.root_service for trace in self.traces], pa.string()),
                "root_name": pa.array([trace.root_name for trace in self.traces], pa.string()),
                "start": pa.array([trace.start for trace in self.traces], pa.uint64()),
                "duration": pa.array([trace.duration for trace in self.traces], pa.uint64()),
                "matched": pa.array([sum(spanset.matched for spanset in trace.spansets) for trace in self.traces], pa.int64()),
            }
        )


@dataclass(frozen=True, slots=True)
class Trace:
    """The stored spans of one trace, each once, in the order of arrival: all, or those asked for. `batch` holds the columns."""

    trace_id: str
    batch: Batch
    inspected: Inspected = field(default_factory=Inspected)
    message: str = ""
    """Why spans are missing, in words: the trace is larger than the limit."""

    @property
    def partial(self) -> bool:
        """Whether stored spans are missing that should be here."""
        return bool(self.message or self.inspected.left_out)


@dataclass(frozen=True, slots=True)
class TagNames:
    """Attribute names by scope (the words of TraceQL), each list sorted."""

    scopes: tuple[tuple[str, tuple[str, ...]], ...]
    inspected: Inspected = field(default_factory=Inspected)
    cut: bool = False
    """Whether names are missing because all of them would be too large an answer."""

    def all(self) -> tuple[str, ...]:
        """The names of all scopes together, sorted."""
        return tuple(sorted({name for _, names in self.scopes for name in names}))


@dataclass(frozen=True, slots=True, order=True)
class TagValue:
    """A value as completion offers it: `type` is string, int, float, bool or keyword; `value` its text."""

    type: str
    value: str


@dataclass(frozen=True, slots=True)
class TagValues:
    """The values of one attribute, sorted."""

    values: tuple[TagValue, ...]
    inspected: Inspected = field(default_factory=Inspected)
    cut: bool = False
    """Whether values are missing because all of them would be too large an answer."""
