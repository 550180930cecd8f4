"""Looks at a write-ahead log without touching it: for inspection, also while another process writes it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from pytempo.wal.reader import Damage, TornTail, read_segment
from pytempo.wal.record import Record
from pytempo.wal.segment import SegmentInfo, list_segments


class WalView:
    """The segments of a folder, read-only: takes no lock, makes and changes no file. Any thread may call anything.

    Every call of `segments` looks again. A segment that its writer flushes meanwhile is gone at `read`, with `NotFound`: its records are in
    a block then, so a caller that lists segments before blocks misses nothing.
    """

    def __init__(self, directory: Path, *, logger: logging.Logger) -> None:
        self.directory, self._logger = directory, logger

    def segments(self) -> list[SegmentInfo]:
        """All segments that hold records, the one being written included, oldest first; none where there is no such folder.

        Raises `BadConfig` for a folder or segment that may not be read, and for a segment of a newer format version.
        """
        return list(list_segments(self.directory, self._logger).segments) if self.directory.exists() else []

    def read(self, segment: SegmentInfo) -> Iterator[Record]:
        """The records of a segment, in the order they were appended, as far as its size reached when it was listed.

        Raises `NotFound` when its writer has removed it, `Damaged` when the disk does not give its bytes.
        """
        for found in read_segment(segment):
            if isinstance(found, Record):
                yield found
            else:
                log_unreadable(self._logger, segment, found)


def log_unreadable(logger: logging.Logger, segment: SegmentInfo, found: Damage | TornTail) -> None:
    """One line with file, offset and cause: a warning for damage, a note for a torn tail, which every crash may leave."""
    size = found.end - found.offset
    if isinstance(found, Damage):
        logger.warning("WAL segment %s: damage at byte %d: %s; %d bytes are skipped", segment.path, found.offset, found.cause, size)
    else:
        logger.info(
            "WAL segment %s ends in a write that was never finished or acknowledged: %d bytes from byte %d on are ignored (%s)",
            segment.path,
            size,
            found.offset,
            found.cause,
        )
