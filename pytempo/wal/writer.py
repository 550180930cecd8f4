"""Writes one segment: a group of records is durable as a whole or refused as a whole. Leaves folders and naming to `wal.py`.

What holds of the open segment
  - Bytes before `durable` are on the disk: a sync that covers them has returned. Every group is written at `durable`, never at wherever
    the file happens to end, so what a refused group left behind is overwritten.
  - A write that fails (ENOSPC, EDQUOT, EIO, EFBIG …) is undone by cutting the file back to `durable`. The segment goes on.
  - A sync that fails ends the segment: the kernel may have dropped the dirty pages and reported it only once, so a later sync that succeeds
    would prove nothing. The file is cut back to `durable` as well, and the segment is no longer `sound`.
  - When cutting back fails, the segment is no longer `sound` either. Whole records that were refused may then lie behind `durable`. This
    process does not read them (`SegmentInfo.bytes` ends at `durable`); after a restart they would be read. That is safe: their sender was
    told to send again, and spans that come twice count once. The contrary, losing what was acknowledged, cannot come of it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from pytempo.wal.files import Files, write_all
from pytempo.wal.record import Record, RecordEncoder
from pytempo.wal.segment import SEGMENT_HEADER_BYTES, SegmentInfo, encode_header


class SegmentWriter:
    """The one segment that takes records. One thread at a time, but `info` may be asked from any."""

    def __init__(self, info: SegmentInfo, descriptor: int, files: Files, logger: logging.Logger) -> None:
        self.id, self.path = info.id, info.path
        self._info, self._descriptor, self._files, self._logger = info, descriptor, files, logger
        self._encoder = RecordEncoder(info.id)
        self.durable, self.records = info.bytes, 0
        self.sound = True

    @classmethod
    def create(cls, path: Path, sequence: int, segment_id: UUID, created: int, files: Files, logger: logging.Logger) -> SegmentWriter:
        """A new segment whose header and name are on the disk; `created` is in unix nanoseconds.

        Raises OSError, and then leaves no file behind if the disk lets it.
        """
        descriptor = files.create(path)
        writer = cls(SegmentInfo(segment_id, sequence, path, SEGMENT_HEADER_BYTES, 0, created), descriptor, files, logger)
        try:
            write_all(files, descriptor, encode_header(segment_id, created), 0)
            files.sync(descriptor)
            files.sync_directory(path.parent)
        except BaseException:
            writer.discard()
            raise
        return writer

    @property
    def info(self) -> SegmentInfo:
        """What is known of the segment now; its `bytes` end with the last durable record."""
        return replace(self._info, bytes=self.durable, records=self.records)

    def append_and_sync(self, records: Sequence[Record]) -> int:
        """Makes a group durable with one write and one sync; answers how many bytes it took in the file.

        Raises `BadRequest` before anything is written for a record that cannot be one, and OSError when the disk refuses: then nothing of
        the group is kept, and `sound` says whether the segment can take another.
        """
        group = self._encoder.encode(records)
        try:
            write_all(self._files, self._descriptor, group, self.durable)
        except OSError:
            self._cut_back()
            raise
        try:
            self._files.sync(self._descriptor)
        except OSError:
            self.sound = False
            self._cut_back()
            raise
        self.durable += len(group)
        self.records += len(records)
        return len(group)

    def close(self) -> None:
        """Ends the writing; every acknowledged byte is durable already, so a failure is only worth a line."""
        try:
            self._files.close(self._descriptor)
        except OSError as error:
            self._logger.warning("WAL segment %s: closing it failed: %s", self.path, error.strerror)

    def discard(self) -> None:
        """Closes and removes a segment that holds no record."""
        self.close()
        try:
            self._files.unlink(self.path)
        except OSError as error:
            self._logger.warning("WAL segment %s: it is empty and cannot be removed: %s", self.path, error.strerror)

    def _cut_back(self) -> None:
        try:
            self._files.truncate(self._descriptor, self.durable)
        except OSError as error:
            self.sound = False
            self._logger.warning("WAL segment %s: refused bytes from %d on cannot be cut off: %s", self.path, self.durable, error.strerror)
