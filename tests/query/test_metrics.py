"""Questions are counted by kind and outcome."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from pytempo.errors import BadQuery, QueryStopped
from pytempo.query.budget import Budget
from pytempo.query.metrics import QuestionMetrics


def count(registry: CollectorRegistry, result: str) -> float | None:
    labels = {"tenant": "t", "op": "search", "result": result}
    return registry.get_sample_value("tempo_query_frontend_queries_total", labels)


def test_a_question_counts_with_the_bytes_that_it_looked_at() -> None:
    registry, budget = CollectorRegistry(), Budget()
    with QuestionMetrics(registry).asked("t", "search", budget):
        budget.inspected.bytes += 7
    assert count(registry, "completed") == 1
    assert registry.get_sample_value("tempo_query_frontend_bytes_inspected_total", {"tenant": "t", "op": "search"}) == 7


@pytest.mark.parametrize(
    ("error", "result"),
    [(QueryStopped("gone", "client"), "canceled"), (QueryStopped("late", "deadline"), "completed"), (BadQuery("what?"), "completed")],
)
def test_only_a_client_that_left_makes_a_question_canceled(error: Exception, result: str) -> None:
    registry = CollectorRegistry()
    with pytest.raises(type(error)), QuestionMetrics(registry).asked("t", "search", Budget()):
        raise error
    assert count(registry, result) == 1
