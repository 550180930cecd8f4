"""The queue of questions, as it is scraped."""

from __future__ import annotations

import threading

import pytest
from prometheus_client import CollectorRegistry

from pytempo.errors import Overloaded
from pytempo.server.bridge import Lane
from pytempo.server.queue_metrics import QueueMetrics


def test_questions_that_wait_that_are_done_and_that_are_refused_are_told_apart() -> None:
    registry, lane, go_on = CollectorRegistry(), Lane("query", threads=1, waiting=1), threading.Event()
    QueueMetrics(lane, registry)
    taken = [lane.submit(go_on.wait), lane.submit(go_on.wait)]
    with pytest.raises(Overloaded):
        lane.submit(go_on.wait)
    assert registry.get_sample_value("tempo_query_frontend_queue_length", {"user": "all"}) == 1
    assert registry.get_sample_value("tempo_query_frontend_discarded_requests_total", {"user": "all"}) == 1
    go_on.set()
    assert all(future.result(30) for future in taken)
    lane._pool.shutdown(wait=True)  # whose threads have then told that they are done
    assert registry.get_sample_value("tempo_query_frontend_queue_length", {"user": "all"}) == 0
    assert registry.get_sample_value("tempo_querier_worker_request_executed_total") == 2
    assert registry.get_sample_value("tempo_query_frontend_queue_duration_seconds_count") == 2
