"""The crash matrix: a process that ingests, flushes, replays, repairs, compacts, expires and converts is killed before and after each of
its system calls that change a disk, and each of them fails with EIO and ENOSPC. Whatever was acknowledged is there afterwards, once, unless
retention may have dropped it: then it is there as a whole, or gone as a whole.

The short form takes a few faults of each workload, spread over the kinds of calls on kinds of files; `PYTEMPO_CRASH_ROUNDS=1000` takes so
many, at any call.
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
from collections import Counter
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
from tests.conftest import ROOT
from tests.crash.workloads import WORKLOADS, mend, names
from tests.states import names_of, search_all
from tests.wal.conftest import LOGGER

pytestmark = pytest.mark.crash

ROUNDS = int(os.environ.get("PYTEMPO_CRASH_ROUNDS", "0"))
"""Faults of the long form, over all workloads; 0 is the short form."""

MOST_BY_ID = 10
"""Traces that are read by id after a round."""

FILES = ("data.parquet", "bloom-0", "index", "checksums", "meta.json")
WRITING = ("open", "write", "fsync", "rename")
"""Each of these files under a temporary name, durable, in place."""

STEPS = {
    "ingest": {
        # ingest
        ("open", "segment"), ("pwrite64", "segment"), ("fdatasync", "segment"), ("fsync", "wal"),
        # flush: the files of a block, its folder durable; then the segment goes
        *itertools.product(WRITING, FILES), ("mkdir", "block"), ("fsync", "block"), ("unlink", "segment"),
        # repair: the files beside the rows anew, or the block aside and saved
        ("rename", "block"), ("rename", "saved-as"),
    },
    "upkeep": {
        # compaction: the files of the merged block outside of the blocks; it is published; its sources are retired
        *itertools.product(WRITING, (f"merged {name}" for name in FILES)), ("mkdir", "merged block"),
        ("rename", "block"), ("rename", "meta.compacted.json"), ("utimensat", "meta.compacted.json"), ("rmdir", "merged single-tenant"),
        # retention: the rows and the rest of a block that was retired go, and its folder
        *itertools.product(("unlink",), ("data.parquet", "bloom-0", "index", "checksums", "meta.compacted.json")), ("rmdir", "block"),
    },
    "convert": {
        *itertools.product(WRITING, FILES), ("mkdir", "block"), ("rename", "meta.compacted.json"),
        *itertools.product(("unlink",), ("data.parquet", "bloom-0", "index", "meta.compacted.json")), ("rmdir", "block"),
    },
}  # fmt: skip
"""What the workloads must come by, so that the matrix below is one of all steps."""


@dataclass(frozen=True)
class Fault:
    """At the call `at`: the process is killed (`number` 0), before or after (`late`) it; or it and `count - 1` more fail."""

    at: int
    number: int = 0
    late: bool = False
    count: int = 1

    @property
    def way(self) -> str:
        return f"{errno.errorcode[self.number]} {self.count} times" if self.number else f"killed {'after' if self.late else 'before'}"

    def __str__(self) -> str:
        return f"call {self.at} {self.way}"


class Injector:
    """A running `tests.crash.injection`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, workload: str, data: Path, fault: Fault, log: Path | None = None) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        fields = {
            "workload": workload,
            "folder": str(data),
            "at": fault.at,
            "count": fault.count,
            "errno": fault.number,
            "late": int(fault.late),
        }
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


@pytest.fixture(scope="module", params=sorted(WORKLOADS))
def workload(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def calls(workload: str, injector: Injector, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Every call of a workload without a fault, with the path below the data directory."""
    folder = tmp_path_factory.mktemp("calls")
    ended = injector.run(workload, folder / "data", Fault(0), folder / "log")
    assert ended["status"] == 0, ended["error"]
    return (folder / "log").read_text().splitlines()


@pytest.fixture(scope="module")
def wanted(workload: str, tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[str]]:
    """The names of the spans of every trace that may be there."""
    if traces := WORKLOADS[workload].traces:
        return {number: names(number) for number in traces}
    data = tmp_path_factory.mktemp("prepared") / "data"
    WORKLOADS[workload].prepare(data)
    with pytempo.open(data, read_only=True, logger=LOGGER) as store:
        return {int(trace.trace_id, 16): names_of(store, trace.trace_id) for trace in search_all(store)}


def kind_of(line: str) -> tuple[str, str]:
    """The name of a call, and what kind of file it is for."""
    call, _, path = line.partition(" ")
    name = re.sub(r"\.[0-9a-f]{8}\.pytempo-tmp$", "", path.rsplit("/", 1)[-1])
    name = re.sub(r"^[0-9]{16}-[0-9a-f]{32}\.wal$", "segment", name)
    name = re.sub(r"^[0-9a-f]{8}-[0-9a-f-]{27}$", "block", name)
    return call, f"merged {name}" if path.startswith("/compacting/") else name


def faults(calls: list[str], short: int) -> list[Fault]:
    """Of the short form: for the first calls of some kinds, spread evenly, one way to go wrong, in turn. Of the long form as many as are
    wanted."""
    ways = [Fault(0), Fault(0, late=True), Fault(0, errno.EIO), Fault(0, errno.ENOSPC, count=3)]
    if not ROUNDS:
        firsts = sorted({kind_of(line): place for place, line in reversed(list(enumerate(calls, 1)))}.values())
        return [at(ways[number % len(ways)], place) for number, place in enumerate(firsts[:: len(firsts) // short + 1])]
    every = [at(way, place) for place in range(1, len(calls) + 1) for way in ways]
    random.Random(5).shuffle(every)
    rounds = ROUNDS // len(WORKLOADS)
    return (every * (rounds // len(every) + 1))[:rounds]


def at(fault: Fault, place: int) -> Fault:
    return Fault(place, fault.number, fault.late, fault.count)


def test_the_workload_comes_by_every_step(workload: str, calls: list[str]) -> None:
    assert set(map(kind_of, calls)) >= STEPS[workload]


def test_whatever_call_fails_or_is_the_last_nothing_is_lost_and_nothing_is_there_twice(
    workload: str, injector: Injector, calls: list[str], wanted: dict[int, list[str]], tmp_path: Path
) -> None:
    damaged_from = next((at for at, line in enumerate(calls, 1) if re.match("open /blocks/.*/bloom-0$", line)), len(calls) + 1)
    tried: Counter[tuple[str, str]] = Counter()
    for number, fault in enumerate(faults(calls, WORKLOADS[workload].short)):
        data = tmp_path / str(number)
        ended = injector.run(workload, data, fault)
        told = f"{workload}: {fault} ({calls[fault.at - 1]}): {ended['error']}"
        assert ended["status"] == (0 if fault.number else -9) or fault.at > len(calls) - 3, told
        assert ended["error"] == "", told
        if data.exists():
            if damaged_from < len(calls) and (fault.number or fault.at >= damaged_from):
                mend(data)
            assert_sound(data, told)
            assert_each_once(workload, data, wanted, *must_and_may(workload, wanted, ended), told)
            shutil.rmtree(data)
        tried[" ".join(kind_of(calls[fault.at - 1])), fault.way] += 1
    print(f"{workload}: {tried.total()} faults over {len(calls)} calls")
    for (kind, way), count in sorted(tried.items()):
        print(f"{count:5} {kind}: {way}")


def must_and_may(workload: str, wanted: dict[int, list[str]], ended: dict[str, Any]) -> tuple[set[int], set[int]]:
    """The traces that must be there after a round, and those that may."""
    if not WORKLOADS[workload].traces:
        return set(wanted), set(wanted)
    acknowledged = {number for number in ended["told"] if number > 0}
    dropped = {-number for number in ended["told"] if number < 0}
    if ended["status"] == 0:
        assert acknowledged == set(wanted)
        return acknowledged - dropped, acknowledged - dropped
    return acknowledged - dropped, set(wanted)


def assert_each_once(workload: str, data: Path, wanted: dict[int, list[str]], must: set[int], may: set[int], told: str) -> None:
    """By search, by id and by count."""
    with pytempo.open(data, logger=LOGGER) as store:
        found = {int(trace.trace_id, 16): sum(spanset.matched for spanset in trace.spansets) for trace in search_all(store)}
        assert must <= found.keys() <= may, told
        assert found == {trace: len(wanted[trace]) for trace in found}, told
        for trace in sorted(may)[:: len(may) // MOST_BY_ID + 1]:
            assert names_of(store, f"{trace:x}") == (wanted[trace] if trace in found else []), told
        assert counted(store, WORKLOADS[workload].times) == sum(found.values()), told


def counted(store: Store, times: tuple[int, int]) -> float:
    """All spans of the store, as a metrics query counts them."""
    answer = store.query_instant("{} | count_over_time()", start=times[0], end=times[1])
    return sum(series.value for series in answer.series)


def assert_sound(data: Path, told: str) -> None:
    """No file that is in use is damaged."""
    report = Report()
    blocks = BlockList.open(data / "blocks", data / "damaged", LOGGER, read_only=True)
    for _ in verify(blocks, WalView(data / "wal", logger=LOGGER), report):
        continue
    assert report.findings == [], told
