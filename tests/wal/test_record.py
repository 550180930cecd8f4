"""The bytes of a record: what is compressed, what is refused, and how each field is judged."""

from __future__ import annotations

import os
import struct
from uuid import UUID
from zlib import crc32

import pytest
import zstandard

from pytempo.errors import BadRequest
from pytempo.wal import MAXIMUM_PAYLOAD_BYTES, Record
from pytempo.wal.record import MARKER, RECORD_HEADER_BYTES, SMALLEST_FRAME_BYTES, Flaw, Kind, RecordDecoder, RecordEncoder, RecordHeader

ID = UUID("00112233-4455-6677-8899-aabbccddeeff")


def encode(tenant: str, payload: bytes) -> bytes:
    return RecordEncoder(ID).encode([Record(tenant, payload)])


def decode(data: bytes, segment_id: UUID = ID) -> Record | Flaw:
    decoder = RecordDecoder(segment_id)
    header = decoder.header(data[:RECORD_HEADER_BYTES])
    return header if isinstance(header, Flaw) else decoder.body(header, data[RECORD_HEADER_BYTES:])


def kind_of(data: bytes) -> int:
    header = RecordDecoder(ID).header(data)
    assert isinstance(header, RecordHeader)
    return header.kind


def forged(kind: int, tenant: bytes, stored: bytes) -> bytes:
    """A record whose checksums hold, whatever it says."""
    fields = struct.pack("<4sIBB", MARKER, len(stored), kind, len(tenant))
    header_checksum = crc32(fields, crc32(ID.bytes))
    return fields + struct.pack("<II", header_checksum, crc32(tenant + stored, header_checksum)) + tenant + stored


@pytest.mark.parametrize("tenant", ["", "single-tenant", "ä" * 75, "a/b\x00c"])
@pytest.mark.parametrize("payload", [b"", b"x", b"span " * 1000, os.urandom(3000), MARKER * 300])
def test_what_was_encoded_is_decoded(tenant: str, payload: bytes) -> None:
    assert decode(encode(tenant, payload)) == Record(tenant, payload)


def test_a_payload_is_compressed_when_that_makes_it_smaller() -> None:
    assert kind_of(encode("t", b"span " * 1000)) == Kind.ZSTD
    assert len(encode("t", b"span " * 1000)) < 200


def test_a_payload_that_does_not_get_smaller_stays_plain() -> None:
    noise = os.urandom(5000)
    assert kind_of(encode("t", noise)) == Kind.PLAIN
    assert len(encode("t", noise)) == RECORD_HEADER_BYTES + 1 + 5000


def test_a_small_payload_stays_plain() -> None:
    assert kind_of(encode("t", b"a" * (SMALLEST_FRAME_BYTES - 1))) == Kind.PLAIN
    assert kind_of(encode("t", b"a" * SMALLEST_FRAME_BYTES)) == Kind.ZSTD


@pytest.mark.parametrize(
    ("tenant", "payload", "words"),
    [
        ("t" * 151, b"", "has 151 bytes, 150 are allowed"),
        ("ä" * 76, b"", "has 152 bytes, 150 are allowed"),
        ("\ud800", b"", "not text that UTF-8 can hold"),
        ("acme", bytes(MAXIMUM_PAYLOAD_BYTES + 1), "67108865 bytes of tenant 'acme'"),
    ],
    ids=["long tenant", "long tenant of few letters", "lone surrogate", "large payload"],
)
def test_what_no_record_can_hold_is_refused_with_its_size(tenant: str, payload: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        encode(tenant, payload)


def test_a_record_is_valid_in_its_own_segment_only() -> None:
    assert isinstance(decode(encode("t", b"x"), segment_id=UUID(int=7)), Flaw)


def test_no_flipped_byte_goes_unseen() -> None:
    data = encode("tenant", b"span " * 200)
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 0x20
        assert isinstance(decode(bytes(flipped)), Flaw), place


@pytest.mark.parametrize("length", range(RECORD_HEADER_BYTES + 7))
def test_a_record_that_is_cut_off_is_not_complete(length: int) -> None:
    found = decode(encode("t", b"payload")[:length])
    assert isinstance(found, Flaw)
    assert not found.complete


BOMB = zstandard.ZstdCompressor().compress(bytes(MAXIMUM_PAYLOAD_BYTES + 1))
NO_SIZE = zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 1000)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (forged(2, b"t", b"x"), "unknown kind 2"),
        (forged(Kind.PLAIN, b"\xff", b"x"), "utf-8"),
        (forged(Kind.ZSTD, b"t", b"no frame"), "does not hold what its header says"),
        (forged(Kind.ZSTD, b"t", zstandard.compress(b"x" * 1000) + b"more"), "does not hold what its header says"),
        (forged(Kind.ZSTD, b"t", NO_SIZE), "a frame of -1 bytes"),
        (forged(Kind.ZSTD, b"t", BOMB), "a frame of 67108865 bytes, 67108864 are allowed"),
    ],
    ids=["kind", "tenant", "no frame", "bytes behind the frame", "frame without size", "frame too large"],
)
def test_a_record_that_no_writer_wrote_is_a_flaw_though_its_checksums_hold(data: bytes, cause: str) -> None:
    found = decode(data)
    assert isinstance(found, Flaw)
    assert found.complete
    assert cause in found.cause


def test_a_length_beyond_the_limit_is_a_flaw_of_the_header() -> None:
    fields = struct.pack("<4sIBB", MARKER, MAXIMUM_PAYLOAD_BYTES + 1, 0, 1)
    found = RecordDecoder(ID).header(fields + struct.pack("<II", crc32(fields, crc32(ID.bytes)), 0))
    assert isinstance(found, Flaw)
    assert "announces 67108865 bytes" in found.cause
