"""What queries leave behind of one batch for those that come after them: columns, in few bytes, found again by their name."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, TypeVar

import numpy as np

from pytempo.block.column_cache import BlockColumns
from pytempo.block.narrow import narrow, widen, widen_at
from pytempo.block.vparquet4.stretch import Stretch
from pytempo.block.vparquet4.within import Within
from pytempo.model.arrays import Ints
from pytempo.model.batch import Sized

T = TypeVar("T", bound=Sized)


class Keeping:
    """The columns of one stretch, or of a row group and the stretch that it lies in. Thread-safe."""

    def __init__(self, columns: BlockColumns | None, number: int, within: Within | None = None) -> None:
        """`columns` None keeps nothing; `number` is that of the stretch."""
        self.columns, self._number, self._within = columns, number, within

    @classmethod
    def of(cls, columns: BlockColumns, stretch: Stretch) -> Keeping:
        """That of a stretch, or of a row group of one, whose kept columns serve it as well."""
        return cls(columns, stretch.number, Within.kept(stretch, columns))

    def get(self, what: Hashable) -> Any:
        """What is kept under a name, None where nothing is."""
        if self.columns is None:
            return None
        found = self.columns.get(self._number, what)
        return widen(found) if found is not None or self._within is None else self._within.cut(what, self.columns)

    def at(self, what: Hashable, rows: Ints) -> Any:
        """Some rows of what is kept under a name, None where nothing is."""
        if self.columns is None:
            return None
        found = self.columns.get(self._number, what)
        if found is not None or self._within is None:
            return None if found is None else widen_at(found, rows)
        return self._within.at(what, rows, self.columns)

    def has(self, what: Hashable) -> bool:
        """Whether something is kept under a name at this moment."""
        if self.columns is None:
            return False
        if self.columns.has(self._number, what):
            return True
        return self._within is not None and self._within.cuts(what) and self.columns.has(self._within.number, what)

    def put(self, what: Hashable, made: T) -> T:
        """Keep something, if there may be room; returns it."""
        if self.columns is not None:
            if isinstance(made, np.ndarray):
                made.setflags(write=False)  # others will read it
            narrowed = narrow(made)
            self.columns.put(self._number, what, narrowed, narrowed.nbytes)
        return made
