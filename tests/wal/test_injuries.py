"""What survives which injury: five records in a segment, one injury each, the survivors counted after a restart."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from pytempo.wal import Record, Wal, WalView
from pytempo.wal.record import MARKER, RecordEncoder
from tests.wal.conftest import LOGGER, files_in, records_of

RECORDS = [
    Record("acme", b"first"),
    Record("acme", b"second " * 200),
    Record("single-tenant", os.urandom(700)),
    Record("öäü", b"fourth " * 300),
    Record("acme", b"fifth " * 100),
]

MARK, LENGTH, KIND, TENANT_LENGTH, HEADER_CRC, BODY_CRC, TENANT = 0, 4, 8, 9, 10, 14, 18
"""Where the fields of a record begin."""


@dataclass(frozen=True)
class Sound:
    """A segment as it was written; record i lies at `data[start[i]:start[i + 1]]`."""

    path: Path
    data: bytes
    start: list[int]

    def record(self, number: int) -> bytes:
        return self.data[self.start[number] : self.start[number + 1]]

    def without(self, begin: int, end: int, instead: bytes = b"") -> bytes:
        return self.data[:begin] + instead + self.data[end:]

    def flipped(self, *places: int) -> bytes:
        data = bytearray(self.data)
        for place in places:
            data[place] ^= 0x40
        return bytes(data)


@pytest.fixture
def sound(open_wal: Callable[..., Wal]) -> Sound:
    wal = open_wal()
    start = [40] + [wal.append_and_sync([record]).offset for record in RECORDS]
    segment = wal.seal()
    assert segment is not None
    wal.close()
    return Sound(segment.path, segment.path.read_bytes(), start)


@dataclass(frozen=True)
class Injury:
    """`survivors` are numbers of records in the order they are read; `damaged` and `torn` count what was reported."""

    name: str
    harm: Callable[[Sound], bytes]
    survivors: list[int]
    damaged: int = 0
    torn: int = 0


def foreign(sound: Sound) -> bytes:
    """A record that is valid in another segment."""
    return RecordEncoder(UUID(int=5)).encode([Record("acme", b"from elsewhere")])


def length_of(sound: Sound, number: int, length: int) -> bytes:
    place = sound.start[number] + LENGTH
    return sound.without(place, place + 4, length.to_bytes(4, "little"))


ALL = [0, 1, 2, 3, 4]
INJURIES = [
    Injury("none", lambda s: s.data, ALL),
    # tails
    Injury("the last byte is missing", lambda s: s.data[:-1], [0, 1, 2, 3], torn=1),
    Injury("only the marker of the last record is left", lambda s: s.data[: s.start[4] + 4], [0, 1, 2, 3], torn=1),
    Injury("cut between two records", lambda s: s.data[: s.start[3]], [0, 1, 2]),
    Injury("cut within the first record", lambda s: s.data[: s.start[0] + 9], [], torn=1),
    Injury("zeros at the end", lambda s: s.data + bytes(5000), ALL, torn=1),
    Injury("garbage at the end", lambda s: s.data + b"\xa5garbage" * 99, ALL, torn=1),
    Injury("markers at the end", lambda s: s.data + MARKER * 99, ALL, torn=1),
    Injury("the last record is zeros", lambda s: s.data[: s.start[4]] + bytes(len(s.record(4))), [0, 1, 2, 3], torn=1),
    Injury("all records are zeros", lambda s: s.data[:40] + bytes(len(s.data) - 40), [], torn=1),
    Injury("half a record of a refused group at the end", lambda s: s.data + s.record(2)[:100], ALL, torn=1),
    # one byte of a record in the middle
    Injury("marker", lambda s: s.flipped(s.start[2] + MARK), [0, 1, 3, 4], damaged=1),
    Injury("length", lambda s: s.flipped(s.start[2] + LENGTH), [0, 1, 3, 4], damaged=1),
    Injury("highest byte of the length", lambda s: s.flipped(s.start[2] + LENGTH + 3), [0, 1, 3, 4], damaged=1),
    Injury("kind", lambda s: s.flipped(s.start[2] + KIND), [0, 1, 3, 4], damaged=1),
    Injury("tenant length", lambda s: s.flipped(s.start[2] + TENANT_LENGTH), [0, 1, 3, 4], damaged=1),
    Injury("checksum of the header", lambda s: s.flipped(s.start[2] + HEADER_CRC), [0, 1, 3, 4], damaged=1),
    Injury("checksum of the body", lambda s: s.flipped(s.start[2] + BODY_CRC), [0, 1, 3, 4], damaged=1),
    Injury("tenant", lambda s: s.flipped(s.start[2] + TENANT), [0, 1, 3, 4], damaged=1),
    Injury("payload", lambda s: s.flipped(s.start[2] + 100), [0, 1, 3, 4], damaged=1),
    Injury("payload of a zstd frame", lambda s: s.flipped(s.start[1] + 30), [0, 2, 3, 4], damaged=1),
    # the last record: its header decides whether it can be told from a torn tail
    Injury("header of the last record", lambda s: s.flipped(s.start[4] + LENGTH), [0, 1, 2, 3], torn=1),
    Injury("payload of the last record", lambda s: s.flipped(s.start[5] - 1), [0, 1, 2, 3], damaged=1),
    Injury("payload of the last record, torn tail behind", lambda s: s.flipped(s.start[5] - 1) + b"\xf5WR", [0, 1, 2, 3], damaged=1),
    # lengths
    Injury("length of 4 GiB", lambda s: length_of(s, 1, 2**32 - 1), [0, 2, 3, 4], damaged=1),
    Injury("length of zero", lambda s: length_of(s, 1, 0), [0, 2, 3, 4], damaged=1),
    Injury("length that ends at the record after next", lambda s: length_of(s, 1, s.start[3] - s.start[1] - 22), [0, 2, 3, 4], damaged=1),
    # larger regions
    Injury("first record", lambda s: s.flipped(s.start[0] + TENANT), [1, 2, 3, 4], damaged=1),
    Injury("two records apart", lambda s: s.flipped(s.start[1] + 20, s.start[3] + 20), [0, 2, 4], damaged=2),
    Injury("two neighbours", lambda s: s.flipped(s.start[1] + 20, s.start[2] + 20), [0, 3, 4], damaged=1),
    Injury("zeros over a border", lambda s: s.without(s.start[2] - 5, s.start[2] + 5, bytes(10)), [0, 3, 4], damaged=1),
    Injury("zeros over a record", lambda s: s.without(s.start[1], s.start[2], bytes(len(s.record(1)))), [0, 2, 3, 4], damaged=1),
    Injury("garbage between records", lambda s: s.without(s.start[2], s.start[2], b"\xa5garbage" * 99), ALL, damaged=1),
    Injury("markers between records", lambda s: s.without(s.start[2], s.start[2], MARKER * 99), ALL, damaged=1),
    Injury("garbage within a record", lambda s: s.without(s.start[2] + 40, s.start[2] + 40, b"garbage"), [0, 1, 3, 4], damaged=1),
    Injury("bytes missing within a record", lambda s: s.without(s.start[2] + 40, s.start[2] + 90), [0, 1, 3, 4], damaged=1),
    Injury("a record missing", lambda s: s.without(s.start[1], s.start[2]), [0, 2, 3, 4]),
    Injury("a record doubled", lambda s: s.without(s.start[2], s.start[2], s.record(1)), [0, 1, 1, 2, 3, 4]),
    Injury("records swapped", lambda s: s.without(s.start[1], s.start[3], s.record(2) + s.record(1)), [0, 2, 1, 3, 4]),
    Injury("a record of another segment", lambda s: s.without(s.start[2], s.start[2], foreign(s)), ALL, damaged=1),
    # the segment's header
    Injury("magic", lambda s: s.flipped(0), ALL, damaged=1),
    Injury("version", lambda s: s.flipped(8), ALL, damaged=1),
    Injury("uuid", lambda s: s.flipped(12), ALL, damaged=1),
    Injury("creation time", lambda s: s.flipped(30), ALL, damaged=1),
    Injury("header checksum", lambda s: s.flipped(39), ALL, damaged=1),
    Injury("segment header and first record", lambda s: s.flipped(0, 60), [1, 2, 3, 4], damaged=1),
    Injury("zeros over the first 50 bytes", lambda s: bytes(50) + s.data[50:], [1, 2, 3, 4], damaged=1),
    Injury("nothing but garbage", lambda s: b"garbage" * 99, [], damaged=1),
]


@pytest.mark.parametrize("injury", INJURIES, ids=lambda injury: injury.name)
def test_everything_unharmed_survives(injury: Injury, sound: Sound, open_wal: Callable[..., Wal]) -> None:
    sound.path.write_bytes(injury.harm(sound))
    wal = open_wal()
    assert records_of(wal) == [RECORDS[number] for number in injury.survivors]
    assert (wal.stats.damaged_regions, wal.stats.torn_tails) == (injury.damaged, injury.torn)


@pytest.mark.parametrize("injury", INJURIES, ids=lambda injury: injury.name)
def test_looking_finds_the_same_and_changes_nothing(injury: Injury, sound: Sound) -> None:
    sound.path.write_bytes(injury.harm(sound))
    before = files_in(sound.path.parent)
    view = WalView(sound.path.parent, logger=LOGGER)
    found = [record for segment in view.segments() for record in view.read(segment)]
    assert found == [RECORDS[number] for number in injury.survivors]
    assert files_in(sound.path.parent) == before


@pytest.mark.parametrize("injury", [each for each in INJURIES if each.damaged], ids=lambda injury: injury.name)
def test_damaged_bytes_are_copied_once_and_named_in_the_log(
    injury: Injury, sound: Sound, open_wal: Callable[..., Wal], caplog: pytest.LogCaptureFixture
) -> None:
    sound.path.write_bytes(injury.harm(sound))
    folder = sound.path.parent
    wal = open_wal()
    records_of(wal)
    copies = {path.name: path.read_bytes() for path in (folder / "damaged").iterdir()}
    assert len(copies) == injury.damaged
    assert wal.stats.damaged_bytes == sum(map(len, copies.values()))
    for name, content in copies.items():
        segment, _, offset = name.rpartition(".")
        assert segment == sound.path.name
        assert injury.harm(sound)[int(offset) :].startswith(content)
        assert f"{sound.path}: damage at byte {offset}" in caplog.text
    before = files_in(folder)
    records_of(wal)
    assert (wal.stats.damaged_regions, caplog.text.count("damage at byte")) == (injury.damaged, injury.damaged)
    records_of(open_wal())
    assert files_in(folder) == before


@pytest.mark.parametrize("injury", [each for each in INJURIES if each.torn], ids=lambda injury: injury.name)
def test_a_torn_tail_is_a_note_and_leaves_the_file_as_it_is(
    injury: Injury, sound: Sound, open_wal: Callable[..., Wal], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sound.path.write_bytes(injury.harm(sound))
    before = files_in(sound.path.parent)
    records_of(open_wal())
    assert files_in(sound.path.parent) == before
    assert max(record.levelno for record in caplog.records) == logging.INFO
    assert f"{sound.path} ends in a write that was never finished" in caplog.text


def test_a_tail_torn_at_any_byte_of_the_last_record_costs_that_record_only(sound: Sound, open_wal: Callable[..., Wal]) -> None:
    for length in range(sound.start[4] + 1, sound.start[5]):
        sound.path.write_bytes(sound.data[:length])
        wal = open_wal()
        assert records_of(wal) == RECORDS[:4], length
        assert (wal.stats.damaged_regions, wal.stats.torn_tails) == (0, 1), length


def test_a_byte_flipped_anywhere_costs_the_record_around_it_only(sound: Sound, open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    (segment,) = wal.segments()
    for place in range(len(sound.data)):
        sound.path.write_bytes(sound.flipped(place))
        expected = [record for number, record in enumerate(RECORDS) if not sound.start[number] <= place < sound.start[number + 1]]
        assert list(wal.read(segment)) == expected, place


def test_writing_goes_on_behind_an_injured_segment_and_the_next_start_is_clean(sound: Sound, open_wal: Callable[..., Wal]) -> None:
    sound.path.write_bytes(sound.data[:-7])
    wal = open_wal()
    wal.append_and_sync([Record("acme", b"new")])
    wal.close()
    again = open_wal()
    assert records_of(again) == [*RECORDS[:4], Record("acme", b"new")]
    for segment in again.segments():
        again.delete(segment)
    last = open_wal()
    assert records_of(last) == []
    assert last.stats.torn_tails == 0
