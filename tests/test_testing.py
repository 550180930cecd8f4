"""`pytempo.testing` as people use it who test traced code of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource

from pytempo import Store
from pytempo.testing import recording

pytest_plugins = ["pytester"]


def checkout(tracer: trace.Tracer, order: int) -> None:
    """The traced code of somebody."""
    with tracer.start_as_current_span("checkout"), tracer.start_as_current_span("charge card") as span:
        span.set_attribute("order.id", order)
        if order < 0:
            span.set_status(trace.StatusCode.ERROR, "no such order")


def test_a_span_can_be_found_on_the_line_after_it_ends() -> None:
    with recording() as (store, provider):
        checkout(provider.get_tracer("shop"), 7)
        (found,) = store.search("{ span.order.id = 7 }")
        assert (found.root_name, found.spansets[0].matched) == ("checkout", 1)
        checkout(provider.get_tracer("shop"), -1)
        assert len(store.search("{ status = error }")) == 1
        assert len(store.search()) == 2


def test_nothing_of_a_temporary_recording_is_left() -> None:
    with recording() as (store, provider):
        checkout(provider.get_tracer("shop"), 7)
        folder = store._directory.root
        assert folder.is_dir()
    assert not folder.exists()


def test_a_recording_in_a_folder_stays_there(tmp_path: Path) -> None:
    for _ in range(2):
        with recording(tmp_path) as (_, provider):
            checkout(provider.get_tracer("shop"), 7)
    with recording(tmp_path) as (store, _):
        assert len(store.search()) == 2


def test_the_resource_names_the_service() -> None:
    with recording(resource=Resource.create({"service.name": "shop"})) as (store, provider):
        checkout(provider.get_tracer("shop"), 7)
        assert len(store.search('{ resource.service.name = "shop" }')) == 1


def test_every_span_is_recorded_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    with recording() as (store, provider):
        checkout(provider.get_tracer("shop"), 7)
        assert len(store.search()) == 1


def test_an_error_in_the_test_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), recording():
        raise ZeroDivisionError


SOMEBODYS_TEST = """
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from pytempo import StoreSpanExporter

def test_it_is_empty_at_first(store, tmp_path):
    assert len(store.search()) == 0
    assert (tmp_path / "pytempo").is_dir()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(StoreSpanExporter(store)))
    with provider.get_tracer("shop").start_as_current_span("checkout"):
        pass
    assert len(store.search()) == 1

def test_and_again_in_the_next_test(store):
    assert len(store.search()) == 0
"""


def test_the_fixture_gives_every_test_an_empty_store(pytester: pytest.Pytester) -> None:
    pytester.makeconftest('pytest_plugins = ["pytempo.testing"]')
    pytester.makepyfile(SOMEBODYS_TEST)
    pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider").assert_outcomes(passed=2)


def test_the_store_of_a_recording_is_closed_at_the_end() -> None:
    with recording() as (store, _):
        assert isinstance(store, Store)
    assert store.not_ready() is not None
