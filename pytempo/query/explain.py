"""How a query would be read: which columns, which conditions sources may use, and what each source leaves out and why.

Nothing of it is evaluated: footers, statistics and filters tell it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytempo.model import Scan, Source
from pytempo.model.scan import MAX_TIME, operand_text
from pytempo.traceql import check, parse, plan, to_text

MIB = 1024 * 1024

OUTSIDE = "time range: its traces lie outside"


@dataclass(frozen=True, slots=True)
class PartPlan:
    """A row group, or the live spans of one batch; `size` is the bytes of the named columns in it, `skipped` why it is not read."""

    name: str
    traces: int
    size: int
    skipped: str | None


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """A block, or live spans. `skipped` says why the whole is not looked at; then it has no parts."""

    name: str
    size: int
    """Bytes on disk, 0 for live spans."""
    skipped: str | None
    parts: tuple[PartPlan, ...]

    @property
    def read(self) -> tuple[PartPlan, ...]:
        """The parts that are read."""
        return tuple(part for part in self.parts if part.skipped is None)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a query reads. As text it is for people; its fields are for programs."""

    query: str
    """As it was understood."""
    start: int
    end: int
    """Unix nanoseconds, inclusive."""
    columns: tuple[str, ...]
    """Columns that are read ahead, sorted."""
    attributes: tuple[str, ...]
    """Attributes that are read ahead, sorted."""
    conditions: tuple[str, ...]
    """What sources may use to leave things out."""
    all_conditions: bool
    """Whether every condition must hold in what is wanted, or one of them."""
    sources: tuple[SourcePlan, ...]

    @property
    def size(self) -> int:
        """Bytes of the named columns in everything that is read: an estimate, since what answers show comes on top."""
        return sum(part.size for source in self.sources for part in source.read)

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def explain(q: str, sources: Sequence[Source] = (), start: int = 0, end: int = MAX_TIME) -> Plan:
    """The plan of a query over these sources in [start, end], unix nanoseconds. Raises BadQuery."""
    query = check(parse(q))
    scan = plan.scan(query, start, end)
    return Plan(
        to_text(query),
        start,
        end,
        tuple(sorted(map(operand_text, scan.columns))),
        tuple(sorted(map(operand_text, scan.attributes))),
        tuple(map(str, scan.conditions)),
        scan.all_conditions,
        tuple(_source(source, scan) for source in reversed(sources)),
    )


def _source(source: Source, scan: Scan) -> SourcePlan:
    if not source.touches(scan.start, scan.end):
        return SourcePlan(source.name, source.size, OUTSIDE, ())
    parts = (PartPlan(part.name, part.traces, part.size, part.skipped) for part in source.parts(scan))
    return SourcePlan(source.name, source.size, None, tuple(parts))


def _lines(plan: Plan) -> Iterator[str]:
    yield f"query       {plan.query}"
    yield f"columns     {', '.join(plan.columns) or 'none'}"
    yield f"attributes  {', '.join(plan.attributes) or 'none'}"
    words = "every one must hold" if plan.all_conditions else "one must hold"
    told = f"{' ; '.join(plan.conditions)}   ({words})" if plan.conditions else "none: everything in the time range is read"
    yield f"conditions  {told}"
    for source in plan.sources:
        yield from _source_lines(source)
    read = [part for source in plan.sources for part in source.read]
    every = sum(len(source.parts) for source in plan.sources)
    skipped = sum(source.skipped is not None for source in plan.sources)
    if plan.sources:
        yield f"in all      {len(read)} of {every} parts are read, about {_size(plan.size)}"
    if skipped:
        yield f"            {skipped} of {len(plan.sources)} sources are skipped"


def _source_lines(source: SourcePlan) -> Iterator[str]:
    about = f"{source.name}, {_size(source.size)} on disk" if source.size else source.name
    if source.skipped is not None:
        yield f"source      {about}: skipped, {source.skipped}"
        return
    yield f"source      {about}: {len(source.read)} of {len(source.parts)} parts are read"
    for part in source.parts:
        told = f"{part.traces} traces, {_size(part.size)}" if part.skipped is None else f"skipped, {part.skipped}"
        yield f"    {part.name}: {told}"


def _size(size: int) -> str:
    return f"{size / MIB:.1f} MiB" if size >= MIB else f"{size} bytes"
