"""An open data.parquet: its footer, what the footer says of each column chunk, and reading leaves of a row group as flat arrays.

The file is mapped into memory once and its readers are made over the mapping, so a deletion of the file does not disturb whoever still
reads it. A reader of pyarrow must not be used by two threads at once: whoever reads takes one out of a pool and puts it back.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pytempo.backend import Backend
from pytempo.block.value_bloom import ValueBlooms, parse_filter
from pytempo.block.vparquet4.dictionary_page import distinct_values
from pytempo.block.vparquet4.layout import Layout, layout_of
from pytempo.errors import Damaged, NotFound

UNREADABLE = (pa.ArrowException, OSError)
"""What pyarrow raises for bytes that are not what the footer says, checksums that differ among them."""

BARE = layout_of()
"""What a file is taken for where nothing else is said: vParquet4 without dedicated columns."""

READERS_KEPT = 4
"""Idle readers of one file: a reader costs a millisecond to make and some 100 KB to keep."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What the footer says of one column in one row group."""

    size: int
    """Compressed bytes."""

    empty: bool
    """Whether it certainly holds no value: nothing but nulls and empty lists."""

    low: Any = None
    """No value is less: int, float, bool, or bytes (compared bytewise); None where unknown."""

    high: Any = None
    """No value is greater."""

    memory: int = 0
    """Bytes that its values take when they are read, at least."""


@dataclass(frozen=True, slots=True)
class Leaves:
    """Columns of one row group, by path."""

    arrays: dict[str, Any]
    """Every leaf as one flat Arrow array."""

    offsets: dict[str, NDArray[np.int32]]
    """For every list above those leaves where its elements lie, by the path of the list."""


class DataFile:
    """One data.parquet, mapped. Safe to use from several threads."""

    def __init__(self, path: str, content: Any, layout: Layout = BARE) -> None:
        """`content` is the whole file as a `pa.Buffer`, `path` its name in messages. Raises Damaged where its footer cannot be read."""
        self.path, self._content, self.layout = path, content, layout
        try:
            self.footer = pq.read_metadata(pa.BufferReader(content))
        except UNREADABLE as error:
            raise Damaged(path, f"no Parquet footer that can be read: {error}") from error
        self._lock = threading.Lock()
        self._idle: list[Any] = []
        self._chunks: dict[tuple[int, str], Chunk] = {}
        self._distinct: dict[tuple[int, str], frozenset[bytes] | None] = {}
        missing = layout.leaves.keys() - self._columns.keys()
        if missing:
            raise Damaged(path, f"{len(missing)} columns of its format are missing, {min(missing)} among them")

    @classmethod
    def open(cls, backend: Backend, key: str, layout: Layout = BARE) -> DataFile:
        """The file under a key. Raises NotFound where it is gone, Unavailable, Damaged."""
        path = backend.local_path(key)
        if path is None:
            return cls(key, pa.py_buffer(backend.get(key)), layout)
        try:
            with pa.memory_map(str(path)) as file:
                return cls(str(path), file.read_buffer(), layout)
        except FileNotFoundError as error:
            raise NotFound(f"{path}: no such file") from error

    @property
    def row_groups(self) -> int:
        return int(self.footer.num_row_groups)

    @cached_property
    def first_rows(self) -> NDArray[np.int64]:
        """The first row of each row group and, last, the number of rows."""
        return np.cumsum([0, *(self.footer.row_group(group).num_rows for group in range(self.row_groups))], dtype=np.int64)

    @cached_property
    def _columns(self) -> dict[str, int]:
        schema = self.footer.schema
        numbers = {schema.column(number).path: number for number in range(len(schema))}
        spelt = {path: self.layout.in_file(path) for path in self.layout.leaves}
        return {path: numbers[name] for path, name in spelt.items() if name in numbers}

    @cached_property
    def _dictionaries(self) -> list[str]:
        """The leaves to read as codes, as the file spells them; not those that some writer keeps as deltas, which cannot be read so."""
        if not self.row_groups:
            return []
        first = self.footer.row_group(0)
        columns = {path: first.column(self._columns[path]) for path in self.layout.dictionaries}
        return [self.layout.in_file(path) for path, column in columns.items() if not any("DELTA" in name for name in column.encodings)]

    def chunk(self, group: int, path: str) -> Chunk:
        """What the footer says of a leaf in a row group."""
        key = (group, path)
        if key not in self._chunks:
            self._chunks[key] = _chunk(self.footer.row_group(group).column(self._columns[path]), self.layout.leaves[path])
        return self._chunks[key]

    def might_hold(self, group: int, path: str, value: str) -> bool:
        """Whether a text may be among the values of a leaf that has a dictionary, such as a key among the keys. Raises Damaged."""
        key = (group, path)
        if key not in self._distinct:
            chunk = self.footer.row_group(group).column(self._columns[path])
            self._distinct[key] = frozenset() if self.chunk(group, path).empty else distinct_values(self._content, chunk, self.path)
        distinct = self._distinct[key]
        return distinct is None or value.encode(errors="surrogatepass") in distinct

    def value_blooms(self, path: str) -> ValueBlooms:
        """The Parquet bloom filters of a leaf, one for each row group. Raises Damaged for one that cannot be read."""
        filters = []
        for group in range(self.row_groups):
            column = self.footer.row_group(group).column(self._columns[path])
            offset, length = column.bloom_filter_offset, column.bloom_filter_length
            data = self._content[offset : offset + length].to_pybytes() if offset is not None and length else None
            filters.append(None if data is None else parse_filter(data, f"{self.path} ({path})", offset))
        return ValueBlooms.of(filters)

    def read(self, group: int, paths: Collection[str]) -> Leaves:
        """Leaves of one row group, in one go. Raises Damaged, naming file and row group."""
        leaves = Leaves({}, {})
        try:
            reader = self._take_reader()
            table = reader.read_row_group(group, columns=[self.layout.in_file(path) for path in paths], use_threads=False)
        except UNREADABLE as error:
            raise Damaged(self.path, f"row group {group} cannot be read: {error}") from error
        with self._lock:
            if len(self._idle) < READERS_KEPT:
                self._idle.append(reader)
        for name in table.column_names:
            _flatten(_whole(table, name), name, leaves)
        return leaves

    def read_all(self, path: str) -> Any:
        """A top-level leaf of all row groups, as a chunked array. Raises Damaged."""
        try:
            return self._reader().read(columns=[path], use_threads=False).column(0)
        except UNREADABLE as error:
            raise Damaged(self.path, f"column {path} cannot be read: {error}") from error

    def _take_reader(self) -> Any:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._reader()

    def _reader(self) -> Any:
        return pq.ParquetFile(
            pa.BufferReader(self._content),
            metadata=self.footer,
            read_dictionary=self._dictionaries,
            page_checksum_verification=True,
        )


def _chunk(column: Any, type: Any) -> Chunk:
    statistics, size = column.statistics, column.total_compressed_size
    width = 4 if pa.types.is_binary(type) or pa.types.is_string(type) else type.bit_width // 8  # of text an offset or a code
    memory = max(column.total_uncompressed_size, column.num_values * width)
    if statistics is None:
        return Chunk(size, False, memory=memory)
    empty = bool(statistics.has_null_count) and statistics.null_count == column.num_values
    if not statistics.has_min_max:
        return Chunk(size, empty, memory=memory)
    low, high = statistics.min_raw, statistics.max_raw
    if type == pa.uint64():
        low, high = low % 2**64, high % 2**64
    return Chunk(size, empty, low, high, memory)


def _whole(table: Any, name: str) -> Any:
    """A column of a table as one array."""
    column = table.column(name)
    if column.num_chunks > 1:
        column = pa.table({name: column}).unify_dictionaries().column(0).combine_chunks()
        return column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    return column.chunk(0)


def _flatten(array: Any, path: str, leaves: Leaves) -> None:
    """Take an array apart: leaves by their path, and the offsets of every list on the way."""
    type = array.type
    if pa.types.is_map(type):
        leaves.offsets[path] = np.asarray(array.offsets)
        _flatten(array.keys, f"{path}.key_value.key", leaves)
        _flatten(array.items, f"{path}.key_value.value", leaves)
    elif pa.types.is_list(type):
        leaves.offsets[path] = np.asarray(array.offsets)
        _flatten(array.values, f"{path}.list.element", leaves)
    elif pa.types.is_struct(type):
        for place in range(type.num_fields):
            _flatten(array.field(place), f"{path}.{type.field(place).name}", leaves)
    else:
        leaves.arrays[path] = array
