"""A real server in a process of its own, for tests: started on free ports, stopped or killed at will."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.conftest import ROOT

STOP_SECONDS = 60
"""How long a server may take to end before a test fails for it."""


class RunningServer:
    """A `pytempo serve` process. Its addresses are those that it printed."""

    def __init__(self, process: subprocess.Popen[str], wait_for_ready: bool = True) -> None:
        self._process = process
        self.addresses: dict[str, str] = {}
        self.ready = False
        self._read_until("ready" if wait_for_ready else "otlp-http")

    def _read_until(self, last: str) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            name, *address = line.split()
            if address:
                self.addresses[name] = address[0]
            self.ready = name == "ready"
            if name == last:
                return
        raise RuntimeError(f"the server ended with status {self._process.wait(STOP_SECONDS)} before it was ready; see its log above")

    def wait_until_ready(self) -> None:
        """Returns when the server has said that it is ready."""
        if not self.ready:
            self._read_until("ready")

    @property
    def http_url(self) -> str:
        return self.addresses["http"]

    @property
    def otlp_grpc_address(self) -> str:
        return self.addresses["otlp-grpc"]

    @property
    def otlp_http_url(self) -> str:
        return self.addresses["otlp-http"]

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal, without waiting for what comes of it."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """The exit status, once the process has ended."""
        return self._process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        if self.is_running:
            self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""
        self._process.kill()
        self._process.wait(STOP_SECONDS)


def command(data_dir: Path, *args: str) -> list[str]:
    """The command line of a server on free ports; `args` come last and win."""
    ports = [f"--{name}-port=0" for name in ("http", "grpc", "otlp-grpc", "otlp-http")]
    return [sys.executable, "-m", "pytempo", "serve", "--data", str(data_dir), "--host", "127.0.0.1", *ports, "--log-level", "warn", *args]


def serve(data_dir: Path, *args: str, wait_for_ready: bool = True) -> AbstractContextManager[RunningServer]:
    """A server over a data directory; at the end it is stopped, if the test has not done so."""
    # Spans of tests are dated as it suits them, and blocks are counted: only tests of compaction and retention want either.
    return running(command(data_dir, "--no-compaction", "--block-retention=0s", *args), wait_for_ready)


@contextmanager
def running(command_line: list[str], wait_for_ready: bool = True) -> Iterator[RunningServer]:
    """A server that is started so; at the end it is stopped, if the test has not done so."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}
    process = subprocess.Popen(command_line, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield RunningServer(process, wait_for_ready)
        if process.poll() is None:
            process.terminate()
            process.wait(STOP_SECONDS)
    finally:
        process.kill()
        process.wait(STOP_SECONDS)
        if process.stdout is not None:
            process.stdout.close()
