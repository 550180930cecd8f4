"""The life of segments: append, seal, read, delete, close, open again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pytempo.errors import BadRequest, NotFound, Unavailable
from pytempo.wal import Position, Record, Wal
from pytempo.wal.names import parse_segment_name
from tests.wal.conftest import CREATED, LOGGER, FailingDisk, records_of

GROUP = [Record("acme", b"one"), Record("other", b"two " * 500), Record("acme", b"")]


def test_a_log_that_was_just_made_is_empty(folder: Path, open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    assert (wal.active, wal.segments(), wal.seal()) == (None, [], None)
    assert list(folder.iterdir()) == []


def test_a_group_comes_back_as_it_was_appended(open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    wal.append_and_sync(GROUP)
    wal.append_and_sync(GROUP[:1])
    segment = wal.seal()
    assert segment is not None
    assert list(wal.read(segment)) == GROUP + GROUP[:1]


def test_a_group_costs_one_write_and_one_sync(disk: FailingDisk, open_wal: Callable[..., Wal]) -> None:
    wal = open_wal(files=disk)
    wal.append_and_sync(GROUP)
    disk.calls.clear()
    wal.append_and_sync(GROUP * 100)
    assert disk.calls == ["write", "sync"]


def test_a_new_segment_is_durable_before_its_first_record_is_written(disk: FailingDisk, open_wal: Callable[..., Wal]) -> None:
    wal = open_wal(files=disk)
    disk.calls.clear()
    wal.append_and_sync(GROUP)
    assert disk.calls == ["create", "write", "sync", "sync_directory", "write", "sync"]


def test_a_write_that_takes_a_part_is_continued(disk: FailingDisk, open_wal: Callable[..., Wal]) -> None:
    disk.stride = 7
    wal = open_wal(files=disk)
    wal.append_and_sync(GROUP)
    wal.seal()
    assert records_of(wal) == GROUP


def test_the_position_is_where_the_durable_records_end(open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    wal.append_and_sync(GROUP)
    position = wal.append_and_sync(GROUP)
    active = wal.active
    assert active is not None
    assert position == Position(active.id, active.bytes)
    assert active.path.stat().st_size == active.bytes


def test_the_active_segment_tells_what_it_holds(folder: Path, open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    wal.append_and_sync(GROUP)
    active = wal.active
    assert active is not None
    assert (active.sequence, active.records, active.created) == (1, 3, CREATED)
    assert parse_segment_name(active.path.name) == (1, active.id)
    assert active.path.parent == folder
    assert wal.segments() == []
    assert list(wal.read(active)) == GROUP


def test_a_sealed_segment_is_followed_by_a_new_one(open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    first = wal.append_and_sync(GROUP[:1])
    sealed = wal.seal()
    assert sealed is not None
    assert (wal.active, wal.seal()) == (None, None)
    second = wal.append_and_sync(GROUP[1:])
    assert (sealed.id, sealed.bytes) == first
    assert second.segment != first.segment
    wal.seal()
    assert [segment.sequence for segment in wal.segments()] == [1, 2]
    assert records_of(wal) == GROUP


def test_uuid_and_creation_time_of_a_segment_outlast_restarts(open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    wal.append_and_sync(GROUP)
    active = wal.active
    assert active is not None
    wal.close()
    for _ in range(2):
        (found,) = open_wal().segments()
        assert (found.id, found.sequence, found.created, found.bytes) == (active.id, 1, CREATED, active.bytes)
        assert found.records is None


def test_segments_found_at_start_are_never_written_again(open_wal: Callable[..., Wal]) -> None:
    open_wal().append_and_sync(GROUP)  # left open, as by a process that was killed
    wal = open_wal()
    before = wal.active
    (found,) = wal.segments()
    assert before is None
    assert wal.append_and_sync(GROUP).segment != found.id
    assert wal.active is not None
    assert wal.active.sequence == 2


def test_a_deleted_segment_is_gone_for_good(open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    wal.append_and_sync(GROUP)
    segment = wal.seal()
    assert segment is not None
    wal.delete(segment)
    assert wal.segments() == []
    assert not segment.path.exists()
    with pytest.raises(NotFound, match=segment.path.name):
        list(wal.read(segment))
    wal.delete(segment)  # a flush that is repeated
    assert open_wal().segments() == []


def test_the_active_segment_is_not_deleted(open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    wal.append_and_sync(GROUP)
    active = wal.active
    assert active is not None
    with pytest.raises(ValueError, match="seal it first"):
        wal.delete(active)


def test_a_bad_record_refuses_its_group_and_nothing_else(open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    before = wal.append_and_sync(GROUP)
    with pytest.raises(BadRequest, match="151 bytes"):
        wal.append_and_sync([Record("acme", b"good"), Record("t" * 151, b"bad")])
    after = wal.append_and_sync(GROUP[:1])
    assert after.segment == before.segment
    wal.seal()
    assert records_of(wal) == GROUP + GROUP[:1]


def test_an_empty_group_is_a_mistake_of_the_caller(open_wal: Callable[..., Wal]) -> None:
    with pytest.raises(ValueError, match="at least one record"):
        open_wal().append_and_sync([])


def test_a_closed_log_takes_nothing_and_keeps_everything(open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    wal.append_and_sync(GROUP)
    wal.close()
    wal.close()
    with pytest.raises(Unavailable, match="is closed"):
        wal.append_and_sync(GROUP)
    assert records_of(open_wal()) == GROUP


def test_closing_leaves_no_empty_segment(folder: Path, open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    with pytest.raises(BadRequest):
        wal.append_and_sync([Record("t" * 151, b"")])
    wal.close()
    assert list(folder.iterdir()) == []


def test_the_counts_are_those_of_what_was_made_durable(open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    wal.append_and_sync(GROUP)
    wal.append_and_sync(GROUP)
    segment = wal.seal()
    assert segment is not None
    stats = wal.stats
    assert (stats.records, stats.syncs, stats.segments_created) == (6, 2, 1)
    assert stats.payload_bytes == 2 * sum(len(record.payload) for record in GROUP)
    assert stats.stored_bytes == segment.path.stat().st_size - 40
    assert stats.failures == stats.segments_abandoned == stats.damaged_regions == stats.torn_tails == 0


def test_two_logs_in_one_process_share_nothing(tmp_path: Path, open_wal: Callable[..., Wal]) -> None:
    left, right = open_wal(tmp_path / "left"), open_wal(tmp_path / "right")
    left.append_and_sync(GROUP[:1])
    right.append_and_sync(GROUP[1:])
    left.seal()
    right.seal()
    assert (records_of(left), records_of(right)) == (GROUP[:1], GROUP[1:])
    assert (left.stats.records, right.stats.records) == (1, 2)


def test_a_flusher_reads_and_deletes_while_the_ingest_thread_appends(open_wal: Callable[..., Wal]) -> None:
    wal, rounds = open_wal(), 60
    sealed = threading.Semaphore(0)
    failures: list[BaseException] = []
    flushed: list[bytes] = []

    def flush() -> None:
        try:
            while len(flushed) < rounds and sealed.acquire(timeout=60):
                for segment in wal.segments():
                    flushed.extend(record.payload for record in wal.read(segment))
                    wal.delete(segment)
        except BaseException as error:  # shown by the assertion below
            failures.append(error)

    flusher = threading.Thread(target=flush)
    flusher.start()
    for number in range(rounds):
        wal.append_and_sync([Record("t", b"%d" % number)])
        wal.seal()
        sealed.release()
    flusher.join(timeout=60)
    assert failures == []
    assert flushed == [b"%d" % number for number in range(rounds)]
    assert wal.segments() == []


def test_the_log_says_what_happened_to_the_logger_it_was_given(
    folder: Path, open_wal: Callable[..., Wal], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    folder.mkdir()
    (folder / "x.wal").touch()
    open_wal()
    assert {record.name for record in caplog.records} == {LOGGER.name}
