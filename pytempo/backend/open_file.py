"""A file that is read by place: from a disk, with few descriptors for many files, or from memory. Its bytes are never mapped.

A mapped file that is truncated by somebody, or lies on a disk that gives a page no more, ends the whole process with SIGBUS. A read that
fails is an error that can be told.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Protocol

from pytempo.backend.kept import Keeper, KeptOpen
from pytempo.errors import Damaged, NotFound, Unavailable


class OpenFile(Protocol):
    """The bytes of one value. Any thread may call anything."""

    path: str
    """Its name in messages."""
    size: int
    """Bytes, as of its opening."""

    def read_into(self, target: memoryview, offset: int) -> None:
        """Fill `target` with the bytes from `offset` on. Raises Damaged, naming the place, where the file ends before or the disk does
        not give them, NotFound where it is gone and was not held open, Unavailable."""
        ...


class BytesFile:
    """A value in memory."""

    def __init__(self, content: bytes, path: str = "bytes") -> None:
        self.path, self.size, self._content = path, len(content), memoryview(content)

    def read_into(self, target: memoryview, offset: int) -> None:
        part = self._content[offset : offset + len(target)]
        if len(part) < len(target):
            raise Damaged(self.path, f"ends at byte {self.size}, {len(target)} bytes were to be read", offset)
        target[:] = part


class DiskFile(Keeper["Descriptor"]):
    """A file on a disk. It stays readable when its name goes, as long as its descriptor is among those that are kept."""

    def __init__(self, path: Path, kept: KeptOpen[Descriptor]) -> None:
        """Opens the file. Raises NotFound, Unavailable."""
        self.path, self._kept = str(path), kept
        with _told(self.path):
            self.size = os.fstat(self._descriptor().number).st_size

    def read_into(self, target: memoryview, offset: int) -> None:
        with _told(self.path, offset):
            descriptor = self._descriptor()
            while target:
                count = os.preadv(descriptor.number, [target], offset)
                if not count:
                    raise Damaged(self.path, f"ends here, {len(target)} bytes more were to be read", offset)
                target, offset = target[count:], offset + count

    def _descriptor(self) -> Descriptor:
        """Good for as long as the caller holds it. Raises OSError."""
        return self._kept.take(self, lambda: Descriptor(self.path))


class Descriptor:
    """An open file descriptor; closed when nobody holds the object any more."""

    def __init__(self, path: str) -> None:
        self.number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        if hasattr(self, "number"):
            os.close(self.number)


class _told:
    """Turns errors of the operating system into ours, naming path and place. A class, since it stands on the path of every read."""

    def __init__(self, path: str, offset: int | None = None) -> None:
        self._path, self._offset = path, offset

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            raise NotFound(f"{self._path}: no such file") from error
        if isinstance(error, OSError) and error.errno == errno.EIO:
            raise Damaged(self._path, "the disk does not give its bytes (EIO)", self._offset) from error
        if isinstance(error, OSError):
            raise Unavailable(f"{self._path}: cannot be read ({error.strerror}); check the disk and the permissions") from error
