"""Flushes and what becomes durable, by the names of Tempo's ingester."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from pytempo import Store
from pytempo.maintenance import Cut, Step
from pytempo.store_metrics import StoreMetrics
from tests.server.conftest import request


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry, tmp_path: Path) -> StoreMetrics:
    with Store(tmp_path, registry=registry) as store:
        return store.metrics


def test_a_flush_that_fails_twice_has_two_retries_of_which_one_failed(registry: CollectorRegistry, metrics: StoreMetrics) -> None:
    metrics.flush_failed()
    assert registry.get_sample_value("tempo_ingester_flush_retries_total") == 0
    metrics.flush_failed()
    metrics.flushed(Cut(Step.PUBLISHED))
    metrics.flushed(Cut(Step.SWITCHED))
    assert registry.get_sample_value("tempo_ingester_failed_flushes_total") == 2
    assert registry.get_sample_value("tempo_ingester_flush_retries_total") == 2
    assert registry.get_sample_value("tempo_ingester_flush_failed_retries_total") == 1
    assert registry.get_sample_value("tempo_ingester_blocks_cleared_total") == 1


def test_what_is_stored_counts_by_tenant_live_and_in_blocks(registry: CollectorRegistry, tmp_path: Path) -> None:
    payload = request(b"a" * 16, b"b" * 16).SerializeToString()
    with Store(tmp_path, registry=registry) as store:
        store.replay()
        store.export(payload, tenant="t")
        tenant = {"tenant": "t"}
        assert registry.get_sample_value("tempo_ingester_bytes_received_total", {**tenant, "data_type": "trace"}) == len(payload)
        assert registry.get_sample_value("tempo_ingester_traces_created_total", tenant) == 2
        assert registry.get_sample_value("tempo_ingester_live_trace_bytes", tenant) == len(payload)
        store.flush()
        assert registry.get_sample_value("tempo_ingester_live_trace_bytes", tenant) is None
        assert registry.get_sample_value("tempodb_backend_objects_total", {**tenant, "status": "live"}) == 2
        assert registry.get_sample_value("tempo_ingester_flush_queue_length") == 0
