"""The readers of bytes from outside: the log, OTLP protobuf and OTLP/JSON. Whatever the bytes, they are read or refused, not invented.

`PYTEMPO_FUZZ=5000` tries so many inputs in each test.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from google.protobuf import json_format
from hypothesis import example, given, settings

from pytempo.block import BlockMeta, BloomShard, RowIndex
from pytempo.block.checksums import Checksums, HashingFile
from pytempo.block.versions import UnsupportedFormat
from pytempo.errors import BadRequest, Damaged
from pytempo.otlp import decode, request_from_json
from pytempo.wal import Record, SegmentInfo, read_segment
from pytempo.wal.record import RecordEncoder
from pytempo.wal.segment import encode_header
from tests.block.test_meta import META
from tests.building import event, link, request, span
from tests.fuzz.mutations import INPUTS, mutated
from tests.otlp.test_json import hexed

ID = UUID("00112233-4455-6677-8899-aabbccddeeff")
RECORDS = [Record("acme", b"short"), Record("acme", b"compresses " * 90), Record("", b""), Record("x" * 150, bytes(range(256)) * 4)]
ENCODER = RecordEncoder(ID)
SEGMENTS = [encode_header(ID, 5) + ENCODER.encode(records) for records in (RECORDS, RECORDS[:1], RECORDS[::-1])]

VALUES = {"text": "a", "n": -7, "d": 1.5, "ok": True, "list": [1, 2], "map": {"a": [1, "b"]}, "none": None, "raw": b"\x00\xff"}
REQUESTS = [
    request(span("plain")),
    request(span("full", attributes=VALUES, events=[event("e", attributes=VALUES)], links=[link(attributes=VALUES)]), resource=VALUES),
    request(*(span(str(number), trace=7, parent=number) for number in range(5)), scope="scope", scope_attributes=VALUES),
]
PROTOBUF = [each.SerializeToString() for each in REQUESTS]
DOCUMENTS = [json.dumps(hexed(json_format.MessageToDict(each))).encode() for each in REQUESTS]

SUMS = HashingFile()
SUMS.write(bytes(40_000))
SHARD = b"".join(number.to_bytes(8) for number in (64, 7, 64, 0))
SMALL_FILES = [SUMS.checksums().to_bytes(), RowIndex((bytes(16), b"\xff" * 16)).to_bytes(), SHARD]


@settings(max_examples=INPUTS)
@given(mutated(SEGMENTS))
def test_no_record_of_a_log_is_invented(data: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        found = list(read_segment(SegmentInfo(ID, 1, Path(file.name), len(data), None, 0)))
    assert all(each in RECORDS for each in found if isinstance(each, Record))


@settings(max_examples=INPUTS)
@given(mutated(PROTOBUF))
@example(b"\x0a" + 9 * b"\xff" + b"\x01")
def test_a_request_in_protobuf_is_read_or_refused(data: bytes) -> None:
    try:
        decoded = decode([data])
    except BadRequest:
        return
    assert (decoded.spans >= 0).all()


@settings(max_examples=INPUTS)
@given(mutated(DOCUMENTS))
@example(b"[" * 100_000)
@example(b'{"resourceSpans":' * 3000)
@example(b'{"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":{"intValue":"' + b"9" * 5000 + b'"}}]}}]}')
def test_a_request_in_json_is_read_or_refused(data: bytes) -> None:
    try:
        payload = request_from_json(data)
    except BadRequest:
        return
    decode([payload])


@settings(max_examples=INPUTS)
@given(mutated([META.to_bytes()]))
def test_metadata_is_read_as_it_was_or_is_damage(data: bytes) -> None:
    try:
        meta = BlockMeta.from_bytes(data, "meta.json")
    except (Damaged, UnsupportedFormat):
        return
    assert meta == META or not meta.exact or b'"checksum"' not in data


@settings(max_examples=INPUTS)
@given(mutated(SMALL_FILES))
def test_small_files_of_a_block_are_read_or_are_damage(data: bytes) -> None:
    for read in (Checksums.from_bytes, RowIndex.from_bytes, BloomShard.from_bytes):
        with suppress(Damaged):
            read(data, "file")
