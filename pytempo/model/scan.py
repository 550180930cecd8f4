"""The seam between query and storage: what a query asks of a source (`Scan`), and what every source answers to (`Source`).

A source holds whole knowledge of its own spans only; a trace may lie in several. Whoever reads several sources joins the traces that they
share (query/joining.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from pytempo.model.batch import Batch
from pytempo.model.ids import TraceIds
from pytempo.model.levels import Level

MAX_TIME = 2**64 - 1
"""The last unix nanosecond that OTLP can say."""


@dataclass(frozen=True, slots=True)
class AttributeName:
    """An attribute as a scan asks for it; `level` None means every level that carries attributes."""

    level: Level | None
    key: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison that a source may use to leave things out.

    `operand` is an attribute or a stored column, `operator` one of = != < <= > >= =~ exists; `value` is a str, int, float or bool, and
    None with `exists`.
    """

    operand: AttributeName | tuple[Level, str]
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Scan:
    """What a query reads.

    columns and attributes are read ahead, whatever else is asked for is read when asked. `conditions` may be used to skip whatever
    cannot fulfil them: every one of them where `all_conditions` holds, at least one otherwise; none means everything is wanted. A source
    may hand out too much, never too little. `start` and `end` are unix nanoseconds, inclusive; a trace counts when its bounds touch them.
    """

    columns: frozenset[tuple[Level, str]] = frozenset()
    attributes: frozenset[AttributeName] = frozenset()
    conditions: tuple[Condition, ...] = ()
    all_conditions: bool = True
    start: int = 0
    end: int = MAX_TIME
    traces: bytes | None = None
    """A single 16-byte trace id where only that trace is asked for."""
    whole: bool = False
    """Every column and attribute is read ahead: for those who want traces as they were sent."""


class Source(Protocol):
    """A place that holds spans: a live batch, a block. Immutable; every method may be called from any thread.

    Spans of a source are free of copies; its batches come in no promised order and split no trace.
    """

    @property
    def name(self) -> str:
        """What people call it: a block's id, or `live`."""

    @property
    def sequence(self) -> int:
        """Place in the order of arrival: a source with a lower number was filled before one with a higher."""

    def touches(self, start: int, end: int) -> bool:
        """Whether a trace of the source may have bounds that touch this range (unix nanoseconds, inclusive)."""

    def trace_ids(self) -> TraceIds:
        """The ids of all its traces, ascending."""

    def batches(self, scan: Scan) -> Iterator[Batch]:
        """The batches that may hold what the scan wants."""

    def batches_of(self, wanted: TraceIds, scan: Scan) -> Iterator[Batch]:
        """Batches that together hold every span of the wanted traces (ascending ids), whatever the scan's conditions say.

        Other traces may be in them.
        """
