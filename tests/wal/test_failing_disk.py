"""What a disk that refuses does: nothing that was acknowledged is lost, nothing that was refused counts, and writing heals by itself."""

from __future__ import annotations

import errno
import logging
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytempo.errors import Unavailable
from pytempo.wal import Record, Wal
from pytempo.wal.segment import SEGMENT_HEADER_BYTES
from tests.wal.conftest import FailingDisk, records_of

ACKED = [Record("acme", b"acknowledged"), Record("acme", b"also " * 200)]
REFUSED = [Record("acme", b"refused"), Record("acme", os.urandom(900))]
LATER = [Record("acme", b"later")]


@pytest.fixture
def wal(disk: FailingDisk, open_wal: Callable[..., Wal]) -> Wal:
    """A log on the failing disk that has acknowledged a first group."""
    wal = open_wal(files=disk)
    wal.append_and_sync(ACKED)
    return wal


def size_of_active(wal: Wal) -> tuple[int, int]:
    """What the log thinks and what the file has, in bytes."""
    assert wal.active is not None
    return wal.active.bytes, wal.active.path.stat().st_size


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EROFS], ids=errno.errorcode.get)
def test_a_refused_write_names_path_and_reason_and_keeps_nothing(number: int, wal: Wal, disk: FailingDisk) -> None:
    before = size_of_active(wal)
    disk.failing = {"write": number}
    with pytest.raises(Unavailable) as caught:
        wal.append_and_sync(REFUSED)
    assert wal.active is not None
    for words in (str(wal.active.path), os.strerror(number), errno.errorcode[number], "nothing was kept", "send it again"):
        assert words in str(caught.value)
    assert size_of_active(wal) == before
    assert wal.stats.failures == 1


def test_after_a_refused_write_the_segment_goes_on(wal: Wal, disk: FailingDisk) -> None:
    disk.failing = {"write": errno.ENOSPC}
    for _ in range(3):
        with pytest.raises(Unavailable):
            wal.append_and_sync(REFUSED)
    disk.failing = {}
    wal.append_and_sync(LATER)
    wal.seal()
    assert len(wal.segments()) == 1
    assert records_of(wal) == ACKED + LATER


@pytest.mark.parametrize("room", [0, 1, 17, 18, 30, 300, 900])
def test_a_write_that_fails_half_way_is_undone(room: int, wal: Wal, disk: FailingDisk, open_wal: Callable[..., Wal]) -> None:
    before = size_of_active(wal)
    disk.room = room
    with pytest.raises(Unavailable, match="No space left"):
        wal.append_and_sync(REFUSED)
    assert size_of_active(wal) == before
    disk.room = None
    wal.append_and_sync(LATER)
    wal.close()
    assert records_of(open_wal()) == ACKED + LATER


def test_after_a_failed_sync_the_segment_is_not_trusted_again(wal: Wal, disk: FailingDisk, open_wal: Callable[..., Wal]) -> None:
    durable, _ = size_of_active(wal)
    disk.failing = {"sync": errno.EIO}
    with pytest.raises(Unavailable, match="EIO"):
        wal.append_and_sync(REFUSED)
    disk.failing = {}
    (abandoned,) = wal.segments()
    assert (abandoned.bytes, abandoned.records, abandoned.path.stat().st_size) == (durable, 2, durable)
    assert wal.append_and_sync(LATER).segment != abandoned.id
    assert wal.stats.segments_abandoned == 1
    wal.close()
    assert records_of(wal) == records_of(open_wal()) == ACKED + LATER


def test_when_cutting_back_fails_too_the_refused_bytes_are_not_read(wal: Wal, disk: FailingDisk) -> None:
    disk.failing = {"sync": errno.EIO, "truncate": errno.EIO}
    with pytest.raises(Unavailable):
        wal.append_and_sync(REFUSED)
    disk.failing = {}
    (abandoned,) = wal.segments()
    assert abandoned.path.stat().st_size > abandoned.bytes
    wal.append_and_sync(LATER)
    wal.seal()
    assert records_of(wal) == ACKED + LATER
    assert (wal.stats.torn_tails, wal.stats.damaged_regions) == (0, 0)


def test_refused_records_that_could_not_be_cut_off_may_come_back_after_a_restart(
    wal: Wal, disk: FailingDisk, open_wal: Callable[..., Wal]
) -> None:
    disk.failing = {"sync": errno.EIO, "truncate": errno.EIO}
    with pytest.raises(Unavailable):
        wal.append_and_sync(REFUSED)
    disk.failing = {}
    wal.append_and_sync(LATER)
    wal.close()
    assert records_of(open_wal()) == ACKED + REFUSED + LATER


def test_half_a_refused_record_that_could_not_be_cut_off_is_a_torn_tail(wal: Wal, disk: FailingDisk, open_wal: Callable[..., Wal]) -> None:
    disk.room, disk.failing = 300, {"truncate": errno.EIO}
    with pytest.raises(Unavailable):
        wal.append_and_sync(REFUSED)
    disk.room, disk.failing = None, {}
    wal.append_and_sync(LATER)
    wal.close()
    again = open_wal()
    assert records_of(again) == [*ACKED, REFUSED[0], *LATER]
    assert (again.stats.torn_tails, again.stats.damaged_regions) == (1, 0)


@pytest.mark.parametrize("call", ["create", "write", "sync", "sync_directory"])
def test_a_segment_that_cannot_be_made_refuses_and_leaves_nothing(
    call: str, folder: Path, disk: FailingDisk, open_wal: Callable[..., Wal]
) -> None:
    wal = open_wal(files=disk)
    disk.failing = {call: errno.ENOSPC}
    for _ in range(5):
        with pytest.raises(Unavailable, match="No space left"):
            wal.append_and_sync(REFUSED)
    assert list(folder.iterdir()) == []
    assert (wal.active, wal.segments()) == (None, [])
    disk.failing = {}
    wal.append_and_sync(LATER)
    wal.seal()
    assert records_of(wal) == LATER


def test_a_half_made_segment_that_cannot_be_removed_is_set_aside_at_the_next_start(
    folder: Path, disk: FailingDisk, open_wal: Callable[..., Wal]
) -> None:
    wal = open_wal(files=disk)
    disk.failing = {"write": errno.ENOSPC, "unlink": errno.EIO}
    with pytest.raises(Unavailable):
        wal.append_and_sync(REFUSED)
    (left,) = folder.iterdir()
    disk.failing = {}
    wal.append_and_sync(LATER)
    wal.close()
    assert records_of(open_wal()) == LATER
    assert (folder / "damaged" / left.name).read_bytes() == b""


def test_a_row_of_failed_syncs_leaves_no_row_of_files(folder: Path, disk: FailingDisk, open_wal: Callable[..., Wal]) -> None:
    wal = open_wal(files=disk)

    def sync(descriptor: int) -> None:
        if os.fstat(descriptor).st_size > SEGMENT_HEADER_BYTES:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    disk.sync = sync  # type: ignore[method-assign]
    for _ in range(5):
        with pytest.raises(Unavailable):
            wal.append_and_sync(REFUSED)
    assert list(folder.iterdir()) == []
    assert wal.stats.segments_abandoned == wal.stats.segments_created == 5


def test_a_long_failure_is_two_lines_in_the_log(wal: Wal, disk: FailingDisk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    disk.failing = {"write": errno.ENOSPC}
    for _ in range(50):
        with pytest.raises(Unavailable):
            wal.append_and_sync(REFUSED)
    disk.failing = {}
    wal.append_and_sync(LATER)
    wal.append_and_sync(LATER)
    levels = [(record.levelname, "requests are refused" in record.getMessage()) for record in caplog.records]
    assert levels == [("ERROR", True), ("INFO", False)]
    assert "can be written again" in caplog.text


def test_a_file_that_fails_to_close_was_durable_before(wal: Wal, disk: FailingDisk, caplog: pytest.LogCaptureFixture) -> None:
    disk.failing = {"close": errno.EIO}
    assert wal.seal() is not None
    disk.failing = {}
    assert records_of(wal) == ACKED
    assert "closing it failed" in caplog.text


def test_a_segment_that_cannot_be_removed_stays(wal: Wal, disk: FailingDisk) -> None:
    segment = wal.seal()
    assert segment is not None
    disk.failing = {"unlink": errno.EROFS}
    with pytest.raises(Unavailable, match=r"cannot be removed: Read-only file system \(EROFS\)"):
        wal.delete(segment)
    assert wal.segments() == [segment]
    disk.failing = {}
    wal.delete(segment)
    assert wal.segments() == []


@pytest.mark.parametrize("call", ["create", "write", "sync", "rename"])
def test_damage_that_cannot_be_copied_stops_no_replay_and_saves_the_segment_from_removal(
    call: str, wal: Wal, folder: Path, disk: FailingDisk
) -> None:
    wal.append_and_sync(LATER)
    segment = wal.seal()
    assert segment is not None
    data = bytearray(segment.path.read_bytes())
    data[SEGMENT_HEADER_BYTES + 20] ^= 1
    segment.path.write_bytes(data)
    disk.failing = {call: errno.ENOSPC}
    assert list(wal.read(segment)) == [ACKED[1], *LATER]
    disk.failing = {}
    wal.delete(segment)
    assert wal.segments() == []
    assert not segment.path.exists()
    assert (folder / "damaged" / segment.path.name).read_bytes() == data


def test_a_damaged_folder_that_is_no_folder_stops_no_replay(wal: Wal, folder: Path) -> None:
    (folder / "damaged").write_text("somebody's note")
    segment = wal.seal()
    assert segment is not None
    segment.path.write_bytes(segment.path.read_bytes().replace(b"acknowledged", b"ackn0wledged"))
    assert list(wal.read(segment)) == ACKED[1:]
    with pytest.raises(Unavailable, match="cannot be removed: File exists"):
        wal.delete(segment)
    assert segment.path.exists()


def test_damage_that_was_copied_at_the_second_try_does_not_keep_the_segment(wal: Wal, folder: Path, disk: FailingDisk) -> None:
    segment = wal.seal()
    assert segment is not None
    data = bytearray(segment.path.read_bytes())
    data[SEGMENT_HEADER_BYTES + 20] ^= 1
    segment.path.write_bytes(data)
    disk.failing = {"sync": errno.EIO}
    list(wal.read(segment))
    disk.failing = {}
    list(wal.read(segment))
    wal.delete(segment)
    assert [path.name for path in (folder / "damaged").iterdir()] == [f"{segment.path.name}.{SEGMENT_HEADER_BYTES}"]


@pytest.fixture
def file_size_limit() -> Iterator[Callable[[int], None]]:
    """Sets how large a file this process may make; the system refuses more with EFBIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_may_not_grow_refuses_and_heals(file_size_limit: Callable[[int], None], open_wal: Callable[..., Wal]) -> None:
    wal = open_wal()
    wal.append_and_sync(ACKED)
    before = size_of_active(wal)
    file_size_limit(before[0] + 100)  # the system takes the first 100 bytes of the group, then refuses
    with pytest.raises(Unavailable, match="EFBIG"):
        wal.append_and_sync(REFUSED)
    file_size_limit(resource.RLIM_INFINITY)
    assert size_of_active(wal) == before
    wal.append_and_sync(LATER)
    wal.close()
    assert records_of(open_wal()) == ACKED + LATER


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    mount = tmp_path / "small"
    mount.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system takes root")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", mount], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield mount
    subprocess.run(["umount", mount], check=True)


def test_a_full_disk_refuses_and_heals_when_there_is_room(small_disk: Path, open_wal: Callable[..., Wal]) -> None:
    wal, acknowledged, reasons = open_wal(small_disk / "wal"), [], set()
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(100 << 10))
    for _ in range(100):
        record = Record("acme", os.urandom(9000))
        try:
            wal.append_and_sync([record])
            acknowledged.append(record)
        except Unavailable as error:
            reasons.add(str(error).partition(": ")[2])
    assert 5 < len(acknowledged) < 30
    assert wal.stats.failures == 100 - len(acknowledged)
    assert reasons == {"No space left on device (ENOSPC); nothing was kept, send it again later"}
    assert wal.active is not None
    assert list(wal.read(wal.active)) == acknowledged  # reads go on
    ballast.unlink()
    wal.append_and_sync(LATER)
    wal.close()
    again = open_wal(small_disk / "wal")
    assert records_of(again) == acknowledged + LATER
    assert (again.stats.torn_tails, again.stats.damaged_regions) == (0, 0)


def test_a_disk_without_room_for_a_segment_refuses_and_heals(small_disk: Path, open_wal: Callable[..., Wal]) -> None:
    wal = open_wal(small_disk / "wal")
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space left"):
        ballast.write_bytes(bytes(300 << 10))
    for _ in range(3):
        with pytest.raises(Unavailable, match="ENOSPC"):
            wal.append_and_sync(REFUSED)
    assert list((small_disk / "wal").iterdir()) == []
    ballast.unlink()
    wal.append_and_sync(LATER)
    wal.seal()
    assert records_of(wal) == LATER
    wal.close()
