"""A pytempo server of its own process, on free ports of this machine, for one benchmark."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Server:
    """Where a running server listens."""

    pid: int
    http_url: str
    otlp_grpc: str
    otlp_http_url: str


@contextmanager
def running(data: Path, *arguments: str, log: Path | None = None) -> Iterator[Server]:
    """A server on `data` until the block ends; its log goes to a file, or where ours goes."""
    ports = [f"--{name}-port=0" for name in ("http", "grpc", "otlp-grpc", "otlp-http")]
    command = [sys.executable, "-m", "pytempo", "serve", "--data", str(data), *ports, *arguments]
    with (
        log.open("wb") if log else contextlib.nullcontext() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            yield _addresses(process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def _addresses(process: subprocess.Popen[str]) -> Server:
    """Read what the server prints until it is ready."""
    assert process.stdout is not None
    found: dict[str, str] = {}
    for line in process.stdout:
        if line.strip() == "ready":
            return Server(process.pid, found["http"], found["otlp-grpc"], found["otlp-http"])
        if match := re.match(r"(\S+)\s+(\S+)$", line):
            found[match[1]] = match[2]
    raise RuntimeError(f"the server ended with exit code {process.wait()} before it was ready")
