"""An open data.parquet: its footer, what the footer says of each column chunk, and reading leaves of a row group as flat arrays.

What is read comes from the disk at that moment, checked byte for byte (`block.checked_file`), and is given back when it is decoded.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pytempo.backend import Backend, Keeper
from pytempo.block.checked_file import CheckedFile
from pytempo.block.checksums import Checksums
from pytempo.block.meanwhile import ALONE, Readers
from pytempo.block.value_bloom import ValueBlooms, read_value_blooms
from pytempo.block.vparquet4.footers import FOOTERS, UNREADABLE, Footer
from pytempo.block.vparquet4.layout import Layout, layout_of
from pytempo.block.vparquet4.pages import distinct_values, might_contain
from pytempo.errors import Damaged

BARE = layout_of()
"""What a file is taken for where nothing else is said: vParquet4 without dedicated columns."""


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

    first: int = 0
    """Where its pages begin in the file."""

    values: int = 0
    """How many it has, nulls and empty lists among them."""


@dataclass(frozen=True, slots=True)
class Leaves:
    """Columns of one row group, by path."""

    arrays: dict[str, Any]
    """Every leaf as one flat Arrow array."""

    offsets: dict[str, NDArray[np.int32]]
    """For every list above those leaves where its elements lie, by the path of the list."""


class DataFile(Keeper[Footer]):
    """One data.parquet. Safe to use from several threads."""

    def __init__(self, content: CheckedFile, layout: Layout = BARE, readers: Readers = ALONE) -> None:
        """Raises Damaged where its footer cannot be read, and what reading raises."""
        self.path, self._content, self.layout, self.readers = content.path, content, layout, readers
        self._chunks: dict[tuple[int, str], Chunk] = {}
        self._distinct: dict[tuple[int, str], frozenset[bytes] | None] = {}
        missing = layout.leaves.keys() - self._columns.keys()
        if missing:
            raise Damaged(self.path, f"{len(missing)} columns of its format are missing, {min(missing)} among them")

    @classmethod
    def open(
        cls, backend: Backend, key: str, checksums: Checksums | None = None, layout: Layout = BARE, readers: Readers = ALONE
    ) -> DataFile:
        """The file under a key. Raises NotFound where it is gone, Unavailable, Damaged."""
        return cls(CheckedFile(backend.open(key), checksums), layout, readers)

    @property
    def _footer(self) -> Footer:
        return FOOTERS.take(self, lambda: Footer(self._content))

    @cached_property
    def row_groups(self) -> int:
        """How many it has."""
        return int(self._footer.metadata.num_row_groups)

    @cached_property
    def first_rows(self) -> NDArray[np.int64]:
        """The first row of each row group and, last, the number of rows."""
        metadata = self._footer.metadata
        return np.cumsum([0, *(metadata.row_group(group).num_rows for group in range(self.row_groups))], dtype=np.int64)

    @cached_property
    def _columns(self) -> dict[str, int]:
        schema = self._footer.metadata.schema
        numbers = {schema.column(number).path: number for number in range(len(schema))}
        spelt = {path: self.layout.in_file(path) for path in self.layout.leaves}
        return {path: numbers[name] for path, name in spelt.items() if name in numbers}

    @cached_property
    def _dictionaries(self) -> list[str]:
        """The leaves to read as codes, as the file spells them; not those that some writer keeps as deltas, which cannot be read so."""
        if not self.row_groups:
            return []
        first = self._footer.metadata.row_group(0)
        columns = {path: first.column(self._columns[path]) for path in self.layout.dictionaries}
        return [self.layout.in_file(path) for path, column in columns.items() if not any("DELTA" in name for name in column.encodings)]

    def chunk(self, group: int, path: str) -> Chunk:
        """What the footer says of a leaf in a row group."""
        key = (group, path)
        if key not in self._chunks:
            self._chunks[key] = _chunk(self._in_footer(group, path), self.layout.leaves[path])
        return self._chunks[key]

    def _in_footer(self, group: int, path: str) -> Any:
        return self._footer.metadata.row_group(group).column(self._columns[path])

    def might_hold(self, group: int, path: str, value: str) -> bool:
        """Whether a text may be among the values of a leaf that has a dictionary, such as a key among the keys. Raises Damaged."""
        key = (group, path)
        if key not in self._distinct:
            chunk = self._in_footer(group, path)
            self._distinct[key] = frozenset() if self.chunk(group, path).empty else distinct_values(self._content, chunk)
        distinct = self._distinct[key]
        return distinct is None or value.encode(errors="surrogatepass") in distinct

    def might_contain(self, group: int, path: str, value: str) -> bool:
        """Whether a text may be among the values of a leaf without a dictionary; nothing is known of others. Raises Damaged."""
        return might_contain(self._content, self._in_footer(group, path), value.encode(errors="surrogatepass"))

    def value_blooms(self, path: str) -> ValueBlooms:
        """The Parquet bloom filters of a leaf, one for each row group. Raises Damaged for one that cannot be read."""
        columns = (self._in_footer(group, path) for group in range(self.row_groups))
        return read_value_blooms(columns, self._content.read, f"{self.path} ({path})")

    def read(self, group: int, paths: Collection[str]) -> Leaves:
        """Leaves of one row group, in one go. Raises Damaged, naming file and row group, NotFound and Unavailable."""
        leaves = Leaves({}, {})
        table = self._read([group], paths)
        for name in table.column_names:
            _flatten(_whole(table, name), name, leaves)
        return leaves

    def read_all(self, path: str) -> Any:
        """A top-level leaf of all row groups, as a chunked array. Raises as `read`."""
        return self._read(range(self.row_groups), [path]).column(0)

    def _read(self, groups: Sequence[int], paths: Collection[str]) -> Any:
        chunks = [self.chunk(group, path) for group in groups for path in paths]
        ranges = [(chunk.first, chunk.first + chunk.size) for chunk in chunks]
        try:
            return self._footer.read(groups, [self._columns[path] for path in paths], ranges, self._dictionaries)
        except UNREADABLE as error:
            raise Damaged(self.path, f"{_named(groups)} cannot be read: {error}") from error


def _named(groups: Sequence[int]) -> str:
    return f"row group {groups[0]}" if len(groups) == 1 else f"a column of {len(groups)} row groups"


def _chunk(column: Any, type: Any) -> Chunk:
    statistics, size = column.statistics, column.total_compressed_size
    width = 4 if pa.types.is_binary(type) or pa.types.is_string(type) else type.bit_width // 8  # of text an offset or a code
    values = column.num_values
    memory = max(column.total_uncompressed_size, values * width)
    first = column.data_page_offset
    if column.has_dictionary_page and column.dictionary_page_offset is not None:
        first = min(first, column.dictionary_page_offset)
    if statistics is None:
        return Chunk(size, False, memory=memory, first=first, values=values)
    empty = bool(statistics.has_null_count) and statistics.null_count == column.num_values
    if not statistics.has_min_max:
        return Chunk(size, empty, memory=memory, first=first, values=values)
    low, high = statistics.min_raw, statistics.max_raw
    if type == pa.uint64():
        low, high = low % 2**64, high % 2**64
    return Chunk(size, empty, low, high, memory, first, values)


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
