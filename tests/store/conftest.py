"""Stores to open, a clock that a test moves, a log that a test reads, and ways to look at what a store holds."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pytempo
from pytempo import Store
from pytempo.model.tenant import DEFAULT_TENANT
from tests.building import BASE, request, span
from tests.states import names

OpenStore = Callable[..., Store]
"""Opens the folder `data`, or the one it is given; settings go to `pytempo.open`."""


class Clock:
    """Stands still until a test moves it on. Starts at `BASE`; `now` is in unix nanoseconds."""

    def __init__(self) -> None:
        self.now = BASE
        self._looks = 0
        self._looked = threading.Condition()

    def __call__(self) -> int:
        with self._looked:
            if threading.current_thread().name == "pytempo-flusher":
                self._looks += 1
                self._looked.notify_all()
            return self.now

    def advance(self, nanoseconds: int) -> None:
        """Move on."""
        with self._looked:
            self.now += nanoseconds

    def wait_until_judged(self) -> None:
        """Returns when the flusher has looked at the time and has done what it does about it: it has come to look again."""
        with self._looked:
            wanted = self._looks + 2
            assert self._looked.wait_for(lambda: self._looks >= wanted, 30), "the flusher looks at the clock no more"


class Log(logging.Handler):
    """Every message of a logger, as (level, text)."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append((record.levelno, record.getMessage()))

    def of(self, level: int) -> list[str]:
        """The texts of one level."""
        return [text for given, text in self.messages if given == level]


@pytest.fixture(autouse=True)
def no_file_of_a_store_is_left(no_file_is_left: None) -> None:
    """Held over every test of this package."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data directory; not made yet."""
    return tmp_path / "data"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def logger(log: Log, request: pytest.FixtureRequest) -> Iterator[logging.Logger]:
    """A logger of this test's own that writes into `log`."""
    logger = logging.Logger(request.node.name, logging.DEBUG)
    logger.addHandler(log)
    yield logger
    logger.removeHandler(log)


@pytest.fixture
def open_store(data: Path, logger: logging.Logger) -> Iterator[OpenStore]:
    """Opens stores; those that are open at the end are closed."""
    opened: list[Store] = []

    def open_it(folder: Path = data, **settings: Any) -> Store:
        opened.append(pytempo.open(folder, **{"logger": logger, **settings}))
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


def named(*names: str, filler: str = "") -> bytes:
    """A request with a span of each name, each in a trace of its own; `filler` makes each larger."""
    return request(*(span(name, attributes={"filler": filler} if filler else {}) for name in names)).SerializeToString()


def found(store: Store, tenant: str = DEFAULT_TENANT) -> list[str]:
    """The names of all spans made by `named`, sorted; one that is there twice comes twice. By search, and each once more by id."""
    traces = store.search(limit=100_000, tenant=tenant).traces
    for trace in traces:
        by_id = store.trace(trace.trace_id, tenant=tenant)
        assert by_id is not None
        assert names(by_id.batch) == [trace.root_name]
    return sorted(trace.root_name or "" for trace in traces for spanset in trace.spansets for _ in range(spanset.matched))


def metric(store: Store, name: str, **labels: str) -> float:
    """The value of one of the store's metrics, 0 where it has none."""
    return store.registry.get_sample_value(name, labels) or 0.0


def as_after_a_kill(data: Path, target: Path) -> Path:
    """A copy of a data directory whose store is open: what the next start would find if the process were killed now."""
    shutil.copytree(data, target)
    return target


def obstruct(folder: Path) -> Path:
    """Make a folder of the store impossible to make, by a file in its place: whoever runs the tests, it cannot be written into."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    return folder
