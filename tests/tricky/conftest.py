"""Every tricky input is looked at in several states of the store: the fixtures `hold` and `hold_anyhow` run through them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from pytempo import Store
from tests.servers import RunningServer, serve
from tests.states import EVERY, State, Stores

Hold = Callable[..., Store]
"""Takes requests, gives a store that holds their spans."""


@pytest.fixture
def hold(stores: Stores, state: State) -> Hold:
    """Takes requests and gives a store that holds them in the state of the test."""
    return partial(stores.hold, state)


@pytest.fixture(params=EVERY, ids=lambda state: state.word)
def hold_anyhow(stores: Stores, request: pytest.FixtureRequest) -> Hold:
    """The same in every state that there is."""
    return partial(stores.hold, request.param)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server for what is seen over a socket only, shared by the tests of a module."""
    with serve(tmp_path_factory.mktemp("data")) as running:
        yield running
