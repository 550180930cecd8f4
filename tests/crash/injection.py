"""Runs workloads again and again, each time in a fresh process with a fault at one of its system calls.

    python -m tests.crash.injection  with `faults.c`, compiled, in LD_PRELOAD

reads one JSON object a line, `{"workload", "folder", "at", "count", "errno", "late", "log"}` (see workloads.py and faults.c), forks a
process that works in the folder with that fault, and answers with `{"status", "told", "error"}`: the exit status (-9 killed), the numbers
that the workload told, and what went wrong in words. A preloaded library meets the calls of every library, pyarrow's included.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from tests.crash.workloads import WORKLOADS
from tests.wal.conftest import LOGGER


def run(fault: dict[str, Any]) -> dict[str, Any]:
    """One round in a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            workload, data = WORKLOADS[fault["workload"]], Path(fault["folder"])
            workload.prepare(data)
            arm = ctypes.CDLL(os.environ["LD_PRELOAD"]).fault_arm
            arm.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_long, ctypes.c_int, ctypes.c_int, ctypes.c_char_p]
            log = fault["log"].encode() if fault["log"] else None
            arm(fault["folder"].encode(), fault["at"], fault["count"], fault["errno"], fault["late"], log)
            workload.work(data, lambda number: os.write(writing, b"%d\n" % number))
            status = 0
        except BaseException:
            os.write(writing, traceback.format_exc().encode())
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        lines = pipe.read().splitlines()
    _, status = os.waitpid(child, 0)
    numbers = [int(line) for line in lines if line.lstrip("-").isdigit()]
    words = "\n".join(line for line in lines if not line.lstrip("-").isdigit())
    return {"status": os.waitstatus_to_exitcode(status), "told": numbers, "error": words}


if __name__ == "__main__":
    LOGGER.setLevel("CRITICAL")
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
