"""Merges in a process of their own: `Worker` starts one and gives it jobs, `main` is that process.

They talk in lines of JSON over its standard input and output:

    parent -> worker    a job at a time (`Job.to_json`)
    worker -> parent    {"rows": 5000} as it goes on, then {"meta": "..."} or {"error": "Damaged", "arguments": [...]}

The worker writes below `scratch` only. It ends when its input does, so it outlives neither its parent nor a `close`, at whatever it is.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from logging import getLogger
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Any

from pytempo.allocator import keep_freed_arrays
from pytempo.block.meta import BlockMeta
from pytempo.blocklist import BlockList
from pytempo.errors import Damaged, NotFound, PytempoError, Unavailable
from pytempo.maintenance.compaction import Abandoned
from pytempo.maintenance.compaction_job import Job, Report, carry_out

NICENESS = 10
"""How far behind queries a merge stands in line for a processor."""


class Worker:
    """A process that carries out merges, one after the other, started with the first. `close` ends it, from whatever thread."""

    def __init__(self, blocks: BlockList) -> None:
        self._blocks = blocks
        self._process: subprocess.Popen[str] | None = None
        self._closed = False
        self._lock = threading.Lock()

    def carry_out(self, job: Job, report: Report) -> BlockMeta:
        """As `compaction_job.carry_out`; raises Abandoned where the process ends, because it was closed or by itself."""
        process = self._running()
        try:
            outcome = _outcome_of(process, job, report)
        except BaseException:
            self._end(process)
            raise
        if outcome is None:
            status = self._end(process)
            raise Abandoned("the compaction worker is stopped" if self._closed else f"the compaction worker ended with status {status}")
        if "meta" in outcome:
            return BlockMeta.from_bytes(outcome["meta"].encode(), "the merged block")
        raise _ERRORS[outcome["error"]](*outcome["arguments"])

    def close(self) -> None:
        """End the process and whatever it is at; doing so twice is no error."""
        with self._lock:
            self._closed = True
            process = self._process
        if process is not None:
            process.kill()
            process.wait()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
        if self._process is not None:
            self._end(self._process)

    def _running(self) -> subprocess.Popen[str]:
        with self._lock:
            if self._closed:
                raise Abandoned("the compaction worker is stopped")
            if self._process is None:
                self._process = _start(self._blocks)
            return self._process

    def _end(self, process: subprocess.Popen[str]) -> int:
        """Kill the process and let go of it; the next job gets another. By the thread that gives the jobs."""
        process.kill()
        status = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not written yet
                    pipe.close()
        self._process = None
        return status


def _start(blocks: BlockList) -> subprocess.Popen[str]:
    package = Path(__file__).parents[2]
    path = os.pathsep.join([str(package), *filter(None, [os.environ.get("PYTHONPATH")])])
    folders = json.dumps({"blocks": str(blocks.backend.root), "scratch": str(blocks.scratch.root)})
    return subprocess.Popen(
        [sys.executable, "-P", "-c", f"from {__name__} import main; main()", folders],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def _outcome_of(process: subprocess.Popen[str], job: Job, report: Report) -> dict[str, Any] | None:
    """What the process says of a job at its end, None where it ended itself."""
    assert process.stdin is not None
    try:
        process.stdin.write(job.to_json() + "\n")
        process.stdin.flush()
    except OSError:
        return None
    for line in _lines(process):
        if "rows" not in line:
            return line
        report(line["rows"])
    return None


def _lines(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        if line.endswith("\n"):  # else it died in the middle of it
            yield json.loads(line)


_ERRORS: dict[str, type[PytempoError]] = {error.__name__: error for error in (Damaged, NotFound, Unavailable)}
"""What a merge may raise, by name."""


def main() -> None:
    """The worker: carries out jobs until its input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches it too; its parent decides
    os.nice(NICENESS)
    keep_freed_arrays()
    lines: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin, lines), daemon=True).start()
    folders = json.loads(sys.argv[1])
    root = Path(folders["blocks"])
    blocks = BlockList(root, root, getLogger("pytempo"), read_only=True, scratch_root=Path(folders["scratch"]))
    while True:
        _say(_outcome(Job.from_json(lines.get()), blocks))


def _listen(stream: IO[str], lines: SimpleQueue[str]) -> None:
    """Take in lines; the end of them is the end of everything."""
    for line in stream:
        lines.put(line)
    os._exit(0)


def _outcome(job: Job, blocks: BlockList) -> dict[str, Any]:
    try:
        return {"meta": carry_out(job, blocks, lambda rows: _say({"rows": rows})).to_bytes().decode()}
    except Damaged as error:
        return {"error": "Damaged", "arguments": [error.path, error.cause, error.offset]}
    except (NotFound, Unavailable) as error:
        return {"error": type(error).__name__, "arguments": [str(error)]}


def _say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)
