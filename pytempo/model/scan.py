"""The seam between query and storage: what a query asks of a source (`Scan`), and what every source answers to (`Source`).

A source holds whole knowledge of its own spans only; a trace may lie in several. Whoever reads several sources joins the traces that they
share (query/joining.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
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


def operand_text(operand: AttributeName | tuple[Level, str]) -> str:
    """An attribute as `span.http.method` (`.http.method` at any level), a column as `span:duration`."""
    if isinstance(operand, AttributeName):
        return f"{'' if operand.level is None else operand.level.word}.{operand.key}"
    return f"{operand[0].word}:{operand[1]}"


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison that a source may use to leave things out.

    `operand` is an attribute or a stored column, `operator` one of = != < <= > >= =~ exists; `value` is a str, int, float or bool, and
    None with `exists`.
    """

    operand: AttributeName | tuple[Level, str]
    operator: str
    value: Any

    def __str__(self) -> str:
        """Near to TraceQL: `span.http.method = "GET"`, `span:duration > 5000000`."""
        value = json.dumps(self.value, ensure_ascii=False) if isinstance(self.value, str | bool) else self.value
        return f"{operand_text(self.operand)} {self.operator}" + ("" if self.value is None else f" {value}")


class Meter(Protocol):
    """Who counts what a query reads, and may end it: every method may raise."""

    def check(self) -> None:
        """Asked between two steps of what takes long without reading."""

    def reads(self, size: int, batch: Batch | None = None, memory: int = 0) -> None:
        """`size` bytes are about to be read; where that is of a batch in a file, it takes about `memory` more bytes for them."""

    def holds(self, batch: Batch, memory: int) -> None:
        """What a batch has read takes `memory` bytes, until it is gone or `released`."""


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
    meter: Meter | None = field(default=None, compare=False, repr=False)
    """Is told what is read for this scan."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a source reads in one go, as a plan shows it."""

    name: str
    traces: int
    size: int
    """Bytes of what a scan names in it: of column chunks as they are stored, of live columns as they are in memory."""
    skipped: str | None = None
    """Why nothing in it can be wanted, in words; None where it is read."""


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

    @property
    def size(self) -> int:
        """Its bytes on disk; 0 for what is in memory."""

    def touches(self, start: int, end: int) -> bool:
        """Whether a trace of the source may have bounds that touch this range (unix nanoseconds, inclusive)."""

    def ends_before(self, time: int) -> bool:
        """Whether it is certain that no trace of the source starts at this time (unix nanoseconds) or later."""

    def trace_ids(self) -> TraceIds:
        """The ids of all its traces, ascending."""

    def batches(self, scan: Scan) -> Iterator[Batch]:
        """The batches that may hold what the scan wants."""

    def parts(self, scan: Scan) -> list[Part]:
        """What `batches` would read, and what it would leave out and why."""

    def batches_of(self, wanted: TraceIds, scan: Scan) -> Iterator[Batch]:
        """Batches that together hold every span of the wanted traces (ascending ids), whatever the scan's conditions say.

        Other traces may be in them.
        """
