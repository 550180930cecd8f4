"""A process that is killed while it writes: every group it has acknowledged is read afterwards, in order."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytempo.wal import Wal
from tests.wal.conftest import records_of

WRITER = """
import logging, sys, time
from pathlib import Path
from pytempo.wal import Record, Wal

wal = Wal.open(Path(sys.argv[1]), logger=logging.getLogger("writer"), clock=time.time_ns)
for number in range(1_000_000):
    wal.append_and_sync([Record("t", b"%d " % number * 300), Record("t", b"%d" % number)])
    if number % 7 == 6:
        wal.seal()
    print(number, flush=True)
"""


@pytest.mark.parametrize("lines", [1, 20, 43])
def test_every_acknowledged_group_survives_a_kill(lines: int, folder: Path, open_wal: Callable[..., Wal], project_root: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(project_root)}
    with subprocess.Popen([sys.executable, "-c", WRITER, folder], stdout=subprocess.PIPE, text=True, env=environment) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(lines)]
        writer.kill()
        acknowledged += [int(line) for line in writer.stdout if line.endswith("\n")]
    found = [payload for _, payload in records_of(open_wal())]
    whole = len(found) // 2  # the group that was being written may be whole, half or absent
    assert found[: 2 * whole] == [payload for number in range(whole) for payload in (b"%d " % number * 300, b"%d" % number)]
    assert acknowledged == list(range(len(acknowledged)))
    assert whole >= len(acknowledged)
