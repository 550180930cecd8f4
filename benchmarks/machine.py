"""What was measured on: the machine, the versions, the command; and how processes are measured (CPU, memory) on Linux."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import threading
from importlib.metadata import version
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PACKAGES = ("pytempo", "pyarrow", "numpy", "grpcio", "protobuf", "ptars", "zstandard")


def heading(data: str) -> str:
    """The lines that stand over every table: command, data, machine, versions."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return "\n".join(
        (
            f"command   python -m benchmarks {' '.join(sys.argv[1:])}",
            f"data      {data}",
            f"machine   {platform.system()} {platform.release()}, {platform.machine()}, {os.cpu_count()} cores",
            f"versions  Python {platform.python_version()}, {versions}",
        )
    )


def cpu_seconds(pid: int) -> float:
    """User and system seconds that a process and all below it have used, those that have ended and were waited for included."""
    return sum(_cpu_seconds(process) for process in (pid, *_below(pid)))


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it has ended: its parent has its seconds
    return sum(int(fields[place]) for place in (11, 12, 13, 14)) / TICKS


def peak_memory(pid: int) -> int:
    """Bytes of the largest resident set that a process has had."""
    return _memory(pid, "VmHWM")


def resident_memory(pid: int) -> int:
    """Bytes of a process in memory now."""
    return _memory(pid, "VmRSS")


def _memory(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} tells no {name}")


def tree_memory(pid: int) -> tuple[int, int]:
    """Bytes in memory now of a process, and of all below it together; those that end meanwhile count as nothing."""
    below = 0
    for process in _below(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, RuntimeError):  # it has ended, or is a zombie
            below += resident_memory(process)
    return resident_memory(pid), below


def _below(pid: int) -> list[int]:
    """All that a process has started, and what those have, as far as they run."""
    found = [pid]
    for parent in found:  # which grows meanwhile
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += [int(child) for tasks in Path(f"/proc/{parent}/task").glob("*/children") for child in tasks.read_text().split()]
    return found[1:]


class Peak:
    """The largest memory of a process and all below it together, looked at five times a second."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def mib(self) -> float:
        """Until now; of the process alone, what the system has noted, which misses nothing."""
        return max(self._most, peak_memory(self._pid)) / 2**20

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, RuntimeError):  # it is being ended
                self._most = max(self._most, sum(tree_memory(self._pid)))


def folder_bytes(folder: Path) -> int:
    """Bytes of all files under a folder; files that go meanwhile count as nothing."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += os.stat(os.path.join(path, name)).st_size
    return total
