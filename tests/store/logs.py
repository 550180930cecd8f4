"""Logs as another run of a store would leave them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from pytempo.wal import Record, Wal
from tests.building import BASE
from tests.store.conftest import named


def write_log(data: Path, *segments: Sequence[Record]) -> None:
    """A log in a data directory: a segment for each sequence of records."""
    data.mkdir(exist_ok=True)
    wal = Wal.open(data / "wal", logger=logging.getLogger("pytempo.test"), clock=lambda: BASE)
    for records in segments:
        for record in records:
            wal.append_and_sync([record])
        wal.seal()
    wal.close()


def record(*names: str, tenant: str = "single-tenant") -> Record:
    """A request with spans of these names in the log."""
    return Record(tenant, named(*names))
