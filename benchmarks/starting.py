"""How long a start takes, and what it holds: over many blocks, over a long write-ahead log, and the stops that follow.

python -m benchmarks start --blocks 2000 --wal-mib 1024
"""

from __future__ import annotations

import logging
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytempo
from benchmarks.load import Template
from benchmarks.machine import folder_bytes, heading, peak_memory, resident_memory
from pytempo.maintenance import CompactionOptions
from pytempo.store import StoreOptions
from pytempo.wal import Record, Wal

MIB = 1024 * 1024
SEGMENT = 50 * MIB
"""OTLP bytes of a segment, as a server seals them by default."""

QUIET = logging.getLogger("benchmark")


def write_blocks(data: Path, count: int) -> None:
    """So many blocks of a few traces each, every trace another."""
    template = Template(64)
    with pytempo.open(data, options=StoreOptions(compaction=CompactionOptions(disabled=True))) as store:
        for number in range(count):
            store.export(template.make(number, time.time_ns()))
            store.flush()


def write_log(data: Path, size: int) -> None:
    """A log of so many OTLP bytes in sealed segments, as a store leaves it whose blocks could not be cut."""
    (data / "wal").mkdir(parents=True)
    template = Template(512, seed=2)
    wal = Wal.open(data / "wal", logger=QUIET, clock=time.time_ns)
    per_group = max(MIB // template.size, 1)
    for group in range(size // (per_group * template.size)):
        payloads = [template.make(group * per_group + place, time.time_ns()) for place in range(per_group)]
        wal.append_and_sync([Record("single-tenant", payload) for payload in payloads])
        if wal.stats.payload_bytes // SEGMENT > len(wal.segments()):
            wal.seal()
    wal.close()


def start_and_stop(data: Path) -> dict[str, float]:
    """Start a server, ask it whether it is ready until it is, stop it; seconds and MiB by name."""
    ports = [f"--{name}-port=0" for name in ("http", "grpc", "otlp-grpc", "otlp-http")]
    command = [sys.executable, "-m", "pytempo", "serve", "--data", str(data), *ports, "--no-compaction", "--log-level=warn"]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        match = re.match(r"http\s+(\S+)", process.stdout.readline())
        assert match is not None
        answering, slowest = time.perf_counter() - started, 0.0
        while True:
            asked = time.perf_counter()
            ready = _is_ready(match[1])
            slowest = max(slowest, time.perf_counter() - asked)
            if ready:
                break
            time.sleep(0.05)
        figures = {
            "listening_seconds": answering,
            "ready_seconds": time.perf_counter() - started,
            "slowest_ready_answer_seconds": slowest,
            "peak_memory_mib": peak_memory(process.pid) / MIB,
        }
        asked = time.perf_counter()
        urllib.request.urlopen(f"{match[1]}/api/search?q={{}}", timeout=120).close()
        figures["first_search_seconds"] = time.perf_counter() - asked
        figures["memory_after_search_mib"] = resident_memory(process.pid) / MIB
        stopped = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=120)
        figures["stop_seconds"] = time.perf_counter() - stopped
    return figures


def _is_ready(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/ready", timeout=60).close()
    except urllib.error.HTTPError as error:
        if error.code != 503:
            raise
        return False
    return True


def run(blocks: int, wal_mib: int, folder: Path | None) -> None:
    """Measure an empty directory, one of blocks and one of a log; print a line each. Data in `folder` is made once and kept."""
    print(heading(f"{blocks} blocks of 8 traces; {wal_mib} MiB of log"), flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        root = folder or Path(temporary)
        for name, amount in (("empty", 0), ("blocks", blocks), ("log", wal_mib)):
            place = root / name
            if not place.exists() and name == "blocks":
                write_blocks(place, amount)
            elif not place.exists() and name == "log":
                write_log(place, amount * MIB)
            size = folder_bytes(place) / MIB
            figures = start_and_stop(place)
            print(f"{name:8}{size:10.1f} MiB  " + "  ".join(f"{key} {value:.2f}" for key, value in figures.items()), flush=True)
