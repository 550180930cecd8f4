"""Stores in processes of their own: one that holds a directory until it is killed, and one that runs as another user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

UID = 10001
"""The user of the container image, and its group."""


def closed_to_others() -> str:
    """Why another user cannot run what this process runs: the first folder on the way to it that is closed; empty where none is."""
    needed = (Path(sys.prefix), ROOT)
    ways = [place for target in needed for place in (target.resolve(), *target.resolve().parents)]
    closed = [str(place) for place in ways if not place.stat().st_mode & 0o001]
    return f"{closed[0]} is closed to other users" if closed else ""


_HOLDER = """
import sys, pytempo
store = pytempo.open(sys.argv[1])
for payload in sys.argv[2:]:
    store.export(bytes.fromhex(payload))
print("held", flush=True)
sys.stdin.read()
"""

_SOMEBODY_ELSE = """
import json, os, sys
import pytempo, pytempo.exporter
uid, folder, payloads = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
if uid != os.getuid():
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
os.umask(0o022)
try:
    for payload in payloads:
        with pytempo.open(folder) as store:
            store.flush()
            store.export(bytes.fromhex(payload))
            names = sorted(trace.root_name for trace in store.search(limit=100))
    print(json.dumps({"found": names}))
except pytempo.PytempoError as error:
    print(json.dumps({"error": type(error).__name__, "text": str(error)}))
"""
"""Root may read and write everywhere, so it becomes a user who may not, once everything is imported."""


@contextmanager
def held(folder: Path, *payloads: bytes) -> Iterator[subprocess.Popen[str]]:
    """A process that has the folder open for writing and has stored the payloads; killed at the end."""
    args = [sys.executable, "-c", _HOLDER, str(folder), *(payload.hex() for payload in payloads)]
    with subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment()) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def as_somebody_else(folder: Path, *payloads: bytes, uid: int) -> dict[str, Any]:
    """What comes of a store of another user (and group) in the folder: the `found` names, or `error` and `text`.

    It is opened once for each payload, cuts what the one before has stored, and stores it.
    """
    args = [sys.executable, "-c", _SOMEBODY_ELSE, str(uid), str(folder), *(payload.hex() for payload in payloads)]
    ended = subprocess.run(args, stdout=subprocess.PIPE, text=True, timeout=60, check=True, env=_environment())
    outcome: dict[str, Any] = json.loads(ended.stdout)
    return outcome


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}
