"""Runs a workload again and again, each time in a fresh process with a fault at one of its system calls.

    python -m tests.crash.injection  with `faults.c`, compiled, in LD_PRELOAD

reads one JSON object a line, `{"folder", "at", "count", "errno", "late", "log"}` (see faults.c), forks a process that works in the folder
with that fault, and answers with `{"status", "acknowledged", "error"}`: the exit status (-9 killed), the numbers of the traces whose
export was acknowledged, and what went wrong in words. A preloaded library meets the calls of every library, pyarrow's included.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytempo
from pytempo import StoreOptions
from pytempo.block.writer import BlockOptions
from pytempo.blocklist import BlockList
from pytempo.directory import DataDirectory
from pytempo.errors import BadConfig, Unavailable
from pytempo.maintenance import FlushOptions
from pytempo.maintenance.repair import repair
from tests.building import BASE, SECOND, request, span
from tests.wal.conftest import LOGGER

SPANS_A_TRACE = 3
TRACES = 7
"""That the workload exports, numbered from 1."""

OPTIONS = StoreOptions(flush=FlushOptions(block=BlockOptions(row_group_spans=6)))
MOST_TRIES = 30

T = TypeVar("T")
Tell = Callable[[int], object]
"""Hears of every trace that was acknowledged."""


def payload(number: int) -> bytes:
    """The request of a number: a trace of spans whose ids follow from it."""
    places = range(SPANS_A_TRACE)
    return request(
        *(span(f"{number} {place}", trace=number, id=10 * number + place, start=BASE + number * SECOND) for place in places)
    ).SerializeToString()


def workload(data: Path, tell: Tell) -> None:
    """Ingest, flush, replay, and repair in both of its ways; whatever is refused is tried again, as senders do."""
    store = again(lambda: pytempo.open(data, options=OPTIONS, logger=LOGGER))
    for number in range(1, TRACES):
        again(lambda number=number: store.export(payload(number)))  # type: ignore[misc]
        tell(number)
        if number in (3, 5):
            again(store.flush)
    again(lambda: store.export(payload(1)))  # once more, as after an answer that was lost
    store.close()
    store = again(lambda: pytempo.open(data, options=OPTIONS, logger=LOGGER))
    again(lambda: store.export(payload(TRACES)))
    tell(TRACES)
    again(store.flush)
    store.close()
    for name in ("bloom-0", "meta.json"):
        damage(sorted(data.glob(f"blocks/*/*/{name}"))[0])
        again(lambda: mend(data))


def damage(path: Path) -> None:
    """Flip a bit in the middle of a file. The faults meet this, too, and it is not what is tested."""
    place = path.stat().st_size // 2
    content = path.read_bytes()[place] ^ 1
    for _ in range(MOST_TRIES):
        with suppress(OSError), path.open("r+b", buffering=0) as file:
            file.seek(place)
            file.write(bytes([content]))
            return
    raise AssertionError(f"{path} cannot be damaged")


def mend(data: Path) -> list[str]:
    """Repair whatever is not sound; the steps that were made."""
    with DataDirectory(data, read_only=False) as directory:
        blocks = BlockList.open(directory.blocks, directory.damaged, LOGGER)
        return [step.step for step in repair(blocks, OPTIONS.flush.block) if step.step != "read"]


def again(action: Callable[[], T]) -> T:
    """Do something until the disk does not refuse it."""
    for _ in range(MOST_TRIES):
        try:
            return action()
        except (Unavailable, BadConfig) as error:
            refused = error
    raise refused


def run(fault: dict[str, Any]) -> dict[str, Any]:
    """One round in a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            arm = ctypes.CDLL(os.environ["LD_PRELOAD"]).fault_arm
            arm.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_long, ctypes.c_int, ctypes.c_int, ctypes.c_char_p]
            log = fault["log"].encode() if fault["log"] else None
            arm(fault["folder"].encode(), fault["at"], fault["count"], fault["errno"], fault["late"], log)
            workload(Path(fault["folder"]), lambda number: os.write(writing, b"%d\n" % number))
            status = 0
        except BaseException:
            os.write(writing, traceback.format_exc().encode())
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        lines = pipe.read().splitlines()
    _, status = os.waitpid(child, 0)
    numbers = [int(line) for line in lines if line.isdigit()]
    told = "\n".join(line for line in lines if not line.isdigit())
    return {"status": os.waitstatus_to_exitcode(status), "acknowledged": numbers, "error": told}


if __name__ == "__main__":
    LOGGER.setLevel("CRITICAL")
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
