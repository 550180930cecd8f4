"""What a process uses is counted with all that it has started."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.machine import Peak, cpu_seconds, peak_memory
from tests.waiting import wait_for

BUSY = "import time\nwhile time.process_time() < 0.3: pass"
LARGE = "held = b'x' * 150_000_000; print('held', flush=True); input()"


def test_cpu_of_a_child_counts_while_it_lives_and_when_it_has_ended() -> None:
    before = cpu_seconds(os.getpid())
    command = [sys.executable, "-c", f"{BUSY}\nprint('done', flush=True)\ninput()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"done\n"
        alive = cpu_seconds(os.getpid()) - before
        child.communicate(b"\n")
    assert alive >= 0.28  # a tick is a hundredth
    assert cpu_seconds(os.getpid()) - before >= alive - 0.02


def test_the_peak_of_a_small_process_holds_the_memory_of_its_child() -> None:
    command = ["sh", "-c", '"$0" -c "$1"; read line', sys.executable, LARGE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == b"held\n"
        with Peak(shell.pid) as peak:
            assert peak_memory(shell.pid) < 100 * 2**20
            wait_for(lambda: peak.mib > 140)
        shell.communicate(b"\n\n")
