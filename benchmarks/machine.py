"""What was measured on: the machine, the versions, the command; and how processes are measured (CPU, memory) on Linux."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
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
    """User and system seconds that a process and its children (those waited for) have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
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
    below, found = 0, [pid]
    for parent in found:
        try:
            found += [int(child) for tasks in Path(f"/proc/{parent}/task").glob("*/children") for child in tasks.read_text().split()]
            below += resident_memory(parent) if parent != pid else 0
        except (FileNotFoundError, ProcessLookupError, RuntimeError):  # it has ended, or is a zombie
            continue
    return resident_memory(pid), below


def folder_bytes(folder: Path) -> int:
    """Bytes of all files under a folder; files that go meanwhile count as nothing."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += os.stat(os.path.join(path, name)).st_size
    return total
