"""One row group of a vParquet3 file as a batch: what vParquet4 has otherwise is brought into its form, all else is read by its code."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from pytempo.block.vparquet3.attributes import Keys, from_columns, from_messages
from pytempo.block.vparquet3.layout import EVENT_TIME, EVENT_VALUE, LINKS, json_leaves
from pytempo.block.vparquet4.columns import ATTRIBUTES
from pytempo.block.vparquet4.read_attributes import joined_table
from pytempo.block.vparquet4.rows import RowGroupBatch
from pytempo.block.vparquet4.wanted import lies_in_columns
from pytempo.errors import Damaged
from pytempo.model.arrays import Ints, owners_of
from pytempo.model.attributes import Attributes, Values
from pytempo.model.batch import Batch
from pytempo.model.levels import Level
from pytempo.otlp.below import Below, read_link_slices


class Vparquet3Batch(RowGroupBatch):
    """As `RowGroupBatch`; the attributes of a level are read as a whole."""

    def count(self, level: Level) -> int:
        return int(self._links.offsets[-1]) if level is Level.LINK else super().count(level)

    def offsets(self, level: Level) -> Any:
        return self._links.offsets if level is Level.LINK else super().offsets(level)

    def release(self) -> None:
        super().release()
        self.__dict__.pop("_links", None)

    def attributes(self, level: Level) -> Attributes:
        if level not in self._tables:
            self._tables[level] = self._read_table(level)
        return self._tables[level]

    def attributes_at(self, level: Level, rows: Ints) -> Attributes:
        return Batch.attributes_at(self, level, rows)

    def keys(self, level: Level) -> tuple[Ints, Ints, Any]:
        return Batch.keys(self, level)

    def key_names(self, level: Level) -> Any:
        leaves = [ATTRIBUTES[level].key, *(column.path for column in self._own[level])]
        return self._known(("key_names", level), leaves, lambda: Batch.key_names(self, level))

    def _read_values(self, level: Level, key: str) -> Values:
        if lies_in_columns(level, key, self._stretch):
            return super()._read_values(level, key)
        return self.attributes(level).values(key)

    def _stored(self, level: Level, name: str) -> Any:
        if level is Level.LINK:
            return self._links.columns[level, name]
        if (level, name) == (Level.EVENT, "time_since_start"):
            return self._times_since_start()
        return super()._stored(level, name)

    def _times_since_start(self) -> Any:
        """An event before its span wraps around in 64 bits, as it does where the difference is stored."""
        leaf = self._leaf(EVENT_TIME)
        times = np.empty(0, np.uint64) if leaf is None else np.asarray(leaf)
        return times - self.stored(Level.SPAN, "start")[owners_of(self.offsets(Level.EVENT))]

    @cached_property
    def _links(self) -> Below:
        links = read_link_slices(self._leaf(LINKS))
        if links.bad.any():
            raise Damaged(self._stretch.file.path, f"{self._stretch}: the links of span {int(np.flatnonzero(links.bad)[0])} cannot be read")
        return links

    def _read_table(self, level: Level) -> Attributes:
        if level is Level.LINK:
            return self._links.attributes
        if level not in self._layout.attributes:
            return Attributes.empty(self.count(level))
        self._load([*self._layout.attributes[level].all(), *(column.path for column in self._own[level])])
        lists = self._keys(level)
        keys = Keys(lists.offsets, lists.keys, lists.key_names)
        try:
            if level is Level.EVENT:
                values = self._leaf(EVENT_VALUE)
                return from_messages(keys, pa.array([], pa.binary()) if values is None else values)
            return joined_table(self._from_columns(level, keys), self._own_columns(level))
        except ValueError as error:
            raise Damaged(self._stretch.file.path, f"{self._stretch}: {level.word} attributes cannot be read: {error}") from error

    def _from_columns(self, level: Level, keys: Keys) -> Attributes:
        scalars = {kind: self._leaf(path) for kind, path in (self._layout.attributes[level].values or {}).items()}
        json = [self._leaf(path) for path in json_leaves(level)]
        return from_columns(
            keys, {kind: leaf for kind, leaf in scalars.items() if leaf is not None}, [leaf for leaf in json if leaf is not None]
        )
