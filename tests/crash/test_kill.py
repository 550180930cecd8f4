"""Processes that are killed at random moments, again and again: what they acknowledged is there afterwards, each span exactly once.

Clients send on as exporters do: what was not acknowledged is sent again to the next process, so copies are certain to arrive. Blocks are
cut all the time, so kills fall into flushes, too, and some fall into the replay of a start. `PYTEMPO_KILLS=20` kills more often.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import grpc
import httpx
import pytest

import pytempo
from pytempo import Store
from pytempo.model import Level
from tests.building import BASE, SECOND, request, span
from tests.conftest import ROOT
from tests.sending import exporter
from tests.servers import RunningServer, serve
from tests.states import search_all
from tests.waiting import PATIENCE

pytestmark = pytest.mark.crash

KILLS = int(os.environ.get("PYTEMPO_KILLS", "8"))
PROGRAMS_KILLED = 6
CLIENTS = 3

SPANS_A_TRACE = 4
SMALL_BLOCKS = "--max-block-bytes=30000"
"""So that every process cuts several blocks."""


def payload(number: int) -> bytes:
    """The request of a number: a trace of `SPANS_A_TRACE` spans whose ids follow from it."""
    spans = [
        span(
            f"{number}",
            trace=number,
            id=SPANS_A_TRACE * number + place,
            start=BASE + number * SECOND,
            attributes={"text": f"{number} " * 20},
        )
        for place in range(SPANS_A_TRACE)
    ]
    return request(*spans).SerializeToString()


class Client:
    """One client that sends traces steadily, and what was not acknowledged again; it outlives the servers."""

    def __init__(self, first: int) -> None:
        self._next = first
        self.acknowledged: list[int] = []
        self.progress = threading.Condition()

    def send_until_it_fails(self, address: str) -> None:
        """Ends when the server is gone."""
        with grpc.insecure_channel(address) as channel:
            call = exporter(channel)
            while True:
                try:
                    call(payload(self._next), timeout=PATIENCE)
                except grpc.RpcError as error:
                    if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                        raise
                    return
                with self.progress:
                    self.acknowledged.append(self._next)
                    self._next += CLIENTS
                    self.progress.notify_all()

    def wait_for(self, more: int) -> None:
        """Returns when so many more requests were acknowledged."""
        with self.progress:
            wanted = len(self.acknowledged) + more
            assert self.progress.wait_for(lambda: len(self.acknowledged) >= wanted, PATIENCE), "no acknowledgement comes"


@pytest.fixture
def clients() -> list[Client]:
    return [Client(first) for first in range(1, CLIENTS + 1)]


def kill_under_load(server: RunningServer, clients: list[Client], dice: random.Random) -> None:
    """Let the clients send, and kill the server at a random moment."""
    threads = [threading.Thread(target=client.send_until_it_fails, args=(server.otlp_grpc_address,)) for client in clients]
    for thread in threads:
        thread.start()
    dice.choice(clients).wait_for(dice.randrange(1, 20))
    for _ in range(dice.randrange(2000)):  # some moment within the next request
        pass
    server.kill()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_server_that_is_killed_again_and_again_keeps_what_it_acknowledged(tmp_path: Path, clients: list[Client]) -> None:
    """S53, under load: over gRPC, by search and by id, each span exactly once."""
    dice = random.Random(53)
    for kill in range(KILLS):
        with serve(tmp_path, SMALL_BLOCKS) as server:
            kill_under_load(server, clients, dice)
        if kill % 6 == 2:  # and now and then in the middle of a start
            with serve(tmp_path, SMALL_BLOCKS, wait_for_ready=False) as server:
                server.kill()
    acknowledged = {number for client in clients for number in client.acknowledged}
    assert len(acknowledged) > KILLS
    with serve(tmp_path) as server:
        assert_answered(server.http_url, acknowledged)
        assert server.stop() == 0
    with pytempo.open(tmp_path) as store:
        assert len(store.blocks()) > KILLS / 2, "the kills were to meet flushes"
        store.flush()
        assert_whole(store, acknowledged)


def assert_answered(url: str, acknowledged: set[int]) -> None:
    """Every acknowledged trace whole, by search and by id, over HTTP."""
    with httpx.Client(base_url=url, timeout=PATIENCE) as http:
        found = http.get("/api/search", params={"q": "{}", "limit": "100000", "spss": "100"}).json()["traces"]
        matches = {int(trace["traceID"], 16): trace["spanSets"][0]["matched"] for trace in found}
        assert len(matches) == len(found)
        assert acknowledged <= matches.keys()
        assert set(matches.values()) == {SPANS_A_TRACE}
        for number in sorted(acknowledged):
            (above,) = http.get(f"/api/v2/traces/{number:x}").json()["trace"]["resourceSpans"]
            assert (
                len({each["spanId"] for each in above["scopeSpans"][0]["spans"]}) == len(above["scopeSpans"][0]["spans"]) == SPANS_A_TRACE
            )


def assert_whole(store: Store, acknowledged: set[int]) -> None:
    """Every acknowledged trace once, with each of its spans once, by search and by id; unacknowledged ones may be there, whole."""
    found = search_all(store)
    ids = [int(trace.trace_id, 16) for trace in found]
    assert len(ids) == len(set(ids))
    assert acknowledged <= set(ids)
    for trace in found:
        (spanset,) = trace.spansets
        assert len({each.span_id for each in spanset.spans}) == spanset.matched == SPANS_A_TRACE
        whole = store.trace(trace.trace_id)
        assert whole is not None
        assert len(set(whole.batch.stored(Level.SPAN, "span_id").tolist())) == whole.batch.count(Level.SPAN) == SPANS_A_TRACE


WRITER = """
import sys
import pytempo
from pytempo import StoreOptions
from pytempo.maintenance import FlushOptions
from tests.crash.test_kill import payload

with pytempo.open(sys.argv[1], options=StoreOptions(flush=FlushOptions(max_block_bytes=4_000))) as store:
    for number in range(int(sys.argv[2]), 1_000_000):
        store.export(payload(number))
        print(number, flush=True)
"""
"""A program of somebody's own with a store in it. It says what was acknowledged."""


def written_by(folder: Path, first: int, lines: int) -> Iterator[int]:
    """The numbers that a program acknowledges before it is killed, soon after so many of them."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", WRITER, folder, str(first)], stdout=subprocess.PIPE, text=True, env=environment) as writer:
        assert writer.stdout is not None
        with closing(writer.stdout):
            for _ in range(lines):
                yield int(writer.stdout.readline())
            writer.kill()
            yield from (int(line) for line in writer.stdout if line.endswith("\n"))


def test_a_program_that_is_killed_keeps_what_its_store_acknowledged(tmp_path: Path) -> None:
    """S53, in process: each kill at another moment; the next run begins with the number that may have been stored or not."""
    dice = random.Random(8)
    acknowledged: set[int] = set()
    for _ in range(PROGRAMS_KILLED):
        acknowledged |= set(written_by(tmp_path, max(acknowledged, default=0) + 1, dice.randrange(1, 40)))
    with pytempo.open(tmp_path, read_only=True) as reader:
        assert_whole(reader, acknowledged)
    with pytempo.open(tmp_path) as store:
        store.flush()
        assert_whole(store, acknowledged)
