"""What every store is to the measurement: a process that takes spans and answers questions; and how one is started from a binary."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.data import Corpus
from benchmarks.sending import Submit

PATIENCE = 120.0
"""Seconds of a start and of an answer."""

SETTLING = 300.0
"""Seconds until what was sent is on disk as the store keeps it."""

Ask = Callable[[Corpus, int], int]
"""Asks the question of a kind with this number; how many traces, series, spans or values the answer has, or spans it has counted."""


@dataclass(frozen=True)
class Running:
    """A store that runs."""

    pid: int
    sender: Callable[[], AbstractContextManager[Submit]]
    """Opens a connection for its spans; another process can be given this."""
    data: Path
    """What of its files holds the spans once it has settled."""
    settle: Callable[[int], None]
    """Returns when so many traces, all that were sent, are on disk as the store keeps them."""
    questions: Mapping[str, Ask]
    """By kind, of `benchmarks/questions.py`: those that it can be asked."""


class Store(Protocol):
    """A store that can be started."""

    name: str

    def running(self, folder: Path) -> AbstractContextManager[Running]:
        """Start it on a folder; it has ended when the block has."""


def named(variable: str) -> Path | None:
    """The binary that an environment variable names; raises if there is none."""
    value = os.environ.get(variable)
    if not value:
        return None
    path = Path(value).resolve()
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{variable} names {value}, which is no program that can be run")
    return path


@contextmanager
def process(command: Sequence[str], folder: Path, ready: str, ended_by: signal.Signals = signal.SIGTERM) -> Iterator[int]:
    """A program that runs in a folder, with its output in a file there, from when it says at a URL that it is ready; its id."""
    with (folder / "log").open("wb") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as started:
        try:
            since = time.monotonic()
            while not _is_ready(ready):
                if started.poll() is not None or time.monotonic() - since > PATIENCE:
                    raise RuntimeError(f"{command[0]} is not ready: {(folder / 'log').read_text(errors='replace')[-2000:]}")
                time.sleep(0.1)
            yield started.pid
        finally:
            started.send_signal(ended_by)
            try:
                started.wait(timeout=PATIENCE)
            finally:
                started.kill()


def _is_ready(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
        return True
    return False


def wait_until(done: Callable[[], bool]) -> None:
    """Wait for a store that settles."""
    since = time.monotonic()
    while not done():
        if time.monotonic() - since > SETTLING:
            raise RuntimeError(f"what was sent is not on disk after {SETTLING} seconds")
        time.sleep(0.5)


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface on which nobody listens now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def get(url: str, **parameters: str | int) -> bytes:
    """The body of an answer; raises, with what was answered, for a status that is no success."""
    whole = f"{url}?{urllib.parse.urlencode(parameters)}" if parameters else url
    try:
        with urllib.request.urlopen(whole, timeout=PATIENCE) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"{whole}: {error.code} {error.read()[:500]!r}") from error


def counted(query: str, series: Sequence[Sequence[float]], step: int) -> int:
    """How many spans a query has counted whose answer has these series, or how many series there are if it does not count."""
    total = sum(map(sum, series))
    if "rate()" in query:
        return round(total * step)
    return round(total) if "count" in query else len(series)
