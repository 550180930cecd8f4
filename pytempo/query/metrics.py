"""Questions as Prometheus metrics, by the names of Tempo's query frontend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

from prometheus_client import CollectorRegistry, Counter

from pytempo.errors import QueryStopped
from pytempo.query.budget import Budget

Operation: TypeAlias = Literal["traces", "search", "metadata", "metrics"]
"""The kinds of questions that Tempo tells apart; metadata is tag names and values."""


class QuestionMetrics:
    """Counts questions and what they looked at; safe to use from many threads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._queries = Counter(
            "tempo_query_frontend_queries", "Questions, by what became of them.", ("tenant", "op", "result"), registry=registry
        )
        self._bytes = Counter(
            "tempo_query_frontend_bytes_inspected", "Bytes that questions looked at.", ("tenant", "op"), registry=registry
        )

    @contextmanager
    def asked(self, tenant: str, operation: Operation, budget: Budget) -> Iterator[None]:
        """Around a question: it is canceled where its client left, else completed, whatever the answer."""
        result = "completed"
        try:
            yield
        except QueryStopped as error:
            result = "canceled" if error.cause == "client" else result
            raise
        finally:
            self._queries.labels(tenant, operation, result).inc()
            self._bytes.labels(tenant, operation).inc(budget.inspected.bytes)
