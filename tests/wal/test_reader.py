"""The reader's window: records that cross it, records larger than it, and what it costs to find the way again."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path
from uuid import UUID

import pytest

from pytempo.errors import Damaged, NotFound
from pytempo.wal import Record, SegmentInfo
from pytempo.wal.reader import WINDOW_BYTES, Damage, TornTail, read_segment
from pytempo.wal.record import MARKER, RECORD_HEADER_BYTES, RecordEncoder
from pytempo.wal.segment import encode_header

ID = UUID("00112233-4455-6677-8899-aabbccddeeff")
NOISE = os.urandom(1 << 20)


def segment_of(path: Path, data: bytes) -> SegmentInfo:
    path.write_bytes(encode_header(ID, 0) + data)
    return SegmentInfo(ID, 1, path, 40 + len(data), None, 0)


def encode(*records: Record) -> bytes:
    return RecordEncoder(ID).encode(records)


@pytest.mark.parametrize("shift", range(-30, 30, 3))
def test_records_across_the_border_of_a_window_are_read(shift: int, tmp_path: Path) -> None:
    first = Record("t", NOISE[: WINDOW_BYTES - 40 - RECORD_HEADER_BYTES - 1 - shift - 10])
    rest = [Record("t", b"%d" % number) for number in range(50)]
    assert list(read_segment(segment_of(tmp_path / "segment", encode(first, *rest)))) == [first, *rest]


@pytest.mark.parametrize("shift", range(-6, 6))
def test_a_record_is_found_behind_damage_that_ends_at_the_border_of_a_window(shift: int, tmp_path: Path) -> None:
    damage = bytes(WINDOW_BYTES + shift)
    found = list(read_segment(segment_of(tmp_path / "segment", damage + encode(Record("t", b"x")))))
    assert found == [Damage(40, 40 + len(damage), "no record starts here"), Record("t", b"x")]


def test_a_record_larger_than_the_window_is_read(tmp_path: Path) -> None:
    large = Record("t", NOISE * 3)
    assert list(read_segment(segment_of(tmp_path / "segment", encode(large, Record("t", b"x"))))) == [large, Record("t", b"x")]


def test_memory_is_bounded_by_a_record_and_not_by_the_segment(tmp_path: Path) -> None:
    record = Record("t", NOISE[:50_000])
    segment = segment_of(tmp_path / "segment", encode(*[record] * 400))
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_segment(segment)) == 400
        assert tracemalloc.get_traced_memory()[1] < 4 * WINDOW_BYTES < segment.bytes / 4
    finally:
        tracemalloc.stop()


def test_finding_the_way_through_markers_takes_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    markers = MARKER * (WINDOW_BYTES // 8)
    asked: list[int] = []
    pread = os.pread

    def counted(descriptor: int, length: int, offset: int) -> bytes:
        asked.append(length)
        return pread(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", counted)
    segment = segment_of(tmp_path / "segment", encode(Record("t", b"a")) + markers + encode(Record("t", b"b")))
    assert len(list(read_segment(segment))) == 3
    assert sum(asked) <= 3 * segment.bytes


def test_what_lies_behind_the_end_of_a_segment_is_not_read(tmp_path: Path) -> None:
    first, second = encode(Record("t", b"a")), encode(Record("t", b"b"))
    whole = segment_of(tmp_path / "segment", first + second)
    assert list(read_segment(SegmentInfo(ID, 1, whole.path, 40 + len(first), None, 0))) == [Record("t", b"a")]


def test_a_file_that_is_shorter_than_it_was_ends_in_a_torn_tail(tmp_path: Path) -> None:
    data = encode(Record("t", b"a")) + encode(Record("t", b"b"))
    segment = segment_of(tmp_path / "segment", data)
    os.truncate(segment.path, segment.bytes - 5)
    *found, tail = read_segment(segment)
    assert found == [Record("t", b"a")]
    assert isinstance(tail, TornTail)
    assert "cut off" in tail.cause


def test_a_file_that_is_gone_is_said_to_be_gone(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="is gone"):
        list(read_segment(SegmentInfo(ID, 1, tmp_path / "none", 99, None, 0)))


def test_a_disk_that_gives_no_bytes_stops_the_reading_with_the_place(tmp_path: Path) -> None:
    """A descriptor that answers EIO is hard to come by: the memory of a process is a file that refuses its first byte so."""
    reading = read_segment(SegmentInfo(ID, 1, Path("/proc/self/mem"), 99, None, 0))
    with pytest.raises(Damaged, match="/proc/self/mem at byte 0: cannot be read: Input/output error"):
        next(reading)


def test_a_file_that_may_not_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    reading = read_segment(SegmentInfo(ID, 1, tmp_path / "file" / "segment", 99, None, 0))
    with pytest.raises(Damaged, match="file/segment: cannot be opened: Not a directory"):
        next(reading)


def test_reading_that_stops_early_closes_the_file(tmp_path: Path) -> None:
    reading = read_segment(segment_of(tmp_path / "segment", encode(Record("t", b"a"), Record("t", b"b"))))
    before = set(os.listdir("/proc/self/fd"))
    next(reading)
    reading.close()  # type: ignore[attr-defined]
    assert set(os.listdir("/proc/self/fd")) == before
