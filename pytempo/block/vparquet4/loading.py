"""The leaves behind a batch of row groups: read when they are asked for, counted, kept for later queries, and let go of."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable, Iterable
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytempo.block.vparquet4.columns import ATTRIBUTES, LISTS
from pytempo.block.vparquet4.data_file import Leaves
from pytempo.block.vparquet4.keeping import Keeping
from pytempo.block.vparquet4.stretch import Stretch
from pytempo.model.attributes import Attributes, Values
from pytempo.model.batch import Batch, Sized
from pytempo.model.ids import TraceIds
from pytempo.model.levels import Level
from pytempo.model.scan import Meter

T = TypeVar("T", bound=Sized)

_FLAGS = frozenset(attributes.is_array for attributes in ATTRIBUTES.values())

_DERIVED_ARRAYS = ("_trace_of_span", "_scope_of_span", "_parents", "_child_count", "_summary")
"""What a batch works out once and keeps."""


class Loading(Batch):
    """What a batch over row groups holds. Safe to use from several threads; what reads may raise Damaged, naming file and row group."""

    bytes_read: int
    """Compressed bytes of what has been read so far."""

    def __init__(
        self,
        stretch: Stretch,
        ahead: Collection[str] = (),
        ids: TraceIds | None = None,
        meter: Meter | None = None,
        keeping: Keeping | None = None,
    ) -> None:
        """`ahead` are leaves to read together with the first one that is asked for; `ids` the trace ids, where they are known.

        `meter` is told before anything is read, or taken from what earlier queries have left with `keeping`.
        """
        self._keeping = Keeping(None, stretch.number) if keeping is None else keeping
        self._counted: set[str] = set()
        self._stretch, self._ahead, self._ids, self._meter = stretch, set(ahead), ids, meter
        self._layout, self._own = stretch.file.layout, stretch.file.layout.own
        self._lock = threading.Lock()
        self._leaves: dict[str, Any] = {}
        self._lists: dict[str, NDArray[np.int32]] = {}
        self._columns: dict[tuple[Level, str], Any] = {}
        self._tables: dict[Level, Attributes] = {}
        self._values: dict[tuple[Level, str], Values] = {}
        self._begun: Callable[[], Leaves] | None = None
        self._held, self.bytes_read = 0, 0

    def begin(self) -> None:
        with self._lock:
            wanted = self._to_read(self._ahead - self._leaves.keys()) if self._begun is None else set()
            if wanted:
                self._ahead.clear()
                self._announce(wanted)
                self._begun = self._stretch.file.readers.meanwhile(partial(self._stretch.read, frozenset(wanted)))

    def release(self) -> None:
        """As of any batch; not while another thread reads."""
        with self._lock:
            for kept in (self._leaves, self._lists, self._columns, self._tables, self._values):
                kept.clear()
            self._held, self._begun = 0, None
            for name in _DERIVED_ARRAYS:
                self.__dict__.pop(name, None)

    def _known(self, what: Hashable, paths: Iterable[str], make: Callable[[], T]) -> T:
        """What an earlier query made of these leaves, or what is made now, and kept for later ones."""
        found: T | None = self._keeping.get(what)
        if found is None:
            return self._keeping.put(what, make())
        self._count(paths)
        return found

    def _count(self, paths: Iterable[str]) -> None:
        """Count leaves that were looked at without being read, as if they had been."""
        size = 0
        with self._lock:
            for path in paths:
                if path not in self._leaves and path not in self._counted and path in self._layout.leaves:  # of some formats it is another
                    self._counted.add(path)
                    size += 0 if self._says_nothing(path) else self._stretch.size(path)
            self.bytes_read += size
        if self._meter is not None and size:
            self._meter.reads(size)  # which may have this very batch release what it holds, so not under the lock

    def _leaf(self, path: str) -> Any:
        """A leaf, None where it holds nothing in this row group."""
        if path not in self._leaves:
            self._load([path])
        return self._leaves[path]

    def _says_nothing(self, path: str) -> bool:
        """Whether reading a leaf can be left out: it has no value here, or it is a flag that is nowhere set."""
        return self._stretch.is_empty(path) or (path in _FLAGS and self._stretch.is_nowhere_set(path))

    def _load(self, wanted: Iterable[str], ahead: bool = True) -> None:
        """Have these leaves read, and those that are to be read ahead with them."""
        with self._lock:
            self._finish()
            missing = set(wanted) - self._leaves.keys()
            if not missing:
                return
            if ahead:
                missing |= self._ahead - self._leaves.keys()
                self._ahead.clear()
            missing = self._to_read(missing)
            if missing:
                self._announce(missing)
                self._take(self._stretch.read(missing))

    def _finish(self) -> None:
        """Take in what another thread has read meanwhile."""
        if self._begun is not None:
            read, self._begun = self._begun, None
            self._take(read())

    def _to_read(self, missing: set[str]) -> set[str]:
        """Those of the leaves that say anything; the others are known then."""
        nothing = {path for path in missing if self._says_nothing(path)}
        self._leaves.update(dict.fromkeys(nothing))
        return missing - nothing

    def _announce(self, wanted: set[str]) -> None:
        size = sum(self._stretch.size(path) for path in wanted)
        if self._meter is not None:
            self._meter.reads(size, self, self._stretch.memory(wanted))
        self.bytes_read += size

    def _take(self, read: Leaves) -> None:
        lists = {path: offsets for path, offsets in read.offsets.items() if path not in self._lists}
        self._lists.update(lists)
        for level, path in LISTS.items():
            if path in lists and not self._keeping.has(("offsets", level)):
                self._keeping.put(("offsets", level), lists[path])  # of all levels: with one of them missing it would be read again
        self._leaves.update(read.arrays)
        if self._meter is not None:
            self._held += sum(array.nbytes for array in (*read.arrays.values(), *lists.values()))
            self._meter.holds(self, self._held)
