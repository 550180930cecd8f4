"""The parsed footers of the files that were read last, and pyarrow's readers over them.

A reader of pyarrow must not be used by two threads at once: whoever reads takes one out of a pool and puts it back.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from typing import Any

import pyarrow as pa
from pyarrow.parquet.core import ParquetReader

from pytempo.backend import KeptOpen
from pytempo.block.checked_file import CheckedFile, Range, Window
from pytempo.errors import Damaged

UNREADABLE = (pa.ArrowException, OSError)
"""What pyarrow raises for bytes that are not what the footer says, checksums that differ among them."""

READERS_KEPT = 4
"""Idle readers of one file: a reader costs a millisecond to make and some 100 KB to keep."""

_TAIL = 64 * 1024
"""Bytes read from the end of a file in one go; the footer of a small block lies in them."""


class Footer:
    """The footer of one file, and the readers that nobody reads with at the moment. Safe to use from several threads."""

    def __init__(self, content: CheckedFile) -> None:
        """Raises Damaged where it cannot be parsed, and what reading raises."""
        self._content, self.metadata = content, _read_footer(content)
        self._lock = threading.Lock()
        self._idle: list[_Reader] = []

    @property
    def chunks(self) -> int:
        """Of how many column chunks it tells."""
        return int(self.metadata.num_row_groups * self.metadata.num_columns)

    def read(self, groups: Sequence[int], columns: Collection[int], ranges: Sequence[Range], dictionaries: list[str]) -> Any:
        """Leaves of row groups as one table; `ranges` are those of their column chunks, `dictionaries` the leaves to be read as codes.

        Raises one of UNREADABLE for bytes that are not what they should be; who reads with a file always gives the same dictionaries.
        """
        with self._lock:
            reader = self._idle.pop() if self._idle else None
        reader = reader or _Reader(self._content, self.metadata, dictionaries)
        table = reader.read(groups, columns, ranges)
        with self._lock:
            if len(self._idle) < READERS_KEPT:
                self._idle.append(reader)
        return table


MOST_CHUNKS = 128 * 1024
"""Column chunks of all footers that are kept, 1.2 KB each as pyarrow holds them: 150 MB for twelve million spans. Beyond that those of
files that were read longest ago are parsed again when they are needed, 14 ms for a million spans."""

FOOTERS = KeptOpen[Footer](MOST_CHUNKS, lambda footer: footer.chunks)
"""Those of all stores of the process."""


class _Reader:
    """One reader of pyarrow with the room that it reads from. One thread at a time."""

    def __init__(self, content: CheckedFile, metadata: Any, dictionaries: list[str]) -> None:
        self._content, self._window = content, Window(content.size)
        self._parquet = _opened(self._window.buffer, metadata=metadata, read_dictionary=dictionaries, page_checksum_verification=True)

    def read(self, groups: Sequence[int], columns: Collection[int], ranges: Sequence[Range]) -> Any:
        """Leaves of row groups as one table; `ranges` are those of the column chunks they lie in."""
        laid = self._content.fill(self._window, ranges)
        try:
            return self._parquet.read_row_groups(list(groups), column_indices=sorted(columns), use_threads=False)
        finally:
            self._window.clear(laid)


def _opened(buffer: Any, **options: Any) -> Any:
    """What `pyarrow.parquet.ParquetFile` reads with, without its table of names: making that takes ten times as long as all the rest."""
    reader = ParquetReader()
    reader.open(pa.BufferReader(buffer), use_memory_map=False, buffer_size=0, pre_buffer=False, **options)
    return reader


def _read_footer(content: CheckedFile) -> Any:
    """The footer, which lies before its length and four letters at the end of the file."""
    length = min(_TAIL, content.size)
    tail = content.read(content.size - length, length)
    wanted = int.from_bytes(tail[-8:-4], "little") + 8
    if length < wanted <= content.size:
        tail = content.read(content.size - wanted, wanted)
    try:
        return _opened(tail).metadata
    except UNREADABLE as error:
        raise Damaged(content.path, f"no Parquet footer that can be read: {error}") from error
