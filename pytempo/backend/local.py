"""A backend on a local directory: files written under a temporary name, synced, renamed; their meaning is left to others.

A value is durable in four steps, and a crash between any two leaves the old value or the new one:
  1. write the bytes to `<name>.<random>.pytempo-tmp` in the target's folder
  2. fsync the file
  3. rename it to `<name>`
  4. fsync the folder (and, where a folder was made, the folder above it)
Modes are the process's defaults (0666 and 0777 less the umask), so that files stay readable for the group of a setgid directory.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from pytempo.backend.base import TEMPORARY_SUFFIX, Listing, check_key
from pytempo.backend.kept import KeptOpen
from pytempo.backend.open_file import Descriptor, DiskFile
from pytempo.errors import Damaged, NotFound, Unavailable

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)


class LocalBackend:
    """A `Backend` on the directory `root`, which is made when the first value is put.

    Names are checked, links are not: a symbolic link that somebody lays under the root is followed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._kept = KeptOpen[Descriptor]()

    def put(self, key: str, data: bytes) -> None:
        with self.writer(key) as file:
            file.write(data)

    @contextmanager
    def writer(self, key: str) -> Iterator[BinaryIO]:
        target = self._path(key)
        temporary = target.with_name(f"{target.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
        with _medium(target, "written"):
            _make_folder(target.parent)
            descriptor = os.open(temporary, _CREATE, 0o666)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, target)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            sync_folder(target.parent)

    def get(self, key: str) -> bytes:
        path = self._path(key)
        with _medium(path, "read"):
            return path.read_bytes()

    def read_range(self, key: str, offset: int, length: int) -> bytes:
        path = self._path(key)
        with _medium(path, "read"), open(path, "rb") as file:
            file.seek(offset)
            data = file.read(length)
        if len(data) < length:
            raise Damaged(str(path), f"ends at byte {offset + len(data)}, {length} bytes were to be read", offset)
        return data

    def open(self, key: str) -> DiskFile:
        return DiskFile(self._path(key), self._kept)

    def size(self, key: str) -> int:
        path = self._path(key)
        with _medium(path, "read"):
            return path.stat().st_size

    def list(self, folder: str = "") -> Listing:
        path = self._folder(folder)
        folders: list[str] = []
        files: list[str] = []
        with suppress(NotFound), _medium(path, "listed"), os.scandir(path) as entries:
            for entry in entries:
                if not entry.name.endswith(TEMPORARY_SUFFIX):
                    (folders if entry.is_dir() else files).append(entry.name)
        return Listing(tuple(sorted(folders)), tuple(sorted(files)))

    def delete(self, key: str) -> None:
        path = self._path(key)
        with suppress(NotFound), _medium(path, "deleted"):
            path.unlink()
            sync_folder(path.parent)

    def delete_folder(self, folder: str) -> None:
        path = self._path(folder)
        with suppress(NotFound), _medium(path, "deleted"):
            shutil.rmtree(path)
            sync_folder(path.parent)

    def move(self, key: str, to: LocalBackend, new: str) -> None:
        """Give a value, or a whole folder, another place in one step, also below another root of the same file system; durable on return.

        Raises NotFound if there is none, Unavailable where the disk refuses or a folder lies there already.
        """
        source, target = self._path(key), to._path(new)
        with _medium(source, "moved"):
            source.lstat()  # before a folder is made for what is not there
            _make_folder(target.parent)
            source.rename(target)
            for changed in {source.parent, target.parent}:
                sync_folder(changed)

    def local_path(self, key: str) -> Path:
        return self._path(key)

    def sweep(self) -> int:
        """Remove the temporary files that a crash left behind and return their number; only the owner of the root may, before it writes.

        Folders that cannot be listed, or vanish meanwhile, are passed over. Raises Unavailable for a file that cannot be removed.
        """
        walked = os.walk(self.root)
        left = [Path(folder, name) for folder, _, names in walked for name in names if name.endswith(TEMPORARY_SUFFIX)]
        for path in left:
            with _medium(path, "deleted"):
                path.unlink(missing_ok=True)
        return len(left)

    def _path(self, key: str) -> Path:
        return self.root.joinpath(*check_key(key))

    def _folder(self, folder: str) -> Path:
        return self._path(folder) if folder else self.root


def sync_folder(path: Path) -> None:
    """Make the names in the folder `path` durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(path: Path) -> None:
    if path.is_dir():
        return
    _make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


@contextmanager
def _medium(path: Path, done: str) -> Iterator[None]:
    """Turn errors of the operating system into ours, naming the path."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound(f"{path}: no such file or folder") from error
    except OSError as error:
        cause = error.strerror or error
        raise Unavailable(f"{path}: cannot be {done} ({cause}); check the disk, its free space and the permissions") from error
