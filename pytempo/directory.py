"""The data directory: its folders, the checks that it can be used, and the lock that keeps a second process out."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from types import TracebackType

from pytempo.errors import BadConfig, DirectoryInUse

WAL, BLOCKS, DAMAGED, COMPACTING, LOCK = "wal", "blocks", "damaged", "compacting", "lock"
"""What lies in a data directory: segments, blocks by tenant, what was set aside, blocks that are being made of others, and the lock file
with its holder's pid."""


class DataDirectory:
    """An opened data directory. Context manager: leaving it gives the lock back."""

    def __init__(self, root: Path, *, read_only: bool) -> None:
        """Opens `root`, making it where it is missing, unless `read_only`.

        Raises BadConfig where it cannot be used, naming uid, gid and remedy, and DirectoryInUse where another store holds it.
        """
        self.root, self._lock = root, -1
        if read_only:
            if not root.is_dir():
                raise BadConfig(f"data directory {root} does not exist; nothing can be read from it")
            return
        try:
            root.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664)
            self._take_lock()
        except OSError as error:
            self.close()
            raise BadConfig(unusable(root, error)) from error

    @property
    def wal(self) -> Path:
        return self.root / WAL

    @property
    def blocks(self) -> Path:
        return self.root / BLOCKS

    @property
    def damaged(self) -> Path:
        return self.root / DAMAGED

    @property
    def compacting(self) -> Path:
        return self.root / COMPACTING

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._lock, 32, 0).decode(errors="replace").partition("\n")[0] or "unknown"
            self.close()
            raise DirectoryInUse(
                f"data directory {self.root} is held by process {holder}; stop it, or open the directory read-only"
            ) from error
        own = f"{os.getpid()}\n".encode()
        os.pwrite(self._lock, own, 0)
        os.ftruncate(self._lock, len(own))  # last: what a full disk has given stays taken

    def close(self) -> None:
        """Give the lock back; doing so twice is no error."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> DataDirectory:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def link_folders(wal: Path, blocks: Path) -> None:
    """Make a data directory of one that has other names for its folders: `wal` and `blocks` there become links to them.

    Raises BadConfig where something else stands in their place, or the directory cannot be used.
    """
    for name, target in ((WAL, wal), (BLOCKS, blocks)):
        link = target.parent / name
        if link == target or (link.is_symlink() and link.readlink() == Path(target.name)):
            continue
        try:
            target.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target.name, target_is_directory=True)
        except FileExistsError as error:
            raise BadConfig(f"{link} is there already and is no link to {target}; move it away, or call the folder {name}") from error
        except OSError as error:
            raise BadConfig(unusable(target.parent, error)) from error


def _nearest(path: Path) -> tuple[Path, os.stat_result]:
    """The directory itself, or the nearest one above it that is there and can be looked at."""
    for place in (path, *path.absolute().parents):
        try:
            return place, place.stat()
        except OSError:
            continue
    return Path("/"), Path("/").stat()


def unusable(path: Path, error: OSError) -> str:
    """Why a directory cannot be used, and what to do: one sentence for the person who started us."""
    reason = f"data directory {path} cannot be used: {error.strerror} ({errno.errorcode.get(error.errno or 0, '?')})"
    if error.errno not in (errno.EACCES, errno.EPERM):
        return reason
    owner, status = _nearest(path)
    return (
        f"{reason}; running as uid {os.getuid()}, gid {os.getgid()}, but {owner} belongs to uid {status.st_uid}, gid {status.st_gid}, "
        f"mode {status.st_mode & 0o7777:o}. Give it to that user (chown {os.getuid()}:{os.getgid()} {owner}), "
        f"or set fsGroup: {os.getgid()} in the pod's securityContext"
    )
