"""The protocol of a backend and the rule for its keys; the implementations stand beside it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from pytempo.backend.open_file import OpenFile
from pytempo.errors import BadRequest

TEMPORARY_SUFFIX = ".pytempo-tmp"
"""Ends the name of a file that is being written; such a file is nobody's data and may be swept when no writer runs."""

LONGEST_NAME = 200
"""Bytes of one part of a key: file systems allow 255, and a temporary name is up to 55 bytes longer than its target."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies one level under a folder, names only, each tuple sorted."""

    folders: tuple[str, ...]
    files: tuple[str, ...]


class Backend(Protocol):
    """Bytes by key. A key is `part/part/...`, see `check_key`; a folder is a key without its last parts, "" the root.

    Every method may be called from any thread. A value is seen whole or not at all: a reader never meets half of a `put`.
    Errors of all methods: `BadRequest` for a key that is none, `Unavailable` when the medium fails (full, read-only, no permission,
    I/O error).
    """

    def put(self, key: str, data: bytes) -> None:
        """Store `data` under `key`, replacing what was there; durable on return."""
        ...

    def writer(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A file to write the value of `key` into; stored and durable when the block ends, nothing stored when it raises."""
        ...

    def get(self, key: str) -> bytes:
        """The whole value; `NotFound` if there is none."""
        ...

    def read_range(self, key: str, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`; `NotFound` if there is no value, `Damaged` if it ends before them."""
        ...

    def open(self, key: str) -> OpenFile:
        """The value for reading it by place, whatever happens to the key meanwhile; `NotFound` if there is none."""
        ...

    def size(self, key: str) -> int:
        """Bytes of the value; `NotFound` if there is none."""
        ...

    def list(self, folder: str = "") -> Listing:
        """One level under `folder`, without half-written files; empty for a folder that is not there (or no longer)."""
        ...

    def delete(self, key: str) -> None:
        """Remove the value, durable on return; nothing happens if there is none."""
        ...

    def delete_folder(self, folder: str) -> None:
        """Remove all under `folder` in no particular order; what must vanish first is deleted by the caller before."""
        ...

    def local_path(self, key: str) -> Path | None:
        """A file on this machine that holds exactly the value, None where there is no such file."""
        ...


def is_name(part: str) -> bool:
    """Whether `part` may be one part of a key: UTF-8, 1 to 200 bytes, none of `/`, `\\`, NUL, and neither `.` nor `..`."""
    if part in ("", ".", "..") or any(character in part for character in "/\\\0"):
        return False
    try:
        return len(part.encode()) <= LONGEST_NAME
    except UnicodeEncodeError:  # a file name that is not UTF-8, as the operating system hands it out
        return False


def check_key(key: str) -> tuple[str, ...]:
    """The parts of `key`; raises `BadRequest` unless each is a name, so that no key leads out of the root."""
    parts = tuple(key.split("/"))
    if not all(map(is_name, parts)):
        raise BadRequest(
            f"key {key!r}: each part between slashes must be 1 to {LONGEST_NAME} bytes of UTF-8, not '.' or '..', without backslash or NUL"
        )
    return parts
