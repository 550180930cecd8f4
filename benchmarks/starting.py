"""How long a start takes, and what it holds: over many blocks, a long write-ahead log and many spans, and the stops that follow.

python -m benchmarks start --blocks 2000 --wal-mib 1024 --spans 10000000
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytempo
from benchmarks import growth
from benchmarks.load import Template
from benchmarks.machine import folder_bytes, peak_memory, resident_memory
from benchmarks.plot import bars
from benchmarks.report import Report, Rows
from benchmarks.spool import PIECE
from pytempo.maintenance import FlushOptions
from pytempo.store import StoreOptions
from pytempo.wal import Record, Wal

MIB = 1024 * 1024
SEGMENT = 50 * MIB
"""OTLP bytes of a segment, as a server seals them by default."""

CLIENTS = 8
"""Clients that search while a server is stopped."""

PATIENCE = 120.0
"""Seconds after which an answer, a start or a stop counts as missing."""

QUIET = logging.getLogger("benchmark")


def write_blocks(data: Path, count: int) -> None:
    """So many blocks of a few traces each, every trace another."""
    template = Template(64)
    with pytempo.open(data, options=StoreOptions(flush=FlushOptions(max_block_duration=10**18))) as store:
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
    """Start a server, ask it whether it is ready until it is, stop it; start it again and stop it under load. Seconds and MiB by name."""
    figures: dict[str, float] = {}
    with _started(data) as (process, url, listening):
        figures["listening_seconds"] = listening
        figures.update(_until_ready(process, url))
        figures["ready_seconds"] += listening
        figures["first_search_seconds"] = _search(url)
        figures["memory_after_search_mib"] = resident_memory(process.pid) / MIB
        figures["stop_seconds"] = _stop(process)
    with _started(data) as (process, url, _):
        _until_ready(process, url)
        over = threading.Event()
        load = [threading.Thread(target=_ask_until, args=(url, over), daemon=True) for _ in range(CLIENTS)]
        for thread in load:
            thread.start()
        time.sleep(1)  # they are at work by then
        figures["stop_under_load_seconds"] = _stop(process)
        over.set()
        for thread in load:
            thread.join()
    return figures


@contextmanager
def _started(data: Path) -> Iterator[tuple[subprocess.Popen[str], str, float]]:
    """A server that answers, its URL, and the seconds until it told its address. It is gone at the end, whatever happened."""
    ports = [f"--{name}-port=0" for name in ("http", "grpc", "otlp-grpc", "otlp-http")]
    command = [sys.executable, "-m", "pytempo", "serve", "--data", str(data), *ports, "--log-level=warn", "--no-compaction"]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        match = re.match(r"http\s+(\S+)", process.stdout.readline())
        assert match is not None
        yield process, match[1], time.perf_counter() - started
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _until_ready(process: subprocess.Popen[str], url: str) -> dict[str, float]:
    started, slowest = time.perf_counter(), 0.0
    while True:
        asked = time.perf_counter()
        ready = _is_ready(url)
        slowest = max(slowest, time.perf_counter() - asked)
        if ready:
            return {
                "ready_seconds": time.perf_counter() - started,
                "slowest_ready_answer_seconds": slowest,
                "peak_memory_mib": peak_memory(process.pid) / MIB,
            }
        if time.perf_counter() - started > PATIENCE:
            raise RuntimeError(f"the server is not ready after {PATIENCE} seconds")
        time.sleep(0.05)


def _search(url: str) -> float:
    """Seconds of a search over everything; those of its timeout where the server gives up."""
    asked = time.perf_counter()
    try:
        urllib.request.urlopen(f"{url}/api/search?q={{}}", timeout=PATIENCE).close()
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 504:
            raise
    return time.perf_counter() - asked


def _ask_until(url: str, over: threading.Event) -> None:
    while not over.is_set():
        with contextlib.suppress(OSError, http.client.HTTPException):  # the server stops under them
            urllib.request.urlopen(f"{url}/api/search?q={{}}", timeout=PATIENCE).close()


def _stop(process: subprocess.Popen[str]) -> float:
    """Seconds from the signal to the end."""
    stopped = time.perf_counter()
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=PATIENCE)
    return time.perf_counter() - stopped


def _is_ready(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/ready", timeout=60).close()
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 503:
            raise
        return False
    return True


def write_spans(data: Path, spans: int) -> None:
    """So many spans in blocks, of the data that questions are asked of."""
    growth.blocks(data, spans)


MAKERS: dict[str, Callable[[Path, int], None]] = {"blocks": write_blocks, "log": write_log, "spans": write_spans}
"""What writes a data directory of each name."""


def run(blocks: int, wal_mib: int, spans: int, folder: Path | None) -> Report:
    """Measure an empty directory, one of many blocks, one of a log, and one of many spans. Data in `folder` is made once and kept."""
    amounts = {"empty": 0, "blocks": blocks, "log": wal_mib * MIB, "spans": spans}
    with tempfile.TemporaryDirectory() as temporary:
        rows = {}
        for name, amount in amounts.items():
            place = (folder or Path(temporary)) / name
            if amount and not place.exists():
                MAKERS[name](place, amount)
            if amount or name == "empty":
                rows[name] = {"data_mib": folder_bytes(place) / MIB, **start_and_stop(place)}
    data = f"{blocks} blocks of 8 traces; {wal_mib} MiB of log; {spans} spans in blocks of about {PIECE}; nothing"
    return Report("start", data, rows, plot(rows))


def plot(rows: Rows) -> str:
    """Seconds until it is ready, and of a stop, and memory."""
    drawn = {"ready_seconds": "ready, s", "stop_under_load_seconds": "stop under load, s", "peak_memory_mib": "memory, MiB"}
    return bars("Start and stop by what is on disk", {title: {n: row[key] for n, row in rows.items()} for key, title in drawn.items()}, "")
