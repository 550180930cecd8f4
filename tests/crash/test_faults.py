"""The crash matrix: a process that ingests, flushes, replays and repairs is killed before and after each of its system calls that change
a disk, and each of them fails with EIO and ENOSPC. Whatever was acknowledged is there afterwards, once.

The short form takes one fault at every second kind of call on a kind of file; `PYTEMPO_CRASH_ROUNDS=1000` takes so many, at any call.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import pytempo
from pytempo import Store
from pytempo.blocklist import BlockList
from pytempo.maintenance.verify import Report, verify
from pytempo.wal import WalView
from tests.building import BASE, SECOND
from tests.conftest import ROOT
from tests.crash.injection import SPANS_A_TRACE, TRACES, mend
from tests.states import names_of, search_all
from tests.wal.conftest import LOGGER

pytestmark = pytest.mark.crash

ROUNDS = int(os.environ.get("PYTEMPO_CRASH_ROUNDS", "0"))
"""Faults of the long form; 0 is the short form."""

STEPS = {
    # ingest
    ("open", "segment"), ("pwrite64", "segment"), ("fdatasync", "segment"), ("fsync", "wal"),
    # flush: each file of a block under a temporary name, durable, in place; its folder durable; then the segment goes
    *itertools.product(("open", "write", "fsync", "rename"), ("data.parquet", "bloom-0", "index", "checksums", "meta.json")),
    ("mkdir", "block"), ("fsync", "block"), ("unlink", "segment"),
    # repair: the files beside the rows anew, or the block aside and saved
    ("rename", "block"), ("rename", "saved-as"),
}  # fmt: skip
"""What the workload must come by, so that the matrix below is one of all steps."""


@dataclass(frozen=True)
class Fault:
    """At the call `at`: the process is killed (`number` 0), before or after (`late`) it; or it and `count - 1` more fail."""

    at: int
    number: int = 0
    late: bool = False
    count: int = 1

    def __str__(self) -> str:
        what = f"{errno.errorcode[self.number]} {self.count} times" if self.number else f"killed {'after' if self.late else 'before'}"
        return f"call {self.at} {what}"


class Injector:
    """A running `tests.crash.injection`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, data: Path, fault: Fault, log: Path | None = None) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        fields = {"folder": str(data), "at": fault.at, "count": fault.count, "errno": fault.number, "late": int(fault.late)}
        self._process.stdin.write(json.dumps({**fields, "log": str(log) if log else None}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def injector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Injector]:
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs Linux and a C compiler (cc) to make system calls fail")
    library = tmp_path_factory.mktemp("faults") / "faults.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, Path(__file__).with_name("faults.c"), "-ldl"], check=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LD_PRELOAD": str(library)}
    command = [sys.executable, "-m", "tests.crash.injection"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        yield Injector(process)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="module")
def calls(injector: Injector, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Every call of a workload without a fault, with the path below the data directory."""
    folder = tmp_path_factory.mktemp("calls")
    ended = injector.run(folder / "data", Fault(0), folder / "log")
    assert ended["status"] == 0, ended["error"]
    return (folder / "log").read_text().splitlines()


def kind_of(line: str) -> tuple[str, str]:
    """The name of a call, and what kind of file it is for."""
    call, _, path = line.partition(" ")
    name = re.sub(r"\.[0-9a-f]{8}\.pytempo-tmp$", "", path.rsplit("/", 1)[-1])
    name = re.sub(r"^[0-9]{16}-[0-9a-f]{32}\.wal$", "segment", name)
    return call, re.sub(r"^[0-9a-f]{8}-[0-9a-f-]{27}$", "block", name)


def faults(calls: list[str]) -> list[Fault]:
    """Of the short form: for the first call of every second kind one way to go wrong, in turn. Of the long form as many as are wanted."""
    ways = [Fault(0), Fault(0, late=True), Fault(0, errno.EIO), Fault(0, errno.ENOSPC, count=3)]
    if not ROUNDS:
        firsts = sorted({kind_of(line): place for place, line in reversed(list(enumerate(calls, 1)))}.values())
        return [at(ways[number % len(ways)], place) for number, place in enumerate(firsts[::2])]
    every = [at(way, place) for place in range(1, len(calls) + 1) for way in ways]
    random.Random(5).shuffle(every)
    return (every * (ROUNDS // len(every) + 1))[:ROUNDS]


def at(fault: Fault, place: int) -> Fault:
    return Fault(place, fault.number, fault.late, fault.count)


def test_the_workload_comes_by_every_step(calls: list[str]) -> None:
    assert set(map(kind_of, calls)) >= STEPS


def test_whatever_call_fails_or_is_the_last_nothing_is_lost_and_nothing_is_there_twice(
    injector: Injector, calls: list[str], tmp_path: Path
) -> None:
    damaged_from = next(place for place, line in enumerate(calls, 1) if re.match("open .*/bloom-0$", line))
    for number, fault in enumerate(faults(calls)):
        data = tmp_path / str(number)
        ended = injector.run(data, fault)
        told = f"{fault} ({calls[fault.at - 1]}): {ended['error']}"
        assert ended["status"] == (0 if fault.number else -9) or fault.at > len(calls) - 3, told
        assert ended["error"] == "", told
        if fault.number:
            assert ended["acknowledged"] == list(range(1, TRACES + 1)), told
        if data.exists():
            if fault.number or fault.at >= damaged_from:
                mend(data)
            else:
                assert_sound(data, told)
            assert_each_once(data, set(ended["acknowledged"]), told)
            shutil.rmtree(data)
    print(f"{number + 1} faults over {len(calls)} calls")


def assert_each_once(data: Path, acknowledged: set[int], told: str) -> None:
    """By search, by id and by count."""
    with pytempo.open(data, logger=LOGGER) as store:
        found = search_all(store)
        ids = [int(trace.trace_id, 16) for trace in found]
        assert acknowledged <= set(ids), told
        assert len(ids) == len(set(ids)), told
        assert all(spanset.matched == SPANS_A_TRACE for trace in found for spanset in trace.spansets), told
        for trace in ids:
            assert names_of(store, f"{trace:x}") == [f"{trace} {place}" for place in range(SPANS_A_TRACE)], told
        assert counted(store) == SPANS_A_TRACE * len(ids), told


def counted(store: Store) -> float:
    """All spans of the store, as a metrics query counts them."""
    answer = store.query_instant("{} | count_over_time()", start=BASE - SECOND, end=BASE + 1000 * SECOND)
    return sum(series.value for series in answer.series)


def assert_sound(data: Path, told: str) -> None:
    """No file that is in use is damaged."""
    report = Report()
    blocks = BlockList.open(data / "blocks", data / "damaged", LOGGER, read_only=True)
    for _ in verify(blocks, WalView(data / "wal", logger=LOGGER), report):
        continue
    assert report.findings == [], told
