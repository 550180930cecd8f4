"""Owns the folder `damaged/`: what could not be read is kept there for a person to look at, and never deleted."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from uuid import UUID

from pytempo.wal.files import Files, write_all
from pytempo.wal.names import COPYING_SUFFIX, DAMAGED_FOLDER, damaged_bytes_name
from pytempo.wal.reader import WINDOW_BYTES, Damage
from pytempo.wal.segment import SegmentInfo


class DamagedFolder:
    """Copies of damaged bytes and whole files that were set aside. One thread at a time; the folder is made when it is needed."""

    def __init__(self, wal_directory: Path, files: Files, logger: logging.Logger) -> None:
        self._directory, self._files, self._logger = wal_directory / DAMAGED_FOLDER, files, logger
        self._uncopied: set[tuple[UUID, int]] = set()

    def keep_bytes(self, segment: SegmentInfo, damage: Damage) -> None:
        """Copies damaged bytes unless an earlier replay did so; a copy that fails is logged and never stops a replay."""
        target = self._directory / damaged_bytes_name(segment.path.name, damage.offset)
        try:
            if target.exists():
                return
            self._make()
            self._copy(segment.path, damage, target)
        except OSError as error:
            self._uncopied.add((segment.id, damage.offset))
            self._logger.warning("WAL: damaged bytes cannot be copied to %s: %s; the segment will be kept instead", target, error.strerror)
        else:
            self._uncopied.discard((segment.id, damage.offset))
            self._logger.info("WAL: damaged bytes were copied to %s", target)

    def must_keep(self, segment: SegmentInfo) -> bool:
        """Whether damaged bytes are in this segment and nowhere else, so that it has to be set aside instead of deleted."""
        return any(segment_id == segment.id for segment_id, _ in self._uncopied)

    def keep_file(self, path: Path) -> Path:
        """Moves a whole file into the folder and says where it is now. Raises OSError, FileExistsError for a name that is taken."""
        self._make()
        target = self._directory / path.name
        if target.exists():
            raise FileExistsError(f"{target} exists")
        self._files.rename(path, target)
        self._files.sync_directory(self._directory)
        self._files.sync_directory(path.parent)
        return target

    def _make(self) -> None:
        if not self._directory.is_dir():
            self._directory.mkdir()
            self._files.sync_directory(self._directory.parent)

    def _copy(self, source: Path, damage: Damage, target: Path) -> None:
        """A whole copy under the final name, or none: it is made beside it and renamed when it is durable."""
        copying = target.with_name(target.name + COPYING_SUFFIX)
        copying.unlink(missing_ok=True)
        descriptor = self._files.create(copying)
        try:
            with open(source, "rb", buffering=0) as file:
                for offset in range(damage.offset, damage.end, WINDOW_BYTES):
                    part = os.pread(file.fileno(), min(WINDOW_BYTES, damage.end - offset), offset)
                    write_all(self._files, descriptor, part, offset - damage.offset)
            self._files.sync(descriptor)
        finally:
            self._files.close(descriptor)
        self._files.rename(copying, target)
        self._files.sync_directory(self._directory)
