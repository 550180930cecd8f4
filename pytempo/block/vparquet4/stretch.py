"""Consecutive row groups of a file, read as one: a scan of everything goes by stretches, so that what each step costs is paid less often.

Small row groups make single searches cheap, and each of them costs a scan about half a millisecond of calls, however little is in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pytempo.block.vparquet4 import paths
from pytempo.block.vparquet4.data_file import DataFile, Leaves
from pytempo.model.arrays import joined

SPANS_PER_STRETCH = 200_000
"""Spans of a stretch, up to a half more or less: a column of eight bytes takes 1.6 MB, and the calls around it no longer count."""


class Stretch:
    """Row groups `groups` of a file, one or more; what the footer says of all of them together."""

    def __init__(self, file: DataFile, groups: range, within: Stretch | None = None) -> None:
        """`within` is the stretch of which a row group is a part."""
        self.file, self.groups, self.within = file, groups, within
        self._sizes: dict[str, int] = {}
        self._empty: dict[str, bool] = {}
        self._singles: dict[int, Stretch] = {}

    def __str__(self) -> str:
        """As messages name it."""
        first, last = self.groups[0], self.groups[-1]
        return f"row group {first}" if first == last else f"row groups {first} to {last}"

    @property
    def number(self) -> int:
        """One that no other stretch of the file has."""
        return self.groups.start << 24 | len(self.groups)

    @property
    def first_row(self) -> int:
        """The first row of the file that is in it."""
        return int(self.file.first_rows[self.groups.start])

    @property
    def rows(self) -> int:
        """How many rows, so traces, are in it."""
        return int(self.file.first_rows[self.groups.stop]) - self.first_row

    def single(self, group: int) -> Stretch:
        """One of its row groups."""
        if len(self.groups) == 1:
            return self
        if group not in self._singles:
            self._singles[group] = Stretch(self.file, range(group, group + 1), self)
        return self._singles[group]

    def singles(self) -> Iterator[Stretch]:
        """Its row groups, one after the other."""
        return map(self.single, self.groups)

    def size(self, path: str) -> int:
        """Compressed bytes of a leaf."""
        if path not in self._sizes:
            self._sizes[path] = sum(self.file.chunk(group, path).size for group in self.groups)
        return self._sizes[path]

    def memory(self, wanted: Collection[str]) -> int:
        """Bytes that the values of leaves take when they are read, at least."""
        return sum(self.file.chunk(group, path).memory for group in self.groups for path in wanted)

    def is_empty(self, path: str) -> bool:
        """Whether a leaf certainly holds no value: nothing but nulls and empty lists."""
        if path not in self._empty:
            self._empty[path] = all(self.file.chunk(group, path).empty for group in self.groups)
        return self._empty[path]

    def has_values(self, path: str) -> bool | None:
        """Whether a leaf holds any value but empty text; None where the footer does not tell."""
        if self.is_empty(path):
            return False
        return any(self.file.chunk(group, path).high not in (None, b"") for group in self.groups) or None

    def is_nowhere_set(self, path: str) -> bool:
        """Whether a leaf of flags holds no true one."""
        return all(chunk.empty or chunk.high is False for chunk in (self.file.chunk(group, path) for group in self.groups))

    def might_hold(self, path: str, value: str) -> bool:
        """As of the file, in any of the row groups. Raises Damaged."""
        return any(self.file.might_hold(group, path, value) for group in self.groups)

    def read(self, wanted: Collection[str]) -> Leaves:
        """Leaves of all of it, those of each row group in one go. Raises as the file."""
        # pyarrow cannot read dictionaries in lists of several row groups at once
        pieces = self.file.readers.together([partial(self.file.read, group, wanted) for group in self.groups])
        if len(pieces) == 1:
            return pieces[0]
        arrays = {path: joined([piece.arrays[path] for piece in pieces]) for path in pieces[0].arrays}
        return Leaves(arrays, {path: _joined_offsets([piece.offsets[path] for piece in pieces]) for path in pieces[0].offsets})


def _joined_offsets(offsets: list[NDArray[np.int32]]) -> NDArray[np.int32]:
    """Offsets of lists that stand one after the other."""
    before = np.cumsum([0, *(each[-1] for each in offsets[:-1])])
    moved = [each[1:] + np.int32(start) for each, start in zip(offsets, before, strict=True)]
    return np.concatenate([offsets[0][:1], *moved])


def stretches(file: DataFile) -> Iterator[Stretch]:
    """All of a file, in stretches of about equally many spans; where its row groups are large, each is one."""
    spans = np.cumsum([file.chunk(group, paths.SPAN_STATUS_CODE).values for group in range(file.row_groups)])
    if not len(spans):
        return
    parts = max(1, round(int(spans[-1]) / SPANS_PER_STRETCH))
    ends = np.searchsorted(spans, np.arange(1, parts + 1) * (int(spans[-1]) / parts) - 0.5) + 1
    first = 0
    for end in np.unique(ends).tolist():
        yield Stretch(file, range(first, end))
        first = end
