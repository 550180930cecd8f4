"""`StoreSpanExporter`: the OpenTelemetry SDK straight into a store, without a socket."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult

from pytempo import BadRequest, Store, StoreSpanExporter
from pytempo.model import Level
from tests.store.conftest import Log, OpenStore, as_after_a_kill

Processor = Callable[[SpanExporter], SpanProcessor]


@pytest.fixture(params=[SimpleSpanProcessor, BatchSpanProcessor], ids=["simple", "batch"])
def processor(request: pytest.FixtureRequest) -> Processor:
    given: Processor = request.param
    return given


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()


@pytest.fixture
def provider(store: Store, processor: Processor) -> Iterator[TracerProvider]:
    """A provider of tracers whose spans go into the store."""
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}), shutdown_on_exit=False)
    provider.add_span_processor(processor(StoreSpanExporter(store)))
    yield provider
    provider.shutdown()


def send_ten(provider: TracerProvider) -> list[str]:
    """Ten traces of two spans; their ids."""
    tracer, ids = provider.get_tracer("test", "1.0"), []
    for number in range(10):
        with tracer.start_as_current_span("checkout") as root, tracer.start_as_current_span("charge card") as child:
            child.set_attribute("order.id", number)
            child.add_event("charged", {"amount": 9.5})
        ids.append(f"{root.get_span_context().trace_id:032x}")
    assert provider.force_flush()
    return sorted(ids)


def all_ids(store: Store) -> list[str]:
    return sorted(trace.trace_id for trace in store.search("{}", limit=1000))


def test_ten_traces_are_found_exactly_at_once_and_after_kills_and_flushes(
    provider: TracerProvider, store: Store, data: Path, tmp_path: Path, open_store: OpenStore
) -> None:
    sent = send_ten(provider)
    assert all_ids(store) == sent
    killed_live = open_store(as_after_a_kill(data, tmp_path / "killed live"))
    assert all_ids(killed_live) == sent
    store.flush()
    assert all_ids(store) == sent
    assert all_ids(open_store(as_after_a_kill(data, tmp_path / "killed flushed"))) == sent
    killed_live.flush()
    assert all_ids(killed_live) == sent


def test_everything_that_the_sdk_says_of_a_span_can_be_asked_for(provider: TracerProvider, store: Store) -> None:
    send_ten(provider)
    conditions = (
        'resource.service.name = "shop"',
        'instrumentation:name = "test"',
        'name = "charge card"',
        "span.order.id = 7",
        "event.amount = 9.5",
    )
    found = store.search(f"{{ {' && '.join(conditions)} }}")
    assert [trace.root_name for trace in found] == ["checkout"]
    whole = store.trace(found[0].trace_id)
    assert whole is not None
    assert whole.batch.count(Level.SPAN) == 2


def test_spans_go_to_the_tenant_that_is_named(store: Store, processor: Processor) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor(StoreSpanExporter(store, tenant="mine")))
    send_ten(provider)
    provider.shutdown()
    assert store.tenants() == ("mine",)


def test_the_end_of_the_provider_leaves_the_store_open(provider: TracerProvider, store: Store) -> None:
    tracer = provider.get_tracer("test")
    tracer.start_span("last").end()
    provider.shutdown()
    assert [trace.root_name for trace in store.search()] == ["last"]
    assert store.not_ready() is None


def test_a_refusal_is_a_failure_that_the_log_explains(store: Store, log: Log, logger: logging.Logger) -> None:
    exporter = StoreSpanExporter(store, logger=logger)
    assert exporter.export(two_spans()) is SpanExportResult.SUCCESS
    store.close()
    assert exporter.export(two_spans()) is SpanExportResult.FAILURE
    assert log.of(logging.ERROR) == ["2 spans were not stored: stopping: no more spans are taken"]


def test_no_spans_are_stored_as_none(store: Store) -> None:
    assert StoreSpanExporter(store).export([]) is SpanExportResult.SUCCESS
    assert store.tenants() == ()


def test_a_tenant_that_cannot_be_one_is_a_failure(store: Store, log: Log, logger: logging.Logger) -> None:
    assert StoreSpanExporter(store, tenant="../other", logger=logger).export(two_spans()) is SpanExportResult.FAILURE
    assert "../other" in log.of(logging.ERROR)[0]
    with pytest.raises(BadRequest):
        store.search(tenant="../other")


def test_nothing_is_held_back(store: Store) -> None:
    exporter = StoreSpanExporter(store)
    exporter.export(two_spans())
    assert exporter.force_flush()
    exporter.shutdown()
    assert len(store.search()) == 2


def two_spans() -> list[ReadableSpan]:
    """Two ended spans of the SDK."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    spans = [tracer.start_span(name) for name in ("one", "two")]
    for span in spans:
        span.end()
    return [span for span in spans if isinstance(span, ReadableSpan)]
