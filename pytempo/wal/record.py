"""The bytes of one record: how it is written and what makes it valid. Knows neither files nor what a payload means.

    0        4              8      9              10             14           18
    ┌────────┬──────────────┬──────┬──────────────┬──────────────┬────────────┬────────┬────────────────┐
    │ marker │ stored bytes │ kind │ tenant bytes │ header crc32 │ body crc32 │ tenant │ stored payload │
    │ 4      │ u32          │ u8   │ u8           │ u32          │ u32        │ utf-8  │                │
    └────────┴──────────────┴──────┴──────────────┴──────────────┴────────────┴────────┴────────────────┘

Integers are little-endian. Both checksums start from the segment's uuid, so a record of another segment (old blocks of a reused disk, a
payload that holds a log) is never taken for one of this segment. The header has a checksum of its own, so no length is acted upon that was
not written. The page `docs/format/wal.md` says the same at length.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID
from zlib import crc32

import zstandard

from pytempo.errors import BadRequest

MARKER = b"\xf5WR\xfa"
"""Opens each record. F5 and FA occur in no UTF-8 text, so text inside payloads seldom looks like a record."""

MAXIMUM_TENANT_BYTES = 150
"""Tempo's limit for a tenant; the field could hold 255."""

MAXIMUM_PAYLOAD_BYTES = 64 << 20
"""Part of the format: a reader holds one record in memory, stored and unpacked. A limit on requests must lie below it."""

SMALLEST_FRAME_BYTES = 512
"""Smaller payloads stay plain: compressing a request of one span (280 bytes) takes 6 microseconds and saves 5 bytes."""

COMPRESSION_LEVEL = 1
"""0.5 microseconds a span for a third of the bytes; level 3 takes up to twice as long for 3 % fewer bytes."""

_FIELDS = struct.Struct("<4sIBB")
_CHECKSUM = struct.Struct("<I")

RECORD_HEADER_BYTES = _FIELDS.size + 2 * _CHECKSUM.size


class Record(NamedTuple):
    """What is appended and what comes back: a tenant (at most 150 bytes of UTF-8) and opaque bytes (at most 64 MiB)."""

    tenant: str
    payload: bytes


class Kind(IntEnum):
    """How the payload is stored."""

    PLAIN = 0
    ZSTD = 1  # one frame that states its content size


class RecordHeader(NamedTuple):
    """The fields of a record header whose checksum holds."""

    stored_bytes: int
    kind: int
    tenant_bytes: int
    header_checksum: int
    body_checksum: int

    @property
    def body_bytes(self) -> int:
        """Bytes of tenant and stored payload together."""
        return self.tenant_bytes + self.stored_bytes


class Flaw(NamedTuple):
    """Why bytes are no valid record, in words for a log line.

    `complete` says that a sound header announced the record and that all its bytes are there: it was not cut off, it was changed.
    """

    cause: str
    complete: bool = False


def checksum_seed(segment_id: UUID) -> int:
    """Where the checksums of a segment's records start from."""
    return crc32(segment_id.bytes)


class RecordEncoder:
    """Makes the bytes of records for one segment. One thread at a time."""

    def __init__(self, segment_id: UUID) -> None:
        self._seed = checksum_seed(segment_id)
        self._compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=False, write_content_size=True)

    def encode(self, records: Sequence[Record]) -> bytes:
        """All records as one run of bytes.

        Raises `BadRequest` for a tenant or a payload that no record can hold; then nothing is encoded.
        """
        parts: list[bytes] = []
        for record in records:
            tenant = _checked_tenant(record)
            kind, stored = self._store(record.payload)
            fields = _FIELDS.pack(MARKER, len(stored), kind, len(tenant))
            header_checksum = crc32(fields, self._seed)
            body_checksum = crc32(stored, crc32(tenant, header_checksum))
            parts += (fields, _CHECKSUM.pack(header_checksum), _CHECKSUM.pack(body_checksum), tenant, stored)
        return b"".join(parts)

    def _store(self, payload: bytes) -> tuple[Kind, bytes]:
        if len(payload) >= SMALLEST_FRAME_BYTES:
            frame = self._compressor.compress(payload)
            if len(frame) < len(payload):
                return Kind.ZSTD, frame
        return Kind.PLAIN, payload


def _checked_tenant(record: Record) -> bytes:
    try:
        tenant = record.tenant.encode()
    except UnicodeEncodeError as error:
        raise BadRequest(f"tenant {record.tenant!r} is not text that UTF-8 can hold: {error.reason}") from error
    if len(tenant) > MAXIMUM_TENANT_BYTES:
        raise BadRequest(f"tenant {record.tenant!r} has {len(tenant)} bytes, {MAXIMUM_TENANT_BYTES} are allowed")
    if len(record.payload) > MAXIMUM_PAYLOAD_BYTES:
        size, limit = len(record.payload), MAXIMUM_PAYLOAD_BYTES
        raise BadRequest(f"a request of {size} bytes of tenant {record.tenant!r} is more than the log holds in one record ({limit} bytes)")
    return tenant


class RecordDecoder:
    """Judges and reads the bytes of one segment's records. One thread at a time."""

    def __init__(self, segment_id: UUID) -> None:
        self._seed = checksum_seed(segment_id)
        self._decompressor = zstandard.ZstdDecompressor()

    def header(self, data: bytes | memoryview) -> RecordHeader | Flaw:
        """The record header that `data` begins with; fewer than `RECORD_HEADER_BYTES` bytes mean that the file ends there."""
        if data[: len(MARKER)] != MARKER:
            return Flaw("no record starts here")
        if len(data) < RECORD_HEADER_BYTES:
            return Flaw("the header of the record is cut off")
        _, stored_bytes, kind, tenant_bytes = _FIELDS.unpack_from(data)
        (header_checksum,) = _CHECKSUM.unpack_from(data, _FIELDS.size)
        (body_checksum,) = _CHECKSUM.unpack_from(data, _FIELDS.size + _CHECKSUM.size)
        if crc32(data[: _FIELDS.size], self._seed) != header_checksum:
            return Flaw("the checksum of the record's header does not match")
        if stored_bytes > MAXIMUM_PAYLOAD_BYTES:
            return Flaw(f"the record's header announces {stored_bytes} bytes, {MAXIMUM_PAYLOAD_BYTES} are allowed")
        return RecordHeader(stored_bytes, kind, tenant_bytes, header_checksum, body_checksum)

    def body(self, header: RecordHeader, data: bytes | memoryview) -> Record | Flaw:
        """The record whose tenant and stored payload are `data`; fewer than `header.body_bytes` bytes mean that the file ends there."""
        if len(data) < header.body_bytes:
            return Flaw(f"the record is cut off after {len(data)} of {header.body_bytes} bytes")
        if crc32(data, header.header_checksum) != header.body_checksum:
            return Flaw("the checksum of the record's tenant and payload does not match", complete=True)
        try:
            tenant = str(data[: header.tenant_bytes], "utf-8")
            payload = self._unpack(header.kind, data[header.tenant_bytes :])
        except (ValueError, zstandard.ZstdError) as error:  # checksums hold, yet no writer of this format wrote it
            return Flaw(f"the record does not hold what its header says: {error}", complete=True)
        return Record(tenant, payload)

    def _unpack(self, kind: int, stored: bytes | memoryview) -> bytes:
        if kind == Kind.PLAIN:
            return bytes(stored)
        if kind != Kind.ZSTD:
            raise ValueError(f"unknown kind {kind}")
        size = zstandard.frame_content_size(stored)
        if not 0 <= size <= MAXIMUM_PAYLOAD_BYTES:
            raise ValueError(f"a frame of {size} bytes, {MAXIMUM_PAYLOAD_BYTES} are allowed")
        return self._decompressor.decompress(stored, allow_extra_data=False)
