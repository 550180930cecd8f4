"""Reads the records of one segment in order, through every damage. Reports what it skips and changes nothing.

What is valid
  - A record is valid when its marker stands at its offset, the checksum of its header holds, all its bytes lie before the end of the
    segment, the checksum of its body holds, and its payload unpacks. Nothing else is ever returned.
  - The first record starts right behind the segment header. Each next record starts where the one before ends.
  - The end of the segment is `SegmentInfo.bytes`. What lies behind it is not looked at.

What happens to the rest
  1. Where no valid record starts, the reader looks for the next offset at which one does, byte by byte over markers, trusting no length.
  2. Found: the bytes in between are `Damage`. Reading goes on from there, so a damaged record costs itself only.
  3. Not found: the bytes up to the end are a `TornTail`, as a crash in the middle of a write leaves it. A group of records is acknowledged
     after all its bytes are durable, so nothing in a torn tail was acknowledged.
  4. But when a sound header announced the flawed record and all its bytes are there, nothing was cut off: that is `Damage`, too.
  5. A segment header whose checksum does not hold is `Damage` from byte 0; the uuid is then taken from the file's name. That is never a
     torn tail, since the header is durable before the first record is written.
  6. Only a disk that does not give its bytes at all stops the reading, with `pytempo.errors.Damaged`.

Memory: one window of `WINDOW_BYTES`, or one record as stored, and the payload being returned.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from pytempo.errors import Damaged, NotFound
from pytempo.wal.record import MARKER, RECORD_HEADER_BYTES, Flaw, Record, RecordDecoder
from pytempo.wal.segment import SEGMENT_HEADER_BYTES, SegmentInfo, decode_header

WINDOW_BYTES = 1 << 20
"""How much is read at once: enough for the disk to stream, small beside a record's limit."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes `offset` up to `end` of a segment that were written and cannot be read; `cause` says what is wrong at `offset`."""

    offset: int
    end: int
    cause: str


@dataclass(frozen=True, slots=True)
class TornTail:
    """Bytes `offset` up to `end`, the end of the segment, that a crash left unfinished: nothing acknowledged is in them."""

    offset: int
    end: int
    cause: str


def read_segment(segment: SegmentInfo) -> Iterator[Record | Damage | TornTail]:
    """Everything in a segment, in the order of the file.

    Raises `NotFound` when the file is gone, and `Damaged` with path and offset when the disk does not give its bytes.
    """
    try:
        file = open(segment.path, "rb", buffering=0)  # noqa: SIM115 - closed by the with below, opened apart from what reading raises
    except FileNotFoundError as error:
        raise NotFound(f"WAL segment {segment.path} is gone: its records are in a block by now") from error
    except OSError as error:
        raise Damaged(str(segment.path), f"cannot be opened: {error.strerror}") from error
    with file:
        yield from _Scan(segment, _Window(file.fileno(), segment)).found()


class _Window:
    """A file's bytes by offset, up to the segment's end; keeps the stretch read last."""

    def __init__(self, descriptor: int, segment: SegmentInfo) -> None:
        self._descriptor, self._path, self.end = descriptor, str(segment.path), segment.bytes
        self._start, self._data = 0, b""

    def at(self, offset: int, length: int) -> memoryview:
        """`length` bytes from `offset`, fewer where the segment ends before."""
        self._cover(offset, length)
        begin = offset - self._start
        return memoryview(self._data)[begin : begin + length]

    def find_marker(self, offset: int) -> int | None:
        """The first offset from `offset` on where a record's marker stands."""
        while True:
            self._cover(offset, len(MARKER))
            if (place := self._data.find(MARKER, offset - self._start)) >= 0:
                return self._start + place
            reached = self._start + len(self._data)
            if reached - offset < len(MARKER):
                return None
            offset = reached - len(MARKER) + 1  # a marker may lie across the border

    def _cover(self, offset: int, length: int) -> None:
        """Has the bytes in the window, as far as there are any."""
        if not self._start <= offset <= min(offset + length, self.end) <= self._start + len(self._data):
            self._start, self._data = offset, self._read(offset, min(max(length, WINDOW_BYTES), self.end - offset))

    def _read(self, offset: int, length: int) -> bytes:
        parts: list[bytes] = []
        while length > 0:
            try:
                part = os.pread(self._descriptor, length, offset)
            except OSError as error:
                raise Damaged(self._path, f"cannot be read: {error.strerror}", offset) from error
            if not part:  # the file is shorter than it was
                break
            parts.append(part)
            offset, length = offset + len(part), length - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


class _Scan:
    """One pass over one segment."""

    def __init__(self, segment: SegmentInfo, window: _Window) -> None:
        self._window = window
        self._header = decode_header(window.at(0, SEGMENT_HEADER_BYTES))
        self._decoder = RecordDecoder(segment.id)

    def found(self) -> Iterator[Record | Damage | TornTail]:
        offset = SEGMENT_HEADER_BYTES
        if self._header is None and self._window.end:
            offset = self._next_valid(0)
            yield Damage(0, offset, "the checksum of the segment's header does not match")
        while offset < self._window.end:
            found, next_offset = self._record_at(offset)
            if isinstance(found, Flaw):
                next_offset = self._next_valid(offset + 1)
                torn = next_offset == self._window.end and not found.complete
                yield (TornTail if torn else Damage)(offset, next_offset, found.cause)
            else:
                yield found
            offset = next_offset

    def _record_at(self, offset: int) -> tuple[Record | Flaw, int]:
        """The record that starts at an offset, and where it ends."""
        header = self._decoder.header(self._window.at(offset, RECORD_HEADER_BYTES))
        if isinstance(header, Flaw):
            return header, offset
        offset += RECORD_HEADER_BYTES
        return self._decoder.body(header, self._window.at(offset, header.body_bytes)), offset + header.body_bytes

    def _next_valid(self, offset: int) -> int:
        """Where the next valid record starts, the end of the segment where there is none."""
        while (place := self._window.find_marker(offset)) is not None:
            found, _ = self._record_at(place)
            if not isinstance(found, Flaw):
                return place
            offset = place + 1
        return self._window.end
