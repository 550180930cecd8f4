"""data.parquet as its readers see it: every byte that is handed out was read from the disk just now and agrees with its checksum.

Blocks of other writers have no checksums; theirs are handed out as they are, and Parquet's page checksums are all there is.
"""

from __future__ import annotations

import mmap
import sys
from collections.abc import Iterable, Sequence

import pyarrow as pa

from pytempo.backend import OpenFile
from pytempo.block.checksums import Checksums
from pytempo.errors import Damaged

NEAR = 64 * 1024
"""Ranges not further apart than this are read in one go: reading 64 KiB for nothing costs less than another call."""

Range = tuple[int, int]
"""First byte, and the one behind the last."""

_PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | (0x4000 if sys.platform == "linux" else 0)  # MAP_NORESERVE: room, not yet memory


class CheckedFile:
    """One data.parquet. Safe to use from several threads."""

    def __init__(self, file: OpenFile, checksums: Checksums | None = None) -> None:
        """Raises Damaged where the file has another size than it was written with."""
        self._file, self._checksums = file, checksums
        self.path, self.size = file.path, file.size
        if checksums is not None and checksums.size != file.size:
            raise Damaged(file.path, f"has {file.size} bytes, {checksums.size} were written")

    def read(self, offset: int, length: int) -> bytes:
        """Exactly these bytes. Raises Damaged, NotFound, Unavailable."""
        first, last = self._widened(offset, offset + length)
        data = bytearray(last - first)
        self._read_into(memoryview(data), first)
        return bytes(memoryview(data)[offset - first : offset - first + length])

    def fill(self, window: Window, ranges: Iterable[Range]) -> list[Range]:
        """Lay the bytes of some ranges, and what is between near ones, at their places; returns what was laid. Raises as `read`."""
        laid = joined([self._widened(*each) for each in ranges])
        for first, last in laid:
            self._read_into(window.memory[first:last], first)
        return laid

    def _widened(self, first: int, last: int) -> Range:
        if not 0 <= first <= last <= self.size:
            raise Damaged(self.path, f"has {self.size} bytes, those up to {last} were to be read", first)
        if self._checksums is None:
            return first, last
        return self._checksums.piece_of(first), self._checksums.end_of(last)

    def _read_into(self, target: memoryview, offset: int) -> None:
        self._file.read_into(target, offset)
        if self._checksums is not None:
            self._checksums.check(target, offset, self.path)


class Window:
    """Room as large as a file, for a reader that asks by place; only what is laid there takes memory. One thread at a time."""

    def __init__(self, size: int) -> None:
        self._map = mmap.mmap(-1, max(size, 1), flags=_PRIVATE)
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            self._map.madvise(mmap.MADV_NOHUGEPAGE)  # a page of 2 MiB would be cleared for each few kilobytes
        self.memory = memoryview(self._map)[:size]
        self.buffer = pa.py_buffer(self.memory)

    def clear(self, ranges: Iterable[Range]) -> None:
        """Give the memory of these ranges back."""
        for first, last in ranges:
            begin = first - first % mmap.PAGESIZE
            self._map.madvise(mmap.MADV_DONTNEED, begin, last - begin)


def joined(ranges: Sequence[Range]) -> list[Range]:
    """Ranges, ascending, those that touch, overlap or are near each other made one."""
    out: list[Range] = []
    for first, last in sorted(ranges):
        if out and first - out[-1][1] <= NEAR:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return out
