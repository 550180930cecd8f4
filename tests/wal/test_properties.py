"""What holds for any records and any single injury, and for bytes that never were a log."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from pytempo.wal import Record, SegmentInfo, Wal
from pytempo.wal.reader import Damage, TornTail, read_segment
from pytempo.wal.record import MARKER, RecordEncoder
from pytempo.wal.segment import SEGMENT_HEADER_BYTES, encode_header
from tests.wal.conftest import LOGGER

ID = UUID("00112233-4455-6677-8899-aabbccddeeff")
HEADER = encode_header(ID, 0)

tenants = st.text(st.characters(exclude_categories=["Cs"]), max_size=37)
payloads = st.one_of(
    st.binary(max_size=60),
    st.builds(bytes.__mul__, st.binary(min_size=1, max_size=9), st.integers(0, 2000)),  # these compress
    st.binary(min_size=512, max_size=1500),  # these seldom do
    st.lists(st.sampled_from([MARKER, HEADER, b"\0"]), max_size=200).map(b"".join),
)
records = st.builds(Record, tenants, payloads)


def read(data: bytes) -> tuple[list[Record], list[Damage | TornTail]]:
    """What is read of a segment with these bytes, and what is reported of the rest."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        found = list(read_segment(SegmentInfo(ID, 1, Path(file.name), len(data), None, 0)))
    return [each for each in found if isinstance(each, Record)], [each for each in found if not isinstance(each, Record)]


def write(group: list[Record]) -> tuple[bytes, list[int]]:
    """A segment with these records, and where each ends."""
    encoder, data, ends = RecordEncoder(ID), HEADER, []
    for record in group:
        data += encoder.encode([record])
        ends.append(len(data))
    return data, ends


def is_part(some: list[Record], whole: list[Record]) -> bool:
    """Whether `some` is `whole` with none or more left out."""
    rest = iter(whole)
    return all(record in rest for record in some)


def assert_sound(reports: list[Damage | TornTail], size: int) -> None:
    """Reports lie within the file, in order, apart from each other, and only the last may be a torn tail."""
    borders = [place for report in reports for place in (report.offset, report.end)]
    assert borders == sorted(borders)
    assert all(0 <= report.offset < report.end <= size for report in reports)
    assert not any(isinstance(report, TornTail) for report in reports[:-1])


@given(st.lists(st.lists(records, min_size=1, max_size=5), max_size=4))
def test_what_goes_in_comes_out_in_order(groups: list[list[Record]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        wal = Wal.open(Path(directory), logger=LOGGER, clock=lambda: 0)
        for group in groups:
            wal.append_and_sync(group)
        wal.close()
        again = Wal.open(Path(directory), logger=LOGGER, clock=lambda: 0)
        assert [record for segment in again.segments() for record in again.read(segment)] == [
            record for group in groups for record in group
        ]
        assert (again.stats.damaged_regions, again.stats.torn_tails) == (0, 0)


@given(st.lists(records, max_size=6), st.data())
def test_one_changed_byte_costs_one_record(group: list[Record], data: st.DataObject) -> None:
    segment, ends = write(group)
    place = data.draw(st.integers(0, len(segment) - 1))
    changed = bytearray(segment)
    changed[place] ^= data.draw(st.integers(1, 255))
    found, reports = read(bytes(changed))
    starts = [SEGMENT_HEADER_BYTES, *ends[:-1]]
    assert found == [record for record, start, end in zip(group, starts, ends, strict=False) if not start <= place < end]
    assert len(reports) == 1
    assert_sound(reports, len(segment))


@given(st.lists(records, max_size=6), st.data())
def test_a_cut_costs_what_lies_behind_it_and_is_no_damage(group: list[Record], data: st.DataObject) -> None:
    segment, ends = write(group)
    length = data.draw(st.integers(SEGMENT_HEADER_BYTES, len(segment)))
    found, reports = read(segment[:length])
    assert found == [record for record, end in zip(group, ends, strict=True) if end <= length]
    expected = [] if length in (SEGMENT_HEADER_BYTES, *ends) else [TornTail]
    assert [type(report) for report in reports] == expected


@given(st.lists(records, min_size=1, max_size=6), st.data())
def test_zeros_over_any_stretch_cost_only_the_records_under_it(group: list[Record], data: st.DataObject) -> None:
    segment, ends = write(group)
    begin = data.draw(st.integers(0, len(segment)))
    end = data.draw(st.integers(begin, len(segment)))
    found, reports = read(segment[:begin] + bytes(end - begin) + segment[end:])
    starts = [SEGMENT_HEADER_BYTES, *ends[:-1]]
    untouched = [record for record, start, stop in zip(group, starts, ends, strict=True) if stop <= begin or end <= start]
    assert is_part(untouched, found)
    assert is_part(found, group)  # more than the untouched ones where zeros fell on zeros
    assert_sound(reports, len(segment))


@given(st.lists(records, max_size=4), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 300), st.binary(max_size=300)), max_size=6))
def test_no_number_of_injuries_makes_a_record_that_was_not_written(group: list[Record], injuries: list[tuple[float, int, bytes]]) -> None:
    segment, _ = write(group)
    for where, cut, instead in injuries:
        place = int(where * len(segment))
        segment = segment[:place] + instead + segment[place + cut :]
    found, reports = read(segment)
    assert all(record in group for record in found)
    assert_sound(reports, len(segment))


@given(st.lists(st.one_of(st.binary(max_size=400), st.sampled_from([MARKER, HEADER, bytes(100)])), max_size=20))
def test_bytes_that_are_no_log_give_no_record_and_no_error(parts: list[bytes]) -> None:
    garbage = b"".join(parts)
    for data in (garbage, HEADER + garbage):
        found, reports = read(data)
        assert found == []
        assert_sound(reports, len(data))


@given(st.binary(max_size=400))
def test_a_log_with_any_bytes_in_a_segment_opens_and_takes_writes(garbage: bytes) -> None:
    logging.disable(logging.CRITICAL)  # hundreds of lines about garbage help nobody
    try:
        with tempfile.TemporaryDirectory() as directory:
            (Path(directory) / f"{1:016d}-{ID.hex}.wal").write_bytes(garbage)
            wal = Wal.open(Path(directory), logger=LOGGER, clock=lambda: 0)
            assert [record for segment in wal.segments() for record in wal.read(segment)] == []
            wal.append_and_sync([Record("t", b"new")])
            wal.close()
            again = Wal.open(Path(directory), logger=LOGGER, clock=lambda: 0)
            assert [record for segment in again.segments() for record in again.read(segment)] == [Record("t", b"new")]
    finally:
        logging.disable(logging.NOTSET)
