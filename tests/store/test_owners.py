"""Directories that belong to somebody else (S75): refused with the remedy, or used through the group."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.conftest import named
from tests.store.processes import UID, as_somebody_else, closed_to_others

pytestmark = pytest.mark.skipif(bool(closed_to_others()), reason=closed_to_others() or "open to other users")
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="needs root, to give folders to other users and become one of them")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data directory that other users can get to: pytest's own folders are closed to them."""
    with tempfile.TemporaryDirectory() as above:
        Path(above).chmod(0o755)
        data = Path(above) / "data"
        data.mkdir()
        yield data
        data.chmod(0o755)


def test_a_directory_that_may_not_be_written_is_refused_with_uid_gid_and_remedy(folder: Path) -> None:
    folder.chmod(0o555)
    uid = UID if os.getuid() == 0 else os.getuid()
    outcome = as_somebody_else(folder, named("first"), uid=uid)
    gid = uid if os.getuid() == 0 else os.getgid()
    assert outcome["error"] == "BadConfig"
    for words in (
        f"data directory {folder} cannot be used: Permission denied (EACCES)",
        f"running as uid {uid}, gid {gid}",
        f"{folder} belongs to uid {os.getuid()}, gid {os.getgid()}, mode 555",
        f"chown {uid}:{gid} {folder}",
        f"fsGroup: {gid}",
    ):
        assert words in outcome["text"]
    assert list(folder.iterdir()) == []


@needs_root
def test_a_directory_that_may_not_be_made_names_the_folder_above(folder: Path) -> None:
    outcome = as_somebody_else(folder / "not" / "there", named("first"), uid=UID)
    assert outcome["error"] == "BadConfig"
    assert f"data directory {folder}/not/there cannot be used" in outcome["text"]
    assert f"{folder} belongs to uid 0, gid 0, mode 755" in outcome["text"]


@needs_root
def test_a_directory_that_may_not_be_looked_into_is_refused(folder: Path) -> None:
    folder.chmod(0o700)
    outcome = as_somebody_else(folder, named("first"), uid=UID)
    assert outcome["error"] == "BadConfig"
    assert f"{folder} belongs to uid 0, gid 0, mode 700" in outcome["text"]


@needs_root
def test_a_directory_of_the_own_group_works_and_its_files_stay_readable_for_the_group(folder: Path) -> None:
    os.chown(folder, 0, UID)
    folder.chmod(0o2775)
    assert as_somebody_else(folder, named("flushed"), named("live"), uid=UID) == {"found": ["flushed", "live"]}
    written = list(folder.rglob("*"))
    assert {path.name for path in written if path.is_file()} >= {"lock", "data.parquet", "meta.json"}
    assert any(path.suffix == ".wal" for path in written)
    for path in written:
        status, wanted = path.stat(), 0o050 if path.is_dir() else 0o040
        assert (status.st_uid, status.st_gid) == (UID, UID), path
        assert status.st_mode & wanted == wanted, path


@needs_root
def test_strangers_in_it_that_may_not_be_looked_into_are_left_alone(folder: Path) -> None:
    """S55: what a volume and its users bring along."""
    own = [folder, *(folder / below for below in ("wal", "blocks", "blocks/single-tenant"))]
    strangers = [above / "lost+found" for above in own]
    for above, stranger in zip(own, strangers, strict=True):
        above.mkdir(exist_ok=True)
        os.chown(above, UID, UID)
        stranger.mkdir(mode=0o000)
    assert as_somebody_else(folder, named("flushed"), named("live"), uid=UID) == {"found": ["flushed", "live"]}
    assert all(stranger.stat().st_mode & 0o777 == 0 for stranger in strangers)
