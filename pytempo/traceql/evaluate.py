"""A spanset pipeline over one batch: from all spans to the spansets that the query keeps."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pytempo.model import Batch, Level
from pytempo.model.arrays import Array, Bools, Ints, run_heads
from pytempo.traceql import aggregates, arithmetic, ast
from pytempo.traceql.arithmetic import Numbers
from pytempo.traceql.condition import Conditions, unlimited
from pytempo.traceql.functions import Operator
from pytempo.traceql.grouping import group_rows
from pytempo.traceql.labels import label
from pytempo.traceql.said import Said, SaidGroups, SaidNumbers
from pytempo.traceql.structure import relate


@dataclass(frozen=True, slots=True)
class Spansets:
    """Spansets [s] of a batch: span `spans[i]` is in spanset `sets[i]` (ascending), spanset j lies in trace `trace[j]`."""

    spans: Ints
    sets: Ints
    trace: Ints
    said: tuple[tuple[str, Said], ...] = ()
    """What aggregates and groups say of the spansets, by label."""

    def keep(self, wanted: Bools) -> Spansets:
        """Only the spansets of the mask [s]."""
        if wanted.all():
            return self
        number = np.cumsum(wanted) - 1
        inside = wanted[self.sets]
        rows = np.flatnonzero(wanted)
        said = tuple((name, each.take(rows)) for name, each in self.said)
        return Spansets(self.spans[inside], number[self.sets[inside]], self.trace[wanted], said)

    def of_traces(self, traces: Ints) -> Spansets:
        """Only the spansets of these traces, ascending."""
        place = np.minimum(np.searchsorted(traces, self.trace), len(traces) - 1)
        return self.keep(traces[place] == self.trace)

    def moved(self, spans: int, traces: int) -> Spansets:
        """The same, in a batch that begins so many spans and traces later."""
        return replace(self, spans=self.spans - spans, trace=self.trace - traces)


def evaluate(pipeline: ast.Pipeline, batch: Batch, traces: Bools, check: Callable[[], None] = unlimited) -> Spansets:
    """The spansets of a batch that a pipeline keeps, among the traces of the mask. What `check` raises between two steps ends it."""
    return Evaluation(batch, traces, check).pipeline(pipeline)


class Evaluation:
    """One batch and what is known of it so far."""

    def __init__(self, batch: Batch, traces: Bools, check: Callable[[], None] = unlimited) -> None:
        self.batch, self._check = batch, check
        self._inside = None if traces.all() else traces[batch.trace_of_span()]
        self.conditions = Conditions(batch, check)

    @property
    def trace(self) -> Ints:
        """The trace's row of every span."""
        return self.batch.trace_of_span()

    def pipeline(self, pipeline: ast.Pipeline) -> Spansets:
        """All stages, left to right."""
        first, *others = pipeline.stages
        spansets = self._by_trace(self.spanset(first))
        for stage in others:
            self._check()
            spansets = self._stage(stage, spansets)
        return spansets

    def spanset(self, expression: ast.Stage | ast.Pipeline) -> Bools:
        """The spans that a spanset expression keeps."""
        self._check()
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
            return self._joined(stage, spansets)
        if isinstance(stage, ast.AggregateFilter):
            return self._aggregate_filter(stage, spansets)
        if isinstance(stage, ast.GroupBy):
            return self._group_by(stage, spansets)
        return self._coalesce(spansets) if isinstance(stage, ast.Coalesce) else spansets

    def _joined(self, stage: ast.SpansetOperation, spansets: Spansets) -> Spansets:
        """What is joined behind a pipe is joined of each spanset that comes in: of the first of every trace, then the second, and so on."""
        turn = np.arange(len(spansets.trace)) - np.searchsorted(spansets.trace, spansets.trace)
        kept = np.zeros(len(self.trace), np.bool_)
        for number in range(int(turn.max(initial=-1)) + 1):
            kept |= self._among(spansets.spans[turn[spansets.sets] == number]).spanset(stage)
        return self._filter(kept, spansets)

    def _among(self, spans: Ints) -> Evaluation:
        """The same evaluation, of these spans alone."""
        among = copy(self)
        among._inside = self._mask(spans)
        return among

    def _aggregate_filter(self, stage: ast.AggregateFilter, spansets: Spansets) -> Spansets:
        said: dict[str, Said] = dict(spansets.said)

        def leaf(node: ast.Aggregate | ast.ScalarPipeline) -> Numbers:
            if isinstance(node, ast.ScalarPipeline):
                return self._scalar(node, spansets)
            numbers, duration = self._aggregate(node, spansets)
            said[label(node)] = SaidNumbers(numbers, duration)
            return numbers

        number = len(spansets.trace)
        left, right = (aggregates.evaluate(side, number, leaf) for side in (stage.left, stage.right))
        return replace(spansets, said=tuple(said.items())).keep(aggregates.holds(stage.operator, left, right))

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
        order = self._by_first_span(spansets, key)
        head = run_heads(key[order]) if len(key) else np.empty(0, np.bool_)
        old = spansets.sets[order][head]
        said: dict[str, Said] = {name: each.take(old) for name, each in spansets.said}
        # Tempo's recorded answers call the group without a value nil for a field, false for what is computed
        absent = "nil" if isinstance(stage.expression, ast.Attribute | ast.Intrinsic) else False
        said[f"by({label(stage.expression)})"] = SaidGroups(code[order][head], groups.labels, absent)
        return Spansets(spansets.spans[order], np.cumsum(head) - 1, spansets.trace[old], tuple(said.items()))

    def _by_first_span(self, spansets: Spansets, key: Ints) -> Ints:
        """The places of the spans in order of spanset and group (`key` has both); groups in order of their first span, wherever it lies."""
        _, example, group = np.unique(key, return_index=True, return_inverse=True)
        first = _least(self.batch.stored(Level.SPAN, "start")[spansets.spans], group, len(example))
        sets = spansets.sets[example]
        in_time = np.lexsort((first, sets))
        if not run_heads(sets[in_time], first[in_time]).all():  # ids are large, and nearly never needed
            first = _least(self._ranks(spansets.spans), group, len(example))
        return np.lexsort((first[group], spansets.sets))

    def _ranks(self, spans: Ints) -> NDArray[np.int64]:
        """The place of every span in the order of start, then id, then kind."""
        kind, identifier, start = (self.batch.stored(Level.SPAN, name)[spans] for name in ("kind", "span_id", "start"))
        rank = np.empty(len(spans), np.int64)
        rank[np.lexsort((kind, identifier, start))] = np.arange(len(spans))
        return rank

    def _coalesce(self, spansets: Spansets) -> Spansets:
        return self._by_trace(self._mask(spansets.spans))

    def _filter(self, mask: Bools, spansets: Spansets) -> Spansets:
        inside = mask[spansets.spans]
        sets = spansets.sets[inside]
        left = np.zeros(len(spansets.trace), np.bool_)
        left[sets] = True
        return replace(spansets, spans=spansets.spans[inside], sets=sets).keep(left)

    def _by_trace(self, mask: Bools) -> Spansets:
        """One spanset for every trace with a span in the mask."""
        spans = np.flatnonzero(mask)
        trace = self.trace[spans]
        if len(trace) and (trace[1:] < trace[:-1]).any():
            order = np.argsort(trace, kind="stable")
            spans, trace = spans[order], trace[order]
        head = run_heads(trace) if len(trace) else np.empty(0, np.bool_)
        return Spansets(spans, np.cumsum(head) - 1, trace[head])

    def _mask(self, spans: Ints) -> Bools:
        mask = np.zeros(len(self.trace), np.bool_)
        mask[spans] = True
        return mask

    def _traces(self, mask: Bools) -> Bools:
        out = np.zeros(self.batch.count(Level.TRACE), np.bool_)
        out[self.trace[mask]] = True
        return out


def _least(values: Array, group: Ints, count: int) -> Array:
    """The least value of every group."""
    least = np.full(count, np.iinfo(values.dtype).max, values.dtype)
    np.minimum.at(least, group, values)
    return least
