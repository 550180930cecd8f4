"""The benchmarks run and tell what they are to tell; never how fast."""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.query import KINDS


def test_the_benchmark_of_questions_times_every_kind_live_and_in_a_block() -> None:
    command = [sys.executable, "-m", "benchmarks", "query", "--spans", "3000", "--json"]
    found = json.loads(subprocess.run(command, capture_output=True, check=True, text=True, timeout=120).stdout)
    assert found.keys() == KINDS.keys()
    assert all(times.keys() == {"live", "block"} for times in found.values())
