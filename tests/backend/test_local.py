"""The backend on a local directory: values whole or not at all, nothing outside of the root, errors that name the path."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytempo.backend import TEMPORARY_SUFFIX, Backend, Listing, LocalBackend, check_key
from pytempo.errors import BadRequest, Damaged, NotFound, Unavailable

KEY = "tenant/block/meta.json"


@pytest.fixture
def backend(tmp_path: Path) -> LocalBackend:
    return LocalBackend(tmp_path / "blocks")


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def files_under(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_the_local_backend_is_a_backend(backend: LocalBackend) -> None:
    protocol: Backend = backend
    assert protocol is backend


def test_what_was_put_is_got(backend: LocalBackend) -> None:
    backend.put(KEY, b"value")

    assert backend.get(KEY) == b"value"
    assert backend.size(KEY) == 5
    assert backend.local_path(KEY).read_bytes() == b"value"


def test_a_second_put_replaces_the_value(backend: LocalBackend) -> None:
    backend.put(KEY, b"a long first value")
    backend.put(KEY, b"second")

    assert backend.get(KEY) == b"second"


def test_nothing_but_the_value_is_left_in_the_folder(backend: LocalBackend) -> None:
    backend.put(KEY, b"value")

    assert files_under(backend.root) == {KEY}


def test_a_value_can_be_written_piece_by_piece(backend: LocalBackend) -> None:
    with backend.writer(KEY) as file:
        file.write(b"one ")
        file.write(b"two")

    assert backend.get(KEY) == b"one two"


def test_a_value_cannot_be_seen_before_it_is_whole(backend: LocalBackend) -> None:
    with backend.writer(KEY) as file:
        file.write(b"half")
        file.flush()
        assert backend.list("tenant/block") == Listing((), ())
        with pytest.raises(NotFound):
            backend.get(KEY)

    assert backend.list("tenant/block") == Listing((), ("meta.json",))


def test_a_writer_that_fails_leaves_the_old_value_and_no_rest(backend: LocalBackend) -> None:
    backend.put(KEY, b"old")

    def write_and_fail() -> None:
        with backend.writer(KEY) as file:
            file.write(b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()

    assert backend.get(KEY) == b"old"
    assert files_under(backend.root) == {KEY}


def test_a_full_disk_is_told_with_the_path_and_leaves_no_rest(backend: LocalBackend) -> None:
    with pytest.raises(Unavailable, match=r"meta\.json: cannot be written \(No space left on device\)"), backend.writer(KEY):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert files_under(backend.root) == set()


def test_writers_of_one_key_do_not_meet(backend: LocalBackend) -> None:
    values = [bytes([number]) * 10_000 for number in range(8)]
    threads = [threading.Thread(target=backend.put, args=(KEY, value)) for value in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert backend.get(KEY) in values
    assert files_under(backend.root) == {KEY}


def test_a_range_is_read_from_the_middle(backend: LocalBackend) -> None:
    backend.put(KEY, b"0123456789")

    assert backend.read_range(KEY, 3, 4) == b"3456"
    assert backend.read_range(KEY, 10, 0) == b""


def test_a_range_beyond_the_end_is_damage_with_its_offset(backend: LocalBackend) -> None:
    backend.put(KEY, b"0123456789")

    with pytest.raises(Damaged, match=r"meta\.json at byte 8: ends at byte 10, 4 bytes were to be read") as caught:
        backend.read_range(KEY, 8, 4)
    assert caught.value.offset == 8


@pytest.mark.parametrize("absent", [KEY, "tenant/other", "file/below-a-file"])
def test_an_absent_value_is_not_found(backend: LocalBackend, absent: str) -> None:
    backend.put("file", b"")

    for read in (backend.get, backend.size, lambda key: backend.read_range(key, 0, 1)):
        with pytest.raises(NotFound, match=absent):
            read(absent)


def test_a_listing_is_one_level_sorted_and_without_temporary_files(backend: LocalBackend) -> None:
    for key in ("t/b/meta.json", "t/a/meta.json", "t/index.json.gz", "t/deep/er/file", f"t/half.00{TEMPORARY_SUFFIX}"):
        backend.put(key, b"")

    assert backend.list() == Listing(("t",), ())
    assert backend.list("t") == Listing(("a", "b", "deep"), ("index.json.gz",))


@pytest.mark.parametrize("folder", ["absent", "file", "file/below"])
def test_a_folder_that_is_not_there_is_empty(backend: LocalBackend, folder: str) -> None:
    backend.put("file", b"")

    assert backend.list(folder) == Listing((), ())


def test_a_root_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    assert LocalBackend(tmp_path / "not" / "yet").list() == Listing((), ())


def test_deleting_is_repeatable(backend: LocalBackend) -> None:
    backend.put(KEY, b"value")
    backend.delete(KEY)
    backend.delete(KEY)

    assert backend.list("tenant/block") == Listing((), ())


def test_a_folder_is_deleted_with_all_it_holds_and_nothing_else(backend: LocalBackend) -> None:
    for key in ("t/a/one", "t/a/b/two", "t/ab/three"):
        backend.put(key, b"")
    backend.delete_folder("t/a")
    backend.delete_folder("t/a")

    assert files_under(backend.root) == {"t/ab/three"}


def test_sweeping_removes_only_what_a_crash_left_half_written(backend: LocalBackend) -> None:
    backend.put(KEY, b"value")
    backend.put(f"tenant/block/data.parquet.0a1b2c3d{TEMPORARY_SUFFIX}", b"half")
    backend.put("tenant/block/note.tmp", b"a stranger's")

    assert backend.sweep() == 1
    assert files_under(backend.root) == {KEY, "tenant/block/note.tmp"}


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../x", "a/../../x", "a/./b", "a//b", "a/", "..", "a\\b", "nul\0", "x" * 201, "\ud800"],
)
def test_a_key_that_could_lead_elsewhere_is_refused_by_every_method(backend: LocalBackend, tmp_path: Path, key: str) -> None:
    calls = [
        lambda: backend.put(key, b""),
        lambda: backend.get(key),
        lambda: backend.read_range(key, 0, 1),
        lambda: backend.size(key),
        lambda: backend.delete(key),
        lambda: backend.local_path(key),
    ]
    for call in calls:
        with pytest.raises(BadRequest, match="key"):
            call()
    if key:  # the root itself is a folder, and only for listing
        with pytest.raises(BadRequest, match="key"):
            backend.list(key)
    with pytest.raises(BadRequest, match="key"):
        backend.delete_folder(key or "..")

    assert list(tmp_path.iterdir()) == []


def test_the_root_is_not_a_folder_to_delete(backend: LocalBackend) -> None:
    backend.put(KEY, b"value")

    with pytest.raises(BadRequest, match="key"):
        backend.delete_folder("")
    assert backend.get(KEY) == b"value"


def test_unusual_names_that_stay_inside_are_keys() -> None:
    assert check_key("größe/a b/...x/~") == ("größe", "a b", "...x", "~")


def test_files_and_folders_have_the_modes_that_the_umask_leaves(backend: LocalBackend) -> None:
    with umask(0o027):
        backend.put(KEY, b"value")
    path = backend.local_path(KEY)

    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(path.parent.stat().st_mode) & 0o777 == 0o750


def test_below_a_setgid_folder_everything_has_its_group_and_stays_readable_for_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o2775)
    with umask(0o022):
        LocalBackend(tmp_path).put(KEY, b"value")

    for path in tmp_path.rglob("*"):
        assert path.stat().st_gid == tmp_path.stat().st_gid
        assert path.stat().st_mode & stat.S_IRGRP
