"""What is looked at in a soak: memory of the server and its children, disk, the slowest answer, errors, spans, every few seconds."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import cpu_seconds, folder_bytes, tree_memory
from benchmarks.server import Server
from benchmarks.soak.traffic import Traffic

EVENTS = {
    "flushed": re.compile(r"INFO pytempo: block \S+ of tenant \S+: \d+ spans.* cut in "),
    "merged": re.compile(r"INFO pytempo: block \S+ of tenant \S+: made of \d+ blocks"),
    "dropped": re.compile(r"INFO pytempo: block \S+ of tenant \S+ goes .*max_bytes_on_disk"),
    "complaints": re.compile(r" (WARNING|ERROR|CRITICAL) |^Traceback"),
}
"""Lines of the server's log that are counted. A complaint is an error of the run."""


@dataclass(frozen=True)
class Sample:
    """What was so at one moment: seconds since the start, bytes, counts since the start; the slowest answer since the last sample."""

    seconds: float
    memory_bytes: int
    worker_bytes: int
    blocks_bytes: int
    wal_bytes: int
    blocks: int
    spans: int
    errors: int
    slowest_query_seconds: float
    slowest_export_seconds: float
    cpu_seconds: float

    @property
    def disk_bytes(self) -> int:
        """What `max_bytes_on_disk` bounds."""
        return self.blocks_bytes + self.wal_bytes


class Watch:
    """Takes a sample every `period` seconds, from `start` to `stop`."""

    def __init__(self, server: Server, data: Path, traffic: Traffic, period: float, report: Callable[[Sample], None]) -> None:
        """`report` is called with every sample."""
        self.samples: list[Sample] = []
        self._server, self._data, self._traffic, self._period = server, data, traffic, period
        self._report = report
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """The first sample comes after one period."""
        self._thread.start()

    def stop(self) -> None:
        """Return when no more samples are taken."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        started = time.monotonic()
        due = started + self._period
        while not self._over.wait(max(due - time.monotonic(), 0)):
            self.samples.append(self._take(time.monotonic() - started))
            self._report(self.samples[-1])
            due += self._period

    def _take(self, seconds: float) -> Sample:
        own, children = tree_memory(self._server.pid)
        client = self._traffic.client
        slowest_export, self._traffic.slowest_export = self._traffic.slowest_export, 0.0
        return Sample(
            seconds=round(seconds, 2),
            memory_bytes=own + children,
            worker_bytes=children,
            blocks_bytes=folder_bytes(self._data / "blocks"),
            wal_bytes=folder_bytes(self._data / "wal"),
            blocks=len(list((self._data / "blocks").glob("*/*/meta.json"))),
            spans=self._traffic.spans,
            errors=len(client.errors),
            slowest_query_seconds=round(client.take_slowest(), 4),
            slowest_export_seconds=round(slowest_export, 4),
            cpu_seconds=cpu_seconds(self._server.pid),
        )


def events(log: Path) -> dict[str, list[str]]:
    """The lines of a server's log, by what they tell."""
    lines = log.read_text(errors="replace").splitlines()
    return {name: [line for line in lines if pattern.search(line)] for name, pattern in EVENTS.items()}
