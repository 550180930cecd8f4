"""The write-ahead log of one data directory: which segment is written, which wait for a flush, and what a refusing disk means for callers.

Leaves to others: gathering the requests that wait for one sync (the ingest thread), cutting blocks out of sealed segments (the flusher),
and keeping a second process out of the directory (whoever opens it).
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pytempo.errors import BadConfig, Unavailable
from pytempo.wal.damaged import DamagedFolder
from pytempo.wal.files import Files
from pytempo.wal.names import segment_name
from pytempo.wal.reader import Damage, TornTail, read_segment
from pytempo.wal.record import Record
from pytempo.wal.segment import Listing, SegmentInfo, list_segments
from pytempo.wal.view import log_unreadable
from pytempo.wal.writer import SegmentWriter


class Position(NamedTuple):
    """Where a durable group ends: the segment's uuid and the offset in bytes behind its last record."""

    segment: uuid.UUID
    offset: int


@dataclass(slots=True)
class WalStats:
    """Counts since the log was opened. Each field is written by one thread only and may be read by any."""

    records: int = 0
    """Records made durable."""
    payload_bytes: int = 0
    """Bytes of their payloads, as appended."""
    stored_bytes: int = 0
    """Bytes they took in segments, record headers and tenants included."""
    syncs: int = 0
    """Groups made durable: one sync each."""
    failures: int = 0
    """Groups that the disk refused; their callers got `Unavailable`."""
    segments_created: int = 0
    segments_abandoned: int = 0
    """Segments ended because the disk could no longer be trusted with them."""
    damaged_regions: int = 0
    """Runs of damaged bytes met at replay, each once; a run spoils one record or several neighbours."""
    damaged_bytes: int = 0
    torn_tails: int = 0
    """Unfinished ends of segments met at replay, each once."""


class Wal:
    """Segments of one folder: at most one is active, the others are sealed and never written again.

    Who may call what: `append_and_sync`, `seal` and `close` belong to one thread at a time (the ingest thread, or whoever holds its lock).
    `read` and `delete` belong to one thread at a time, which may be another (the flusher). `active`, `segments` and `stats` are for any.

    A segment is also sealed without `seal`, when the disk fails in a way that leaves it untrustworthy: `Position.segment` of the next group
    differs then, and `segments` lists the old one.
    """

    def __init__(self, directory: Path, listing: Listing, *, logger: logging.Logger, clock: Callable[[], int], files: Files) -> None:
        self.directory, self.stats = directory, WalStats()
        self._logger, self._clock, self._files = logger, clock, files
        self._damaged = DamagedFolder(directory, files, logger)
        self._writer: SegmentWriter | None = None
        self._sequence = listing.last_sequence
        self._sealed, self._lock = list(listing.segments), threading.Lock()
        self._reported: set[tuple[uuid.UUID, int]] = set()
        self._failing = self._closed = False

    @classmethod
    def open(cls, directory: Path, *, logger: logging.Logger, clock: Callable[[], int], files: Files | None = None) -> Wal:
        """The log in `directory`, which is made when missing (its parent is not). All segments found are sealed ones.

        `clock` gives unix nanoseconds. Files that a crash left without a whole header are moved to `damaged/` with a warning each; segments
        without a record are removed. Raises `BadConfig` for a folder or a segment that cannot be used, and for a segment of a newer format
        version; then nothing was changed.
        """
        files = files or Files()
        _make_directory(directory, files)
        listing = list_segments(directory, logger)
        wal = cls(directory, listing, logger=logger, clock=clock, files=files)
        wal._tidy(listing)
        return wal

    @property
    def active(self) -> SegmentInfo | None:
        """The segment that takes records, as it is now; None until the next append makes one."""
        writer = self._writer
        return writer.info if writer else None

    def append_and_sync(self, records: Sequence[Record]) -> Position:
        """Makes a group of records durable with one write and one `fdatasync`; when it returns, they may be acknowledged.

        Raises `Unavailable` when the disk refuses: nothing of the group counts, and the next call tries again by itself. Raises
        `BadRequest` when the tenant or payload of one record is too long: then the whole group is refused, so check before grouping. Raises
        ValueError for no records.
        """
        if not records:
            raise ValueError("a group needs at least one record")
        writer = self._writer or self._start_segment()
        try:
            stored = writer.append_and_sync(records)
        except OSError as error:
            if not writer.sound:
                self._abandon(writer)
            raise self._refusal(writer.path, error) from error
        self._count(records, stored)
        return Position(writer.id, writer.durable)

    def seal(self) -> SegmentInfo | None:
        """Ends the active segment and answers what it is; None, and nothing done, when it holds no record."""
        writer = self._writer
        if writer is None or not writer.records:
            return None
        writer.close()
        with self._lock:
            self._sealed.append(writer.info)
            self._writer = None
        return writer.info

    def segments(self) -> list[SegmentInfo]:
        """The sealed segments that were not deleted, oldest first."""
        with self._lock:
            return list(self._sealed)

    def read(self, segment: SegmentInfo) -> Iterator[Record]:
        """The records of a segment, sealed or active, in the order they were appended; see `reader.py` for what damage means.

        Damage is logged and counted once and its bytes are copied to `damaged/`. Raises `NotFound` for a segment that was deleted, and
        `Damaged` when the disk does not give its bytes; the segment should then stay for another try.
        """
        for found in read_segment(segment):
            if isinstance(found, Record):
                yield found
            else:
                self._report(segment, found)

    def delete(self, segment: SegmentInfo) -> None:
        """Removes a sealed segment whose block is published. One whose damaged bytes could not be copied goes to `damaged/` whole.

        Deleting twice is no error. Raises `Unavailable` when the disk refuses; the segment then stays.
        """
        if segment.id == (self.active.id if self.active else None):
            raise ValueError(f"WAL segment {segment.path} is active: seal it first")
        try:
            self._remove(segment)
        except FileNotFoundError:
            self._logger.debug("WAL segment %s is gone already", segment.path)
        except OSError as error:
            raise Unavailable(f"WAL segment {segment.path} cannot be removed: {_reason(error)}; try again later") from error
        with self._lock:
            self._sealed = [other for other in self._sealed if other.path != segment.path]

    def close(self) -> None:
        """Ends the writing; sealed segments stay for the next start. Closing twice is no error."""
        self.seal()
        if self._writer:
            self._writer.discard()
            self._writer = None
        self._closed = True

    def _start_segment(self) -> SegmentWriter:
        if self._closed:
            raise Unavailable(f"the write-ahead log in {self.directory} is closed")
        self._sequence += 1
        segment_id = uuid.uuid4()
        path = self.directory / segment_name(self._sequence, segment_id)
        try:
            self._writer = SegmentWriter.create(path, self._sequence, segment_id, self._clock(), self._files, self._logger)
        except OSError as error:
            raise self._refusal(path, error) from error
        self.stats.segments_created += 1
        return self._writer

    def _abandon(self, writer: SegmentWriter) -> None:
        self.stats.segments_abandoned += 1
        if writer.records:
            self.seal()
        else:
            self._writer = None
            writer.discard()

    def _refusal(self, path: Path, error: OSError) -> Unavailable:
        """What the callers of a refused group get; the first of a row of failures is logged as well."""
        self.stats.failures += 1
        if not self._failing:
            self._logger.error("WAL: %s cannot be written: %s; requests are refused until it can", path, _reason(error))
        self._failing = True
        return Unavailable(f"the write-ahead log cannot write {path}: {_reason(error)}; nothing was kept, send it again later")

    def _count(self, records: Sequence[Record], stored: int) -> None:
        self.stats.records += len(records)
        self.stats.payload_bytes += sum(len(record.payload) for record in records)
        self.stats.stored_bytes += stored
        self.stats.syncs += 1
        if self._failing:
            self._logger.info("WAL: %s can be written again", self.directory)
        self._failing = False

    def _report(self, segment: SegmentInfo, found: Damage | TornTail) -> None:
        if (segment.id, found.offset) not in self._reported:
            self._reported.add((segment.id, found.offset))
            log_unreadable(self._logger, segment, found)
            if isinstance(found, Damage):
                self.stats.damaged_regions += 1
                self.stats.damaged_bytes += found.end - found.offset
            else:
                self.stats.torn_tails += 1
        if isinstance(found, Damage):
            self._damaged.keep_bytes(segment, found)

    def _remove(self, segment: SegmentInfo) -> None:
        if self._damaged.must_keep(segment):
            kept = self._damaged.keep_file(segment.path)
            self._logger.warning("WAL segment %s holds damage that could not be copied; it was moved to %s", segment.path, kept)
            return
        self._files.unlink(segment.path)
        try:
            self._files.sync_directory(self.directory)
        except OSError as error:  # should it come back after a crash, its block is known by the segment's uuid
            self._logger.warning("WAL segment %s was removed, but the folder cannot be synced: %s", segment.path, error.strerror)

    def _tidy(self, listing: Listing) -> None:
        """Clears away what a crash left before the first record of a segment. Failing at it is no reason not to start."""
        for path in listing.empty:
            try:
                self._files.unlink(path)
            except OSError as error:
                self._logger.warning("WAL segment %s holds no record and cannot be removed: %s", path, error.strerror)
        for path in listing.unfinished:
            try:
                kept = self._damaged.keep_file(path)
            except OSError as error:
                self._logger.warning("WAL segment %s has no whole header, holds no record and cannot be moved: %s", path, error)
            else:
                self._logger.warning("WAL segment %s has no whole header and holds no record; it was moved to %s", path, kept)


def _make_directory(directory: Path, files: Files) -> None:
    try:
        if not directory.is_dir():
            directory.mkdir()
            files.sync_directory(directory.parent)
    except OSError as error:
        raise BadConfig(
            f"the folder {directory} cannot be made by uid {os.getuid()}: {_reason(error)}; give it or its parent to that user"
        ) from error


def _reason(error: OSError) -> str:
    return f"{error.strerror or error} ({errno.errorcode.get(error.errno or 0, 'no errno')})"
