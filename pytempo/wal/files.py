"""The system calls by which the log changes a disk; the one place to put a failing disk in a test. Decides nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path


class Files:
    """The calls by which the log changes a disk, each of which can fail with OSError. A subclass plays a failing disk."""

    def create(self, path: Path) -> int:
        """The descriptor of a new file, open for writing; FileExistsError when there is one."""
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644)

    def write(self, descriptor: int, data: memoryview, offset: int) -> int:
        """Writes at an offset and says how many bytes went out, which may be fewer than given."""
        return os.pwrite(descriptor, data, offset)

    def sync(self, descriptor: int) -> None:
        """Returns when a file's bytes and size are on the disk."""
        getattr(os, "fdatasync", os.fsync)(descriptor)  # macOS has fsync only

    def truncate(self, descriptor: int, length: int) -> None:
        """Cuts a file back."""
        os.ftruncate(descriptor, length)

    def close(self, descriptor: int) -> None:
        """Gives a descriptor back."""
        os.close(descriptor)

    def unlink(self, path: Path) -> None:
        """Removes a file."""
        path.unlink()

    def rename(self, source: Path, target: Path) -> None:
        """Moves a file within its file system."""
        source.rename(target)

    def sync_directory(self, directory: Path) -> None:
        """Returns when the names in a directory are on the disk."""
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_all(files: Files, descriptor: int, data: bytes, offset: int) -> None:
    """Writes all of `data` at `offset`, in as many calls as the system wants."""
    rest = memoryview(data)
    while rest:
        written = files.write(descriptor, rest, offset)
        if written == 0:  # no file system should; without this line the loop would not end
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rest, offset = rest[written:], offset + written
