"""A value that is read by place: also when its name has gone, with few descriptors, and with an error where a map would kill."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytempo.backend import BytesFile, LocalBackend, OpenFile
from pytempo.backend.open_file import DiskFile, KeptOpen
from pytempo.errors import Damaged, NotFound


def read(file: OpenFile, offset: int, length: int) -> bytes:
    target = bytearray(length)
    file.read_into(memoryview(target), offset)
    return bytes(target)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(params=["memory", "disk"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> OpenFile:
    if request.param == "memory":
        return BytesFile(b"0123456789")
    LocalBackend(tmp_path).put("a/b", b"0123456789")
    return LocalBackend(tmp_path).open("a/b")


def test_bytes_come_from_their_place(opened: OpenFile) -> None:
    assert opened.size == 10
    assert [read(opened, 0, 10), read(opened, 3, 2), read(opened, 10, 0)] == [b"0123456789", b"34", b""]


def test_bytes_behind_the_end_are_damage(opened: OpenFile) -> None:
    with pytest.raises(Damaged, match="ends"):
        read(opened, 8, 3)


def test_a_file_that_is_cut_short_under_its_reader_is_damage_and_no_signal(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(20_000))
    file = DiskFile(path, KeptOpen())
    os.truncate(path, 5)
    with pytest.raises(Damaged, match="at byte 5: ends here, 3 bytes more"):
        read(file, 0, 8)


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        LocalBackend(tmp_path).open("a/nowhere")


def test_a_deleted_file_is_read_on_as_long_as_it_is_kept_open(tmp_path: Path) -> None:
    kept = KeptOpen(most=1)
    for name in "ab":
        (tmp_path / name).write_bytes(name.encode())
    first = DiskFile(tmp_path / "a", kept)
    (tmp_path / "a").unlink()
    assert read(first, 0, 1) == b"a"
    second = DiskFile(tmp_path / "b", kept)
    with pytest.raises(NotFound):
        read(first, 0, 1)
    assert read(second, 0, 1) == b"b"


def test_many_files_need_few_descriptors_and_none_when_nobody_holds_them(tmp_path: Path) -> None:
    before, kept = open_descriptors(), KeptOpen(most=3)
    files = []
    for number in range(20):
        (tmp_path / str(number)).write_bytes(bytes([number]))
        files.append(DiskFile(tmp_path / str(number), kept))
    assert [read(file, 0, 1)[0] for file in files for _ in range(2)] == [number for number in range(20) for _ in range(2)]
    assert open_descriptors() - before <= 3
    files.clear()
    assert open_descriptors() == before
