"""For the tests of traced code: a store of its own for each test, and a tracer provider whose spans can be found in it.

A span is in the store when its `with` block is left, so a test asks for it on the next line and waits for nothing:

    from pytempo.testing import recording

    def test_a_checkout_charges_the_card_once():
        with recording() as (store, provider):
            checkout(order, tracer=provider.get_tracer("shop"))
            (trace,) = store.search('{ name = "charge card" && status != error }')
            assert trace.spansets[0].matched == 1

With `pytest_plugins = ["pytempo.testing"]` in conftest.py, tests that take an argument `store` get an empty store below their
`tmp_path`. Code that asks OpenTelemetry for its global provider gets the one that a process sets first and keeps; set it once:

    @pytest.fixture(scope="session", autouse=True)
    def recorded(tmp_path_factory):
        with recording(tmp_path_factory.mktemp("spans")) as (store, provider):
            opentelemetry.trace.set_tracer_provider(provider)
            yield store

Needs pytest and the extra `sdk`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from pytempo.exporter import StoreSpanExporter
from pytempo.store import Store, open

__all__ = ["Recording", "recording", "store"]


class Recording(NamedTuple):
    """A store, and the provider of the tracers whose spans go into it."""

    store: Store
    provider: TracerProvider


@contextmanager
def recording(path: str | Path | None = None, *, resource: Resource | None = None) -> Iterator[Recording]:
    """A store in the folder `path` (None: a temporary one, removed afterwards) that every span goes into as it ends.

    Every span is sampled, whatever the environment says. `resource` names the service, as in `TracerProvider`.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory()) if path is None else path
        opened = stack.enter_context(open(folder))
        provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
        stack.callback(provider.shutdown)
        provider.add_span_processor(SimpleSpanProcessor(StoreSpanExporter(opened)))
        yield Recording(opened, provider)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store below `tmp_path`, closed when the test ends."""
    with open(tmp_path / "pytempo") as opened:
        yield opened
