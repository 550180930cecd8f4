"""A folder for a log, ways to open it, and a disk that fails on demand."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytempo.wal import Files, Record, Wal

LOGGER = logging.getLogger("pytempo.test.wal")

CREATED = 1_700_000_000_000_000_000
"""What the clock of these tests shows, in unix nanoseconds."""


class FailingDisk(Files):
    """A real disk on which the calls named in `failing` raise OSError with the given number, as long as they stand there.

    `calls` tells what was asked, in order. `room` is how many bytes can be written before ENOSPC, None for all that the disk has;
    `stride` is the most that one write takes.
    """

    def __init__(self) -> None:
        self.failing: dict[str, int] = {}
        self.calls: list[str] = []
        self.room: int | None = None
        self.stride = 1 << 30

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if number := self.failing.get(name):
            raise OSError(number, os.strerror(number))

    def create(self, path: Path) -> int:
        self._call("create")
        return super().create(path)

    def write(self, descriptor: int, data: memoryview, offset: int) -> int:
        self._call("write")
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = min(len(data), self.stride) if self.room is None else min(len(data), self.stride, self.room)
        self.room = None if self.room is None else self.room - taken
        return super().write(descriptor, data[:taken], offset)

    def sync(self, descriptor: int) -> None:
        self._call("sync")
        super().sync(descriptor)

    def truncate(self, descriptor: int, length: int) -> None:
        self._call("truncate")
        super().truncate(descriptor, length)

    def close(self, descriptor: int) -> None:
        super().close(descriptor)
        self._call("close")

    def unlink(self, path: Path) -> None:
        self._call("unlink")
        super().unlink(path)

    def rename(self, source: Path, target: Path) -> None:
        self._call("rename")
        super().rename(source, target)

    def sync_directory(self, directory: Path) -> None:
        self._call("sync_directory")
        super().sync_directory(directory)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the log goes; not made yet."""
    return tmp_path / "wal"


@pytest.fixture
def disk() -> FailingDisk:
    return FailingDisk()


@pytest.fixture
def open_wal(folder: Path) -> Iterator[Callable[..., Wal]]:
    """Opens the log in `folder`, as often as asked; what is open at the end is closed."""
    opened: list[Wal] = []

    def open_it(directory: Path = folder, files: Files | None = None) -> Wal:
        opened.append(Wal.open(directory, logger=LOGGER, clock=lambda: CREATED, files=files))
        return opened[-1]

    yield open_it
    for wal in opened:
        wal.close()


def records_of(wal: Wal) -> list[Record]:
    """All that a replay of the sealed segments gives, in order."""
    return [record for segment in wal.segments() for record in wal.read(segment)]


def files_in(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file below a folder: its bytes and when it was changed (unix nanoseconds)."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}
