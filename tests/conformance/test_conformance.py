"""Whatever way the corpus lies in the store, the recorded answers come back.

The same cases are asked of a server that holds the corpus live, in one block, in many blocks, and after a restart from the WAL or from
blocks. `conformance.py` has the runner and the comparison, docs/traceql.md the rules behind the cases.

A normal run asks all cases live, in one block and in many, and a third of them, another third each, where only the way to the same data
differs: after restarts, and by the streaming service. With PYTEMPO_ALL_CASES=1 in the environment all are asked everywhere.
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.conformance import conformance, corpus, streaming
from tests.servers import serve

pytestmark = pytest.mark.conformance

Case = dict[str, Any]
Answer = dict[str, Any]

SEED = 7
PIECES = 7
ASKERS = 4
"""Cases asked at a time: the answers must not depend on who else asks."""

KINDS = {"instant", "legacy", "limits", "metrics", "search", "status", "tags", "tags1", "trace", "trace1", "values", "values1"}
"""The kinds of cases that are asked."""

SHOWN = 20
"""Differences written out in a failure; the rest is counted."""


@cache
def cases() -> list[Case]:
    """Every case of these kinds."""
    return [case for case in conformance.read_cases() if case["kind"] in KINDS]


def third(number: int) -> list[Case]:
    """Every third case from this one on; all of them in the long form."""
    return cases() if os.environ.get("PYTEMPO_ALL_CASES") else cases()[number::3]


def agrees(case: Case, got: Answer) -> bool:
    """Whether an answer is the recorded one."""
    return conformance.same(case["want"], got, case.get("loose", False), case.get("zeros_free", False))


def differences(asked: Sequence[Case], ask: Callable[[Case], Answer]) -> list[tuple[Case, Answer]]:
    """The cases that are answered differently, each with its answer."""
    with ThreadPoolExecutor(ASKERS) as pool:
        return [(case, got) for case, got in zip(asked, pool.map(ask, asked), strict=True) if not agrees(case, got)]


def report(asked: Sequence[Case], different: list[tuple[Case, Answer]]) -> str:
    """Counts by kind, then the first differences: what was asked, and where the answer departs from the recorded one."""
    counts, wrong = Counter(case["kind"] for case in asked), Counter(case["kind"] for case, _ in different)
    lines = [f"{kind}: {counts[kind] - wrong[kind]}/{counts[kind]}" for kind in sorted(counts)]
    for case, got in different[:SHOWN]:
        lines.append(f"{case['kind']}  {case['q']}  {case.get('params', '')}")
        lines.append(f"    {departure(case['want'], got)}")
    return "\n".join(lines)


def departure(want: object, got: object, place: str = "answer") -> str:
    """The first place where two answers differ, and what stands there."""
    if isinstance(want, dict) and isinstance(got, dict) and want.get("status") == got.get("status"):
        for key in sorted(want.keys() | got.keys()):
            if not conformance.close(want.get(key), got.get(key)):
                return departure(want.get(key), got.get(key), f"{place}.{key}")
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        for index, (wanted, given) in enumerate(zip(want, got, strict=True)):
            if not conformance.close(wanted, given):
                return departure(wanted, given, f"{place}[{index}]")
    return f"{place}: want {clip(want)}, got {clip(got)}"


def clip(answer: object) -> str:
    return json.dumps(answer, ensure_ascii=False, sort_keys=True)[:300]


def blocks(data_dir: Path) -> int:
    """How many blocks are published."""
    return len(list((data_dir / "blocks" / "single-tenant").glob("*/meta.json")))


def flush(url: str, data_dir: Path) -> None:
    """Asks for a flush and waits until its block is there."""
    before, deadline = blocks(data_dir), time.monotonic() + 30
    with urllib.request.urlopen(f"{url}/flush", timeout=30) as answer:
        assert answer.status in {200, 204}
    while blocks(data_dir) == before:
        assert time.monotonic() < deadline, "no block within 30 s of /flush"
        time.sleep(0.01)


@contextmanager
def live(data_dir: Path, base: int) -> Iterator[str]:
    """All of the corpus in the WAL and in memory."""
    with serve(data_dir) as server:
        conformance.load(server.otlp_grpc_address, base, SEED)
        assert blocks(data_dir) == 0
        yield server.http_url


@contextmanager
def flushed(data_dir: Path, base: int) -> Iterator[str]:
    """All of it in one block."""
    with live(data_dir, base) as url:
        flush(url, data_dir)
        assert blocks(data_dir) == 1
        yield url


@contextmanager
def flushed_and_restarted(data_dir: Path, base: int) -> Iterator[str]:
    """In one block, found by a new process."""
    with flushed(data_dir, base):
        pass
    with serve(data_dir) as server:
        yield server.http_url


@contextmanager
def killed_and_restarted(data_dir: Path, base: int) -> Iterator[str]:
    """Never flushed by the first process, which was killed: read back from the WAL."""
    with serve(data_dir) as server:
        conformance.load(server.otlp_grpc_address, base, SEED)
        server.kill()
    with serve(data_dir) as server:
        yield server.http_url


@contextmanager
def in_pieces(data_dir: Path, base: int) -> Iterator[str]:
    """In six blocks and the live part, with traces that lie in several of them."""
    requests = list(corpus.requests(base, SEED))
    with serve(data_dir) as server:
        for piece in range(PIECES):
            first, last = (len(requests) * bound // PIECES for bound in (piece, piece + 1))
            conformance.send(server.otlp_grpc_address, requests[first:last])
            if piece < PIECES - 1:
                flush(server.http_url, data_dir)
        assert blocks(data_dir) >= PIECES - 1
        yield server.http_url


ASKED: dict[Callable[[Path, int], Any], Callable[[], list[Case]]] = {
    live: cases,
    flushed: cases,
    in_pieces: cases,
    flushed_and_restarted: lambda: third(0),
    killed_and_restarted: lambda: third(1),
}
"""The states of a store, and the cases that it is asked in each."""


@pytest.mark.parametrize("state", ASKED, ids=lambda state: state.__name__)
def test_the_recorded_answers_come_back(state: Callable[[Path, int], Any], tmp_path: Path) -> None:
    asked, base = ASKED[state](), conformance.new_base()
    conformance.name_data(base, SEED)
    with state(tmp_path / "data", base) as url:
        different = differences(asked, lambda case: conformance.ask(url, base, case))
    if different:
        pytest.fail(report(asked, different), pytrace=False)


def test_the_streaming_service_gives_the_recorded_answers(tmp_path: Path) -> None:
    """On the port of HTTP, from blocks and what is live."""
    base = conformance.new_base()
    conformance.name_data(base, SEED)
    asked = [case for case in third(2) if streaming.can_say(case)]
    with in_pieces(tmp_path / "data", base) as url, grpc.insecure_channel(url.removeprefix("http://")) as channel:
        get = streaming.getter(channel)
        different = differences(asked, lambda case: conformance.ask(url, base, case, get))
    if different:
        pytest.fail(report(asked, different), pytrace=False)
