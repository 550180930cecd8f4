"""Large arrays that a process frees stay with it, unless its environment says otherwise."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from pytempo.allocator import keep_freed_arrays
keep_freed_arrays()
np.zeros(200_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    arrays = [np.ones(200_000) for _ in range(5)]
    del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
"""Five columns of a stretch, fifty times; 1,953 pages are what is in use at a time."""


def faults(environment: dict[str, str]) -> int:
    """Pages that the system had to make for it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GLIBC_", "MALLOC_"))}
    command = [sys.executable, "-c", FAULTS]
    return int(subprocess.run(command, env=kept | environment, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_freed_arrays_are_used_again() -> None:
    assert faults({}) < 5 * 1_953


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
@pytest.mark.parametrize("environment", [{"MALLOC_MMAP_THRESHOLD_": "100000"}, {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=100000"}])
def test_the_environment_has_the_last_word(environment: dict[str, str]) -> None:
    assert faults(environment) > 20 * 1_953
