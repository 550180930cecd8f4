"""What an answer shows of a trace and its matching spans: read for the few traces of one page, after everything else is decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pytempo.model import Batch, Level, Selection
from pytempo.model.arrays import Bools, Ints, coded, offsets_of, plain_text, ranges, run_heads
from pytempo.query.results import AttributeValue, FoundSpan, FoundTrace, ServiceStats, Spanset
from pytempo.traceql import ast, compare
from pytempo.traceql.condition import Conditions, constant_for, unlimited
from pytempo.traceql.durations import duration_text
from pytempo.traceql.evaluate import Spansets
from pytempo.traceql.grouping import WORDS
from pytempo.traceql.shown import ShownField
from pytempo.traceql.types import Type
from pytempo.traceql.vector import BELOW, Part, Vector, take_rows, to_spans

ERROR = 2
"""Status code of a span that failed."""

READ = (
    *((Level.TRACE, name) for name in ("start", "end", "duration", "root_name", "root_service")),
    *((Level.SPAN, name) for name in ("span_id", "start", "duration", "status_code")),
    (Level.RESOURCE, "service_name"),
)
"""What every answer shows of a trace and its spans."""

DERIVED_FIELDS = frozenset({"span:childCount", "nestedSetLeft", "nestedSetRight", "nestedSetParent"})
"""Fields of a span that say something of its whole trace, so that a few spans alone cannot tell them."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Fields that spans bring along, and how many spans of a spanset are shown."""

    fields: tuple[ShownField, ...]
    spans: int
    check: Callable[[], None] = unlimited
    """Is called between steps, and may raise."""


def show_traces(batch: Batch, traces: Sequence[int], spansets: Spansets, shown: Shown) -> list[FoundTrace]:
    """Some traces of one batch, each once, with their spansets; columns are read once for all of them."""
    summary, ids = batch.summary(), batch.trace_ids()
    rows = np.asarray(traces, np.int64)
    names, services = (column.take(pa.array(rows)).to_pylist() for column in (summary.root_name, summary.root_service))
    there, starts, durations = (column[rows].tolist() for column in (summary.has_root, summary.start, summary.duration))
    stats = service_stats(batch, rows)
    sets = _show_spansets(batch, rows, spansets, shown) if shown.spans else {}
    return [
        FoundTrace(
            ids.hex(trace), service if root else None, name if root else None, start, duration, tuple(sets.get(trace, ())), stats[trace]
        )
        for trace, root, service, name, start, duration in zip(traces, there, services, names, starts, durations, strict=True)
    ]


def service_stats(batch: Batch, traces: Ints) -> dict[int, tuple[tuple[str, ServiceStats], ...]]:
    """By trace the spans and failed spans of each of its services, services sorted."""
    trace = batch.trace_of_span()
    wanted = np.zeros(batch.count(Level.TRACE), np.bool_)
    wanted[traces] = True
    spans = np.flatnonzero(wanted[trace])
    resource = batch.rows(Level.SPAN, Level.RESOURCE)[spans]
    codes, names = coded(batch.stored(Level.RESOURCE, "service_name"))
    pairs, pair = np.unique(trace[spans].astype(np.int64) * len(names) + codes[resource], return_inverse=True)
    failed = batch.stored(Level.SPAN, "status_code")[spans] == ERROR
    total, errors = np.bincount(pair, minlength=len(pairs)), np.bincount(pair, weights=failed, minlength=len(pairs))
    texts = names.to_pylist()
    out: dict[int, list[tuple[str, ServiceStats]]] = {int(each): [] for each in traces}
    for key, count, bad in zip(pairs.tolist(), total.tolist(), errors.tolist(), strict=True):
        out[key // len(texts)].append((texts[key % len(texts)], ServiceStats(count, int(bad))))
    return {each: tuple(sorted(found, key=lambda entry: entry[0])) for each, found in out.items()}


def _show_spansets(batch: Batch, traces: Ints, spansets: Spansets, shown: Shown) -> dict[int, list[Spanset]]:
    """By trace its spansets, each with its first spans."""
    wanted = np.zeros(batch.count(Level.TRACE), np.bool_)
    wanted[traces] = True
    sets = np.flatnonzero(wanted[spansets.trace])
    bounds = np.searchsorted(spansets.sets, np.arange(len(spansets.trace) + 1))
    matched = np.diff(bounds)[sets]
    few = np.minimum(matched, shown.spans)
    spans = _show_spans(batch, _first_spans(batch, spansets, sets, bounds)[ranges(offsets_of(matched)[:-1], few)], shown)
    out: dict[int, list[Spanset]] = {}
    first = 0
    for number, trace, total, count in zip(sets.tolist(), spansets.trace[sets].tolist(), matched.tolist(), few.tolist(), strict=True):
        told = ((label, said.of(number)) for label, said in spansets.said)
        attributes = tuple((label, value) for label, value in told if value is not None)
        out.setdefault(trace, []).append(Spanset(total, tuple(spans[first : first + count]), attributes))
        first += count
    return out


def _first_spans(batch: Batch, spansets: Spansets, sets: Ints, bounds: Ints) -> Ints:
    """The spans of some spansets, one after the other, each in order of start, then id, then kind."""
    places = ranges(bounds[sets], np.diff(bounds)[sets])
    spans, owner = spansets.spans[places], spansets.sets[places]
    start, identifier = (batch.stored(Level.SPAN, name)[spans] for name in ("start", "span_id"))
    order = np.lexsort((identifier, start, owner))
    if run_heads(owner[order], start[order], identifier[order]).all():
        return spans[order]
    return spans[np.lexsort((batch.stored(Level.SPAN, "kind")[spans], identifier, start, owner))]  # halves of a call that share an id


def _show_spans(batch: Batch, rows: Ints, wanted: Shown) -> list[FoundSpan]:
    few = Selection(batch, rows)
    conditions, whole = Conditions(few), Conditions(batch)
    names: list[Any] = [None] * len(rows)
    attributes: list[list[tuple[str, AttributeValue]]] = [[] for _ in rows]
    for shown in wanted.fields:
        wanted.check()
        if isinstance(shown.field, ast.Intrinsic) and shown.field.name in DERIVED_FIELDS:
            vectors = [take_rows(whole.field(shown.field), rows)]
        else:
            vectors = list(conditions.alternatives(shown.field))
        values = _field_values(few, vectors, shown)
        if isinstance(shown.field, ast.Intrinsic) and shown.field.name == "span:name":
            names = [found[0] if found else None for found in values]
        else:
            for place, found in enumerate(values):
                attributes[place] += [(shown.label, value) for value in found]
    starts, durations, ids = (few.stored(Level.SPAN, name).tolist() for name in ("start", "duration", "span_id"))
    columns = zip(ids, names, starts, durations, attributes, strict=True)
    return [FoundSpan(f"{span_id:016x}", name, start, duration, tuple(more)) for span_id, name, start, duration, more in columns]


def _field_values(few: Batch, vectors: Sequence[Vector], shown: ShownField) -> list[list[AttributeValue]]:
    """What is to be shown of a field for each span: one value, none, or one for each event or link; an array is a tuple.

    Of the places where a field may be (`vectors`), the first that has it is shown.
    """
    count = few.count(Level.SPAN)
    out: list[list[AttributeValue]] = [[] for _ in range(count)]
    open_spans = np.ones(count, np.bool_)
    for vector in vectors:
        there = to_spans(vector.there, few, vector.level)
        taken = np.flatnonzero(open_spans & there)
        if len(taken):
            values = _row_values(vector, shown)
            for place, rows in zip(taken.tolist(), _rows_of(few, vector.level, taken), strict=True):
                out[place] = [value for value in values[rows] if value is not None]
        open_spans &= ~there
    return [found or [""] for found in out] if shown.selected else out


def _rows_of(few: Batch, level: Level, spans: Ints) -> list[slice]:
    """The rows of a level that belong to each of the spans: one above them, or any number below."""
    if level in BELOW:
        offsets = few.offsets(level)
        return [slice(first, last) for first, last in zip(offsets[spans].tolist(), offsets[spans + 1].tolist(), strict=True)]
    return [slice(row, row + 1) for row in few.rows(Level.SPAN, level)[spans].tolist()]


def _row_values(vector: Vector, shown: ShownField) -> list[AttributeValue | None]:
    """The value of each row of a vector, None where none is to be shown."""
    out: list[Any] = [None] * vector.count
    several = np.zeros(vector.count, np.bool_) if vector.is_array is None else vector.is_array
    for part in vector.parts:
        keep = _wanted(part, vector.level, shown)
        rows = part.places
        for row, value in zip(rows[keep].tolist(), _python_values(part, keep, shown), strict=True):
            out[row] = value if not several[row] else (*(out[row] or ()), value)
    return [value[0] if isinstance(value, tuple) and len(value) == 1 else value for value in out]


def _wanted(part: Part, level: Level, shown: ShownField) -> Bools:
    """The values of a part that are to be shown."""
    if level not in shown.wanted:
        return np.ones(len(part.values), np.bool_)
    keep = np.zeros(len(part.values), np.bool_)
    for comparison in shown.wanted[level]:
        literal = comparison.right
        assert isinstance(literal, ast.Literal)
        constant = constant_for(shown.field, comparison.operator, literal)
        keep |= compare.elements_with_constant(comparison.operator, part, constant, literal.type)
    return keep


def _python_values(part: Part, keep: Bools, shown: ShownField) -> list[Any]:
    if part.type in WORDS:
        return [WORDS[part.type][int(number)] for number in part.values[keep]]
    if part.type is Type.STRING:
        texts: list[str] = pc.filter(plain_text(part.values), pa.array(keep)).to_pylist()
        return [_id_text(text, shown) for text in texts] if isinstance(shown.field, ast.Intrinsic) else texts
    numbers: list[Any] = part.values[keep].tolist()
    return [duration_text(number) for number in numbers] if part.type is Type.DURATION else numbers


def _id_text(text: str, shown: ShownField) -> str:
    """Trace ids lose their leading zeros as everywhere in an answer; a root's parent id is written as zeros."""
    if shown.label == "link:traceID":
        return text.lstrip("0")
    return text or "0" * 16 if shown.label == "span:parentID" else text
