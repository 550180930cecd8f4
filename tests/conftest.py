"""What every test shares: where the project lies, how hypothesis runs, and that nothing is left at work or open."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.states import MOST, State, Stores

ROOT = Path(__file__).parent.parent

# A shared two-core machine is slow at times: no deadline for one example, and the same examples on every run.
settings.register_profile("pytempo", deadline=None, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pytempo")


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder that holds pyproject.toml."""
    return ROOT


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """A test ends every thread of ours that it started; one that is ending may take its time."""
    before = set(threading.enumerate())
    yield
    new = [thread for thread in threading.enumerate() if thread not in before and thread.name.startswith("pytempo-")]
    left = [thread for thread in new if not thread.name.startswith("pytempo-read")]  # a store that tests share begins those
    if left:
        gc.collect()  # a pool that nobody holds ends its threads
    for thread in left:
        thread.join(10)
    assert [thread.name for thread in left if thread.is_alive()] == []


@pytest.fixture
def no_file_is_left(tmp_path: Path) -> Iterator[None]:
    """A test closes every file below its folder, and no memory is mapped to one either."""
    yield
    if any(open_below(tmp_path)):
        gc.collect()  # an error that a test looked at holds what was open when it was raised
    assert sorted(open_below(tmp_path)) == []


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    """Stores over one data directory; what is open at the end is closed."""
    opened = Stores(tmp_path / "data")
    yield opened
    opened.close()


@pytest.fixture(params=MOST, ids=lambda state: state.word)
def state(request: pytest.FixtureRequest) -> State:
    """Where the spans of the test are."""
    given: State = request.param
    return given


def open_below(folder: Path) -> Iterator[str]:
    """Files that this process has open or mapped; none where the system has no /proc to tell."""
    descriptors = Path("/proc/self/fd")
    for descriptor in descriptors.iterdir() if descriptors.is_dir() else ():
        try:
            target = os.readlink(descriptor)
        except FileNotFoundError:  # that of the listing itself
            continue
        if Path(target).is_relative_to(folder):
            yield target
    maps = Path("/proc/self/maps")
    for line in maps.read_text().splitlines() if maps.is_file() else ():
        if f" {folder}/" in line:
            yield line.split(maxsplit=5)[-1]
