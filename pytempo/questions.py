"""What a store can be asked: searches, traces, tags and metrics, each with a budget, over whatever sources there are at that moment."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from pytempo.errors import BadRequest, Damaged, NotFound
from pytempo.limits import LimitOptions, Limits
from pytempo.maintenance import Sources
from pytempo.model import Source, parse_trace_id
from pytempo.model.scan import MAX_TIME
from pytempo.model.tenant import DEFAULT_TENANT, tenants_of
from pytempo.options import StoreOptions
from pytempo.query.budget import Budget
from pytempo.query.explain import Plan, explain
from pytempo.query.legacy import search_tags
from pytempo.query.metrics import Operation, QuestionMetrics
from pytempo.query.options import MetricsOptions
from pytempo.query.range import default_step, query_instant, query_range
from pytempo.query.results import SearchResult, TagNames, TagValues, Trace
from pytempo.query.search import search
from pytempo.query.series_results import InstantResult, SeriesResult
from pytempo.query.tag_sizes import cut_names, cut_values
from pytempo.query.tags import Window, tag_names, tag_values, tag_values_v1
from pytempo.query.trace_by_id import Kept, find_trace
from pytempo.traceql import check, parse

Answer = TypeVar("Answer", SearchResult, TagNames, TagValues, SeriesResult, InstantResult, Trace | None)
Ask = Callable[[tuple[Source, ...], Budget], Answer]
"""Works an answer out from these sources."""


class Questions(ABC):
    """The reading half of a store.

    Times in arguments are unix nanoseconds, inclusive; left out they mean everything that is stored. A tenant `a|b` means both: a trace
    that both have a part of is one trace. Every question has a budget: one of
    its own by the options, or the caller's (`budget()`), who can `cancel` it from another thread. Every question may raise QueryStopped
    when its time is over or it was cancelled, and BadQuery where it would need more memory than it may.
    """

    options: StoreOptions
    limits: Limits
    _question_metrics: QuestionMetrics
    _sources: Sources

    @abstractmethod
    def _read(self, tenants: Sequence[str]) -> tuple[Source, ...]:
        """What there is to read of these tenants. Raises Unavailable where the store takes no questions."""

    def budget(self) -> Budget:
        """What one question may use, by the options; its time begins now."""
        return Budget(self.options.query)

    def longest_search(self, tenant: str = DEFAULT_TENANT) -> int:
        """The longest window, in nanoseconds, that a search or tag question of a tenant should have; 0 is no limit.

        The faces of a store hold to it. In your own process nothing does.
        """
        return self._narrowest(tenant, lambda limits: limits.max_search_duration, self.options.query.max_search_duration)

    def search(
        self,
        q: str = "{}",
        *,
        start: int | None = None,
        end: int | None = None,
        limit: int = 20,
        spans_per_spanset: int = 3,
        tenant: str = DEFAULT_TENANT,
        budget: Budget | None = None,
    ) -> SearchResult:
        """The newest traces that a TraceQL query keeps, newest first (docs/traceql.md).

        Raises BadQuery with line and column for a query that cannot be read or answered.
        """
        query = check(parse(q))
        first, last = window = _window(start, end)

        def ask(read: tuple[Source, ...], budget: Budget) -> SearchResult:
            return search(query, read, start=first, end=last, limit=limit, spans_per_spanset=spans_per_spanset, budget=budget)

        return self._answer(tenant, window, ask, budget, "search")

    def search_tags(
        self,
        tags: Mapping[str, str],
        *,
        min_duration: int = 0,
        max_duration: int = 0,
        start: int | None = None,
        end: int | None = None,
        limit: int = 20,
        tenant: str = DEFAULT_TENANT,
        budget: Budget | None = None,
    ) -> SearchResult:
        """The newest traces that have all tags somewhere and last within the bounds (0 = unbounded): the search of before TraceQL."""
        first, last = window = _window(start, end)

        def ask(read: tuple[Source, ...], budget: Budget) -> SearchResult:
            bounds = {"min_duration": min_duration, "max_duration": max_duration}
            return search_tags(tags, read, **bounds, start=first, end=last, limit=limit, budget=budget)

        return self._answer(tenant, window, ask, budget, "search")

    def trace(
        self,
        trace_id: str | bytes,
        *,
        q: str | None = None,
        descendants: int = 0,
        ancestors: int = 0,
        start: int | None = None,
        end: int | None = None,
        tenant: str = DEFAULT_TENANT,
        budget: Budget | None = None,
    ) -> Trace | None:
        """The trace with this id (16 bytes, or hex as people paste it), or None.

        With `q`, a TraceQL query, only the spans that it keeps, and so many generations of their descendants and ancestors (-1: all).
        Raises BadRequest for what is no id, BadQuery for what is no query.
        """
        identifier = parse_trace_id(trace_id) if isinstance(trace_id, str) else trace_id
        if len(identifier) != 16:
            raise BadRequest(f"a trace id has 16 bytes, not {len(identifier)}")
        kept = None if q is None else Kept(check(parse(q)), descendants, ancestors)
        first, last = window = _window(start, end)
        most = self._narrowest(tenant, lambda limits: limits.max_bytes_per_trace, self.options.query.max_trace_bytes)

        def ask(read: tuple[Source, ...], budget: Budget) -> Trace | None:
            return find_trace(identifier, read, start=first, end=last, kept=kept, max_bytes=most, budget=budget)

        return self._answer(tenant, window, ask, budget, "traces")

    def tags(
        self,
        *,
        scope: str | None = None,
        q: str | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 0,
        tenant: str = DEFAULT_TENANT,
        budget: Budget | None = None,
    ) -> TagNames:
        """The names of attributes by scope; `q` narrows the spans looked at, `limit` (0 = none) the names of each scope.

        More than `QueryOptions.max_tag_bytes` of them are cut, and the answer says so.
        """
        window = _window(start, end)
        within = Window.of(*window, q)

        def ask(read: tuple[Source, ...], budget: Budget) -> TagNames:
            return cut_names(tag_names(read, within, scope=scope, limit=limit, budget=budget), self.options.query.max_tag_bytes)

        return self._answer(tenant, window, ask, budget, "metadata")

    def tag_values(
        self,
        name: str,
        *,
        q: str | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int = 0,
        tenant: str = DEFAULT_TENANT,
        budget: Budget | None = None,
    ) -> TagValues:
        """The values of a field by its TraceQL spelling (`resource.service.name`, `name`). Raises BadQuery for what is no field."""
        window = _window(start, end)
        within = Window.of(*window, q)

        def ask(read: tuple[Source, ...], budget: Budget) -> TagValues:
            return cut_values(tag_values(read, name, within, limit=limit, budget=budget), self.options.query.max_tag_bytes)

        return self._answer(tenant, window, ask, budget, "metadata")

    def tag_values_v1(
        self,
        name: str,
        *,
        start: int | None = None,
        end: int | None = None,
        limit: int = 0,
        tenant: str = DEFAULT_TENANT,
        budget: Budget | None = None,
    ) -> TagValues:
        """The values of an attribute by its plain name, whatever characters it has, at whatever level."""
        window = _window(start, end)
        within = Window.of(*window, None)

        def ask(read: tuple[Source, ...], budget: Budget) -> TagValues:
            return cut_values(tag_values_v1(read, name, within, limit=limit, budget=budget), self.options.query.max_tag_bytes)

        return self._answer(tenant, window, ask, budget, "metadata")

    def query_range(
        self,
        q: str,
        *,
        start: int,
        end: int,
        step: int | None = None,
        exemplars: int = 100,
        max_series: int = 0,
        tenant: str = DEFAULT_TENANT,
        budget: Budget | None = None,
    ) -> SeriesResult:
        """The time series of a TraceQL metrics query over [start, end], a point every `step` nanoseconds (docs/traceql.md).

        Without `step` there are about 240 points. Intervals lie at whole multiples of the step; the first and the last reach beyond the
        range where it does not. `max_series` 0 is no limit but the options'. Raises BadQuery for a query that cannot be read or answered,
        or for a range outside the limits.
        """
        query, options = check(parse(q)), self._metrics_options(tenant)
        width = default_step(start, end) if step is None else step

        def ask(read: tuple[Source, ...], budget: Budget) -> SeriesResult:
            shown = {"exemplars": exemplars, "max_series": max_series}
            return query_range(query, read, start=start, end=end, step=width, **shown, options=options, budget=budget)

        return self._answer(tenant, (start, end), ask, budget, "metrics")

    def query_instant(
        self, q: str, *, start: int, end: int, max_series: int = 0, tenant: str = DEFAULT_TENANT, budget: Budget | None = None
    ) -> InstantResult:
        """One number a series over the spans that start in (start, end]. Raises BadQuery as `query_range`."""
        query, options = check(parse(q)), self._metrics_options(tenant)

        def ask(read: tuple[Source, ...], budget: Budget) -> InstantResult:
            return query_instant(query, read, start=start, end=end, max_series=max_series, options=options, budget=budget)

        return self._answer(tenant, (start, end), ask, budget, "metrics")

    def explain(self, q: str = "{}", *, start: int | None = None, end: int | None = None, tenant: str = DEFAULT_TENANT) -> Plan:
        """How `search` (or, for a metrics query, `query_range`) would read for a query, without doing so; at most, for a search leaves out
        blocks that end before the traces that it has found already. Raises BadQuery."""
        while True:
            try:
                return explain(q, self._read(tenants_of(tenant)), *_window(start, end))
            except (Damaged, NotFound) as error:
                self._leave_out(tenants_of(tenant), error)

    def _metrics_options(self, tenant: str) -> MetricsOptions:
        options = self.options.metrics
        return replace(options, max_duration=self._narrowest(tenant, lambda limits: limits.max_metrics_duration, options.max_duration))

    def _narrowest(self, tenant: str, limit: Callable[[LimitOptions], int], otherwise: int) -> int:
        """A limit of a tenant's own, where 0 is none; of several tenants the narrowest, `otherwise` where none has one."""
        own = (limit(self.limits.of(each)) for each in tenants_of(tenant))
        return min(filter(None, own), default=otherwise)

    def _answer(self, tenant: str, window: tuple[int, int], ask: Ask[Answer], budget: Budget | None, operation: Operation) -> Answer:
        """Ask what is there, and count the question."""
        budget, tenants = budget or self.budget(), tenants_of(tenant)
        with self._question_metrics.asked(tenant, operation, budget):
            return self._asked(tenants, window, ask, budget)

    def _asked(self, tenants: Sequence[str], window: tuple[int, int], ask: Ask[Answer], budget: Budget) -> Answer:
        """The answer of what is there; a block that turns out damaged or gone is left out, and the others are asked again."""
        while True:
            budget.restart()
            try:
                answer = ask(self._read(tenants), budget)
            except (Damaged, NotFound) as error:
                self._leave_out(tenants, error)
                continue
            if answer is not None:
                answer.inspected.left_out = self._sources.left_out(tenants, *window)
            budget.end()
            return answer

    def _leave_out(self, tenants: Sequence[str], error: Damaged | NotFound) -> None:
        """Ask no more the block that an error tells of; raises the error where it tells of none."""
        if not any(self._sources.leave_out(tenant, error) for tenant in tenants):
            raise error


def _window(start: int | None, end: int | None) -> tuple[int, int]:
    return 0 if start is None else max(start, 0), MAX_TIME if end is None else min(end, MAX_TIME)
