"""The header of a segment, and what a folder of segments holds beside strangers."""

from __future__ import annotations

import logging
import re
import struct
from collections.abc import Callable
from pathlib import Path
from uuid import UUID
from zlib import crc32

import pytest

from pytempo.errors import BadConfig
from pytempo.wal import Record, Wal, WalView
from pytempo.wal.names import parse_segment_name, segment_name
from pytempo.wal.record import RecordEncoder
from pytempo.wal.segment import MAGIC, SegmentHeader, decode_header, encode_header
from tests.wal.conftest import CREATED, LOGGER, files_in, records_of

ID = UUID("00112233-4455-6677-8899-aabbccddeeff")


def header_of_version(version: int) -> bytes:
    fields = MAGIC + struct.pack("<I16sQ", version, ID.bytes, CREATED)
    return fields + struct.pack("<I", crc32(fields))


def write_segment(folder: Path, sequence: int, payload: bytes = b"x", segment_id: UUID = ID) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / segment_name(sequence, segment_id)
    path.write_bytes(encode_header(segment_id, CREATED) + RecordEncoder(segment_id).encode([Record("t", payload)]))
    return path


def test_the_page_about_the_format_shows_the_bytes_as_they_are(project_root: Path) -> None:
    page = (project_root / "docs" / "format" / "wal.md").read_text()
    shown = bytes.fromhex(" ".join(re.findall(r"^[0-9a-f]{8}  ([0-9a-f ]+)$", page, re.MULTILINE)))
    assert encode_header(ID, CREATED) + RecordEncoder(ID).encode([Record("acme", b"hello")]) == shown


def test_a_header_is_read_as_it_was_written() -> None:
    assert decode_header(encode_header(ID, CREATED)) == SegmentHeader(1, ID, CREATED)


def test_no_flipped_byte_and_no_cut_of_a_header_goes_unseen() -> None:
    data = encode_header(ID, CREATED)
    for place in range(len(data)):
        assert decode_header(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]) is None, place
        assert decode_header(data[:place]) is None, place


@pytest.mark.parametrize("sequence", [0, 7, 10**16])
def test_a_name_holds_sequence_and_uuid(sequence: int) -> None:
    assert parse_segment_name(segment_name(sequence, ID)) == (sequence, ID)


@pytest.mark.parametrize(
    "name", ["", "lost+found", "0000000000000001.wal", f"1-{ID.hex}.wal", f"{1:016d}-{ID}.wal", f"{1:016d}-{ID.hex}.wal.tmp"]
)
def test_another_name_is_no_segment(name: str) -> None:
    assert parse_segment_name(name) is None


def test_a_newer_version_is_refused_by_number_and_nothing_is_touched(folder: Path, open_wal: Callable[..., Wal]) -> None:
    write_segment(folder, 1)
    (folder / segment_name(2, UUID(int=2))).write_bytes(b"")
    newer = folder / segment_name(3, ID)
    newer.write_bytes(header_of_version(2) + b"who knows")
    before = files_in(folder)
    with pytest.raises(BadConfig, match=rf"{newer.name} has format version 2, this pytempo reads up to version 1"):
        open_wal()
    with pytest.raises(BadConfig, match="format version 2"):
        WalView(folder, logger=LOGGER).segments()
    assert files_in(folder) == before


def test_a_flipped_version_is_damage_and_not_a_newer_version(folder: Path, open_wal: Callable[..., Wal]) -> None:
    path = write_segment(folder, 1)
    data = bytearray(path.read_bytes())
    data[8] = 2
    path.write_bytes(data)
    assert records_of(open_wal()) == [("t", b"x")]


def test_segments_come_in_the_order_of_their_numbers(folder: Path, open_wal: Callable[..., Wal]) -> None:
    for sequence in (10**16, 3, 20):
        write_segment(folder, sequence, str(sequence).encode(), UUID(int=sequence))
    wal = open_wal()
    assert [segment.sequence for segment in wal.segments()] == [3, 20, 10**16]
    assert records_of(wal) == [("t", b"3"), ("t", b"20"), ("t", b"10000000000000000")]


def test_a_segment_that_was_renamed_keeps_its_uuid(folder: Path, open_wal: Callable[..., Wal], caplog: pytest.LogCaptureFixture) -> None:
    path = write_segment(folder, 1)
    path.rename(folder / segment_name(5, UUID(int=9)))
    wal = open_wal()
    assert [(segment.sequence, segment.id) for segment in wal.segments()] == [(5, ID)]
    assert records_of(wal) == [("t", b"x")]
    assert "was renamed" in caplog.text


def test_strangers_are_left_alone(folder: Path, open_wal: Callable[..., Wal], caplog: pytest.LogCaptureFixture) -> None:
    write_segment(folder, 1)
    (folder / "lost+found").mkdir(mode=0)
    (folder / ".DS_Store").write_bytes(b"\0")
    (folder / "notes.txt").write_text("mine")
    (folder / segment_name(2, ID)).mkdir()
    before = files_in(folder)
    assert records_of(open_wal()) == [("t", b"x")]
    assert files_in(folder) == before
    assert (folder / "lost+found").stat().st_mode & 0o777 == 0
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        f"WAL folder: {folder / segment_name(2, ID)} is not the name of a segment; it is left alone and not read"
    ]


def test_a_file_that_only_ends_like_a_segment_is_named_in_a_warning(
    folder: Path, open_wal: Callable[..., Wal], caplog: pytest.LogCaptureFixture
) -> None:
    folder.mkdir()
    (folder / "00000042.wal").touch()
    open_wal()
    assert (folder / "00000042.wal").exists()
    assert [record.getMessage() for record in caplog.records if "00000042.wal" in record.getMessage()] != []


@pytest.mark.parametrize(
    "content", [b"", MAGIC, encode_header(ID, CREATED)[:-1], bytes(40)], ids=["empty", "magic", "one byte short", "zeros"]
)
def test_a_segment_without_a_whole_header_is_set_aside_with_one_warning(
    content: bytes, folder: Path, open_wal: Callable[..., Wal], caplog: pytest.LogCaptureFixture
) -> None:
    write_segment(folder, 1)
    unfinished = folder / segment_name(2, UUID(int=2))
    unfinished.write_bytes(content)
    wal = open_wal()
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert unfinished.name in warnings[0]
    assert (folder / "damaged" / unfinished.name).read_bytes() == content
    assert not unfinished.exists()
    assert records_of(wal) == [("t", b"x")]
    assert wal.append_and_sync([Record("t", b"new")]).offset > 40
    wal.close()
    caplog.clear()
    assert records_of(open_wal()) == [("t", b"x"), ("t", b"new")]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_segment_without_a_record_is_removed_at_start(folder: Path, open_wal: Callable[..., Wal]) -> None:
    folder.mkdir()
    (folder / segment_name(4, ID)).write_bytes(encode_header(ID, CREATED))
    wal = open_wal()
    assert wal.segments() == []
    assert list(folder.iterdir()) == []
    wal.append_and_sync([Record("t", b"x")])
    assert wal.active is not None
    assert wal.active.sequence == 5


def test_a_folder_that_cannot_be_made_is_refused_with_path_and_uid(tmp_path: Path, open_wal: Callable[..., Wal]) -> None:
    (tmp_path / "wal").write_text("a file")
    with pytest.raises(BadConfig, match=r"wal cannot be made by uid \d+: File exists"):
        open_wal()
    with pytest.raises(BadConfig, match="missing/wal"):
        open_wal(tmp_path / "missing" / "wal")
