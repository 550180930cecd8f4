"""pytempo as a server, asked over HTTP as the others are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.peers import traceql
from benchmarks.peers.store import Running, get
from benchmarks.sending import by_grpc
from benchmarks.server import running


class Pytempo:
    """The server of this source tree, with its defaults."""

    name = "pytempo"

    @contextmanager
    def running(self, folder: Path) -> Iterator[Running]:
        """Start it; `/flush` cuts its blocks."""
        with running(folder / "data", log=folder / "log") as server:

            def settle(_: int) -> None:
                get(f"{server.http_url}/flush")

            yield Running(server.pid, partial(by_grpc, server.otlp_grpc), folder / "data", settle, traceql.questions(server.http_url))
