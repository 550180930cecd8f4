"""A spanset pipeline over one batch: from all spans to the spansets that the query keeps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pytempo.model import Batch, Level
from pytempo.model.arrays import Bools, Ints, run_heads
from pytempo.traceql import aggregates, arithmetic, ast
from pytempo.traceql.arithmetic import Numbers
from pytempo.traceql.condition import Conditions
from pytempo.traceql.durations import duration_text
from pytempo.traceql.functions import Operator
from pytempo.traceql.grouping import WORDS, Label, group_rows
from pytempo.traceql.labels import label
from pytempo.traceql.structure import relate
from pytempo.traceql.types import Type


@dataclass(frozen=True, slots=True)
class Spansets:
    """Spansets [s] of a batch: span `spans[i]` is in spanset `sets[i]` (ascending), spanset j lies in trace `trace[j]`."""

    spans: Ints
    sets: Ints
    trace: Ints
    attributes: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    """What aggregates and groups say of each spanset: label and values [s], None where it has none."""

    def keep(self, wanted: Bools) -> Spansets:
        """Only the spansets of the mask [s]."""
        if wanted.all():
            return self
        number = np.cumsum(wanted) - 1
        inside = wanted[self.sets]
        attributes = tuple((name, tuple(np.array(values, object)[wanted])) for name, values in self.attributes)
        return Spansets(self.spans[inside], number[self.sets[inside]], self.trace[wanted], attributes)


def evaluate(pipeline: ast.Pipeline, batch: Batch, traces: Bools) -> Spansets:
    """The spansets of a batch that a pipeline keeps, among the traces of the mask."""
    return Evaluation(batch, traces).pipeline(pipeline)


class Evaluation:
    """One batch and what is known of it so far."""

    def __init__(self, batch: Batch, traces: Bools) -> None:
        self.batch = batch
        self.trace = batch.trace_of_span()
        self._inside = None if traces.all() else traces[self.trace]
        self.conditions = Conditions(batch)

    def pipeline(self, pipeline: ast.Pipeline) -> Spansets:
        """All stages, left to right."""
        first, *others = pipeline.stages
        spansets = self._by_trace(self.spanset(first))
        for stage in others:
            spansets = self._stage(stage, spansets)
        return spansets

    def spanset(self, expression: ast.Stage | ast.Pipeline) -> Bools:
        """The spans that a spanset expression keeps."""
        if isinstance(expression, ast.SpansetFilter):
            mask = self.conditions.mask(expression.condition)
            return mask if self._inside is None else mask & self._inside
        if isinstance(expression, ast.SpansetOperation):
            return self._operation(expression)
        if isinstance(expression, ast.Pipeline):
            return self._mask(self.pipeline(expression).spans)
        raise AssertionError(f"{type(expression).__name__} is no spanset")

    def _operation(self, expression: ast.SpansetOperation) -> Bools:
        first, *others = expression.operands
        left = self.spanset(first)
        for operand in others:
            left = self._combine(expression.operator, left, self.spanset(operand))
        return left

    def _combine(self, operator: Operator, left: Bools, right: Bools) -> Bools:
        if operator is Operator.OR:
            return left | right
        if operator is Operator.AND:
            both = self._traces(left) & self._traces(right)
            return (left | right) & both[self.trace]
        return relate(operator, left, right, self.batch.parent_of_span())

    def _stage(self, stage: ast.Stage, spansets: Spansets) -> Spansets:
        if isinstance(stage, ast.SpansetFilter):
            return self._filter(self.spanset(stage), spansets)
        if isinstance(stage, ast.SpansetOperation):
            return self._filter(self.spanset(stage), spansets)
        if isinstance(stage, ast.AggregateFilter):
            return self._aggregate_filter(stage, spansets)
        if isinstance(stage, ast.GroupBy):
            return self._group_by(stage, spansets)
        return self._coalesce(spansets) if isinstance(stage, ast.Coalesce) else spansets

    def _aggregate_filter(self, stage: ast.AggregateFilter, spansets: Spansets) -> Spansets:
        told: dict[str, tuple[Any, ...]] = {}

        def leaf(node: ast.Aggregate | ast.ScalarPipeline) -> Numbers:
            if isinstance(node, ast.ScalarPipeline):
                return self._scalar(node, spansets)
            numbers, duration = self._aggregate(node, spansets)
            told[label(node)] = _told(numbers, duration)
            return numbers

        number = len(spansets.trace)
        left, right = (aggregates.evaluate(side, number, leaf) for side in (stage.left, stage.right))
        labelled = {**dict(spansets.attributes), **told}
        return replace(spansets, attributes=tuple(labelled.items())).keep(aggregates.holds(stage.operator, left, right))

    def _aggregate(self, node: ast.Aggregate, spansets: Spansets) -> tuple[Numbers, bool]:
        """One number a spanset, and whether it is a duration."""
        number = len(spansets.trace)
        if node.argument is None:
            return aggregates.count(spansets.sets, number), False
        duration = aggregates.is_duration(node.argument)
        found = aggregates.elements(self.conditions.value(node.argument), spansets.spans, spansets.sets)
        return aggregates.aggregate(node.function, found, number, duration=duration), duration

    def _scalar(self, node: ast.ScalarPipeline, spansets: Spansets) -> Numbers:
        """The number of another pipeline over the same trace; the first spanset's where it keeps several."""
        other = self.pipeline(node.pipeline)
        number = len(other.trace)
        numbers = aggregates.evaluate(node.scalar, number, lambda inner: self._inner(inner, other))
        first = np.full(self.batch.count(Level.TRACE), -1, np.int64)
        first[other.trace[::-1]] = np.arange(number)[::-1]
        at = first[spansets.trace]
        if not number:
            return replace(arithmetic.constant(0, len(at)), valid=np.zeros(len(at), np.bool_))
        at_or_first = np.maximum(at, 0)
        return numbers.take(at_or_first, there=at >= 0)

    def _inner(self, node: ast.Aggregate | ast.ScalarPipeline, spansets: Spansets) -> Numbers:
        return self._scalar(node, spansets) if isinstance(node, ast.ScalarPipeline) else self._aggregate(node, spansets)[0]

    def _group_by(self, stage: ast.GroupBy, spansets: Spansets) -> Spansets:
        groups = group_rows(self.conditions.value(stage.expression))
        code = groups.codes[spansets.spans]
        key = spansets.sets * len(groups.labels) + code
        order = np.argsort(key, kind="stable")
        head = run_heads(key[order]) if len(key) else np.empty(0, np.bool_)
        old, labels = spansets.sets[order][head], [groups.labels[place] for place in code[order][head].tolist()]
        attributes = [(name, tuple(np.array(values, object)[old])) for name, values in spansets.attributes]
        # Tempo's recorded answers call the group without a value nil for a field, false for what is computed
        absent = "nil" if isinstance(stage.expression, ast.Attribute | ast.Intrinsic) else False
        values = tuple(absent if each.type is Type.NIL else _group_value(each) for each in labels)
        attributes.append((f"by({label(stage.expression)})", values))
        return Spansets(spansets.spans[order], np.cumsum(head) - 1, spansets.trace[old], tuple(attributes))

    def _coalesce(self, spansets: Spansets) -> Spansets:
        return self._by_trace(self._mask(spansets.spans))

    def _filter(self, mask: Bools, spansets: Spansets) -> Spansets:
        inside = mask[spansets.spans]
        sets = spansets.sets[inside]
        left = np.zeros(len(spansets.trace), np.bool_)
        left[sets] = True
        return replace(spansets, spans=spansets.spans[inside], sets=sets).keep(left)

    def _by_trace(self, mask: Bools) -> Spansets:
        """One spanset for every trace with a span in the mask; its spans stand in order of start, then id."""
        spans = np.flatnonzero(mask)
        trace = self.trace[spans]
        start, identifier = self.batch.stored(Level.SPAN, "start"), self.batch.stored(Level.SPAN, "span_id")
        order = np.lexsort((identifier[spans], start[spans], trace))
        spans, trace = spans[order], trace[order]
        head = np.ones(len(trace), np.bool_)
        head[1:] = trace[1:] != trace[:-1]
        return Spansets(spans, np.cumsum(head) - 1, trace[head])

    def _mask(self, spans: Ints) -> Bools:
        mask = np.zeros(len(self.trace), np.bool_)
        mask[spans] = True
        return mask

    def _traces(self, mask: Bools) -> Bools:
        out = np.zeros(self.batch.count(Level.TRACE), np.bool_)
        out[self.trace[mask]] = True
        return out


def _told(numbers: Numbers, duration: bool) -> tuple[Any, ...]:
    """Numbers as an answer says them, None where there is none."""
    ints, floats = numbers.ints.tolist(), numbers.floats.tolist()
    columns = zip(numbers.valid.tolist(), numbers.integer.tolist(), ints, floats, strict=True)
    values = ((whole if integer else fraction) if valid else None for valid, integer, whole, fraction in columns)
    return tuple(duration_text(int(value)) if duration and value is not None else value for value in values)


def _group_value(group: Label) -> Any:
    """What an answer calls a group."""
    if group.type in WORDS:
        return WORDS[group.type][group.value]
    return duration_text(group.value) if group.type is Type.DURATION else group.value
