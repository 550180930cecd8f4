"""What a segment is: its header, what is known about it, and which segments a folder holds. Reads no records.

    0                8              12             28                36               40
    ┌────────────────┬──────────────┬──────────────┬─────────────────┬────────────────┬──────────
    │ magic          │ version      │ segment uuid │ created         │ header crc32   │ records …
    │ "pytWAL" CR LF │ u32          │ 16 bytes     │ u64 unix ns     │ u32, of 0..35  │
    └────────────────┴──────────────┴──────────────┴─────────────────┴────────────────┴──────────

These 40 bytes keep their places in every later version of the format, so that each version can refuse its successors by number.
"""

from __future__ import annotations

import logging
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from uuid import UUID
from zlib import crc32

from pytempo.errors import BadConfig
from pytempo.wal.names import SEGMENT_SUFFIX, parse_segment_name

MAGIC = b"pytWAL\r\n"
"""The line end shows at once that a file went through a transfer in text mode."""

FORMAT_VERSION = 1

_FIELDS = struct.Struct("<8sI16sQ")
_CHECKSUM = struct.Struct("<I")

SEGMENT_HEADER_BYTES = _FIELDS.size + _CHECKSUM.size


class SegmentHeader(NamedTuple):
    """The header of a segment; `created` is in unix nanoseconds."""

    version: int
    id: UUID
    created: int


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """What is known about one segment at one moment.

    `id` never changes, whatever restarts, and no two segments share it. `bytes` counts the file from its first byte up to where reading
    ends: for a segment of this process the last durable byte, for one that was found the file's size. `records` is None for a segment
    that was found, since nobody has read it yet. `created` is in unix nanoseconds.
    """

    id: UUID
    sequence: int
    path: Path
    bytes: int
    records: int | None
    created: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a folder that bear a segment's name.

    `segments` hold records and come oldest first. `empty` have a sound header and nothing else. `unfinished` have no whole header: the
    process died while it made them, before any record. `last_sequence` is the highest number in use, 0 for none.
    """

    segments: tuple[SegmentInfo, ...]
    empty: tuple[Path, ...]
    unfinished: tuple[Path, ...]
    last_sequence: int


def encode_header(segment_id: UUID, created: int) -> bytes:
    """The first 40 bytes of a segment; `created` is in unix nanoseconds."""
    fields = _FIELDS.pack(MAGIC, FORMAT_VERSION, segment_id.bytes, created)
    return fields + _CHECKSUM.pack(crc32(fields))


def decode_header(data: bytes | memoryview) -> SegmentHeader | None:
    """The header that `data` begins with, of whatever version; None where it is cut off or its checksum does not match."""
    if len(data) < SEGMENT_HEADER_BYTES:
        return None
    magic, version, segment_id, created = _FIELDS.unpack_from(data)
    (checksum,) = _CHECKSUM.unpack_from(data, _FIELDS.size)
    if magic != MAGIC or crc32(data[: _FIELDS.size]) != checksum:
        return None
    return SegmentHeader(version, UUID(bytes=segment_id), created)


def list_segments(directory: Path, logger: logging.Logger) -> Listing:
    """What a folder holds. Nothing is changed and nothing but segments is opened; other names are left alone.

    Raises `BadConfig` for a folder or segment that may not be read, and for a segment of a newer format version.
    """
    found: list[tuple[SegmentInfo, bool]] = []
    for path, sequence, named_id in _segment_files(directory, logger):
        try:
            found.append(_inspect(path, sequence, named_id, logger))
        except FileNotFoundError:  # its writer flushed and removed it since the folder was listed
            logger.debug("WAL segment %s has gone while its folder was read", path)
    found.sort(key=lambda each: (each[0].sequence, each[0].id))
    return Listing(
        segments=tuple(info for info, _ in found if info.bytes > SEGMENT_HEADER_BYTES),
        empty=tuple(info.path for info, sound in found if sound and info.bytes == SEGMENT_HEADER_BYTES),
        unfinished=tuple(info.path for info, sound in found if not sound and info.bytes <= SEGMENT_HEADER_BYTES),
        last_sequence=max((info.sequence for info, _ in found), default=0),
    )


def _segment_files(directory: Path, logger: logging.Logger) -> Iterable[tuple[Path, int, UUID]]:
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError as error:
        raise _unreadable(directory, error) from error
    for entry in entries:
        parsed = parse_segment_name(entry.name)
        if parsed and entry.is_file(follow_symlinks=False):
            yield directory / entry.name, *parsed
        elif entry.name.endswith(SEGMENT_SUFFIX):
            logger.warning("WAL folder: %s is not the name of a segment; it is left alone and not read", directory / entry.name)


def _inspect(path: Path, sequence: int, named_id: UUID, logger: logging.Logger) -> tuple[SegmentInfo, bool]:
    """What is known about a segment without reading its records, and whether its header is sound.

    A header that is damaged hides the creation time only: the uuid stands in the file's name, too.
    """
    status = path.stat()
    header = _read_header(path, logger)
    if header is None:
        return SegmentInfo(named_id, sequence, path, status.st_size, None, status.st_mtime_ns), False
    if header.version > FORMAT_VERSION:
        raise BadConfig(
            f"WAL segment {path} has format version {header.version}, this pytempo reads up to version {FORMAT_VERSION}: "
            "start the newer pytempo that wrote it, or flush the log with that one first"
        )
    if header.id != named_id:
        logger.warning("WAL segment %s was renamed; it is read as %s, as its header says", path, header.id.hex)
    return SegmentInfo(header.id, sequence, path, status.st_size, None, header.created), True


def _read_header(path: Path, logger: logging.Logger) -> SegmentHeader | None:
    try:
        with open(path, "rb", buffering=0) as file:
            return decode_header(file.read(SEGMENT_HEADER_BYTES))
    except FileNotFoundError:
        raise
    except PermissionError as error:
        raise _unreadable(path, error) from error
    except OSError as error:
        logger.warning("WAL segment %s: its header cannot be read: %s", path, error.strerror)
        return None


def _unreadable(path: Path, error: OSError) -> BadConfig:
    return BadConfig(f"{path} cannot be read by uid {os.getuid()}: {error.strerror}; give it to that user or set its permissions")
