"""What was measured on: the machine, the versions, the command; and how processes are measured (CPU, memory) on Linux."""

from __future__ import annotations

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


def folder_bytes(folder: Path) -> int:
    """Bytes of all files under a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
