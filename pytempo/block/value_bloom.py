"""Parquet's split-block bloom filters over the values of one column: read once, then one value is tested against all row groups at once.

The filter is that of BloomFilter.md of the Parquet format: a Thrift header, then blocks of eight 32-bit words. The xxHash64 (seed 0)
of a value's bytes chooses a block by its upper half and one bit in each of the block's words by its lower half.
Filters of all row groups, also of several files, lie in one array, so a test is one numpy expression however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from pytempo.backend import Backend
from pytempo.block.thrift import CompactReader
from pytempo.errors import Damaged

_SALT = np.array([0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D, 0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31], np.uint32)
"""The eight odd factors of the specification, one for each word of a block."""

_BLOCK_BYTES = 32

_FULL = np.full((1, 8), 0xFFFFFFFF, np.uint32)
"""A filter of one block that might hold anything: stands where a row group has none."""

_NEAR = 64 * 1024
"""Filters not further apart than this are read in one go: reading 64 KiB for nothing costs less than another read."""


@dataclass(frozen=True, slots=True)
class ValueBlooms:
    """The filters of one column, one for each row group."""

    words: NDArray[np.uint32]
    """The blocks of all filters, one filter after the other, shape (blocks, 8)."""

    first: NDArray[np.uint64]
    """The first block of each filter, shape (row groups,)."""

    blocks: NDArray[np.uint64]
    """The number of blocks of each filter, shape (row groups,)."""

    def might_hold(self, value: str | bytes) -> NDArray[np.bool_]:
        """For each row group: False when the column certainly does not hold the value there, shape (row groups,)."""
        plain = value.encode(errors="surrogatepass") if isinstance(value, str) else value
        hash = xxhash.xxh64_intdigest(plain, seed=0)
        block = self.first + ((np.uint64(hash >> 32) * self.blocks) >> np.uint64(32))
        bits = np.uint32(1) << ((np.uint32(hash & 0xFFFFFFFF) * _SALT) >> np.uint32(27))
        return np.asarray(((self.words[block] & bits) == bits).all(axis=1))

    def __len__(self) -> int:
        return len(self.first)

    @classmethod
    def of(cls, filters: Sequence[NDArray[np.uint32] | None]) -> ValueBlooms:
        """Put filters, each of shape (blocks, 8), side by side; None, for a row group without one, might hold anything."""
        words = [_FULL if filter is None else filter for filter in filters]
        blocks = np.array([len(filter) for filter in words], np.uint64)
        return cls(np.concatenate(words) if words else _FULL[:0], np.cumsum(blocks) - blocks, blocks)

    @classmethod
    def join(cls, files: Sequence[ValueBlooms]) -> ValueBlooms:
        """The filters of several files as one: the row groups of the first file, then those of the second, and so on."""
        blocks = np.concatenate([file.blocks for file in files]) if files else np.zeros(0, np.uint64)
        words = np.concatenate([file.words for file in files]) if files else _FULL[:0]
        return cls(words, np.cumsum(blocks) - blocks, blocks)


def read_value_blooms(backend: Backend, key: str, metadata: pq.FileMetaData, column: str) -> ValueBlooms:
    """The filters of a leaf column (dotted path) in all row groups of the Parquet file under `key`, whose footer is `metadata`.

    A row group whose filter is absent, has no recorded length, or is of a kind this reader does not know might hold anything.
    Raises `Damaged` with the offset for a filter that is not what its header says, KeyError for a column that is not in the file.
    """
    number = _column_number(metadata, column)
    chunks = [metadata.row_group(group).column(number) for group in range(metadata.num_row_groups)]
    places = [(chunk.bloom_filter_offset, chunk.bloom_filter_length) if chunk.bloom_filter_length else None for chunk in chunks]
    bytes_at = _read(backend, key, [place for place in places if place is not None])
    return ValueBlooms.of([None if place is None else parse_filter(bytes_at[place[0]], f"{key} ({column})", place[0]) for place in places])


def parse_filter(data: bytes, path: str, offset: int = 0) -> NDArray[np.uint32] | None:
    """The blocks of one filter, header and bits in `data`, shape (blocks, 8); None for an algorithm, hash or compression not known here.

    Raises `Damaged`, naming `path` and the `offset` at which `data` begins there.
    """
    reader = CompactReader(data)
    try:
        header = reader.read_struct()
    except ValueError as error:
        raise Damaged(path, f"no header of a bloom filter: {error}", offset) from error
    size, rest = header.get(1), len(data) - reader.position
    if not isinstance(size, int) or size <= 0 or size % _BLOCK_BYTES or size != rest:
        raise Damaged(path, f"a bloom filter of {size} bytes, where {rest} bytes are recorded for it", offset)
    # Fields 2 to 4 are unions; member 1 of each is the only one there is: split block, xxHash, uncompressed.
    if not all(isinstance(header.get(field), dict) and 1 in header[field] for field in (2, 3, 4)):
        return None
    return np.frombuffer(data, "<u4", offset=reader.position).astype(np.uint32).reshape(-1, 8)


def _column_number(metadata: pq.FileMetaData, column: str) -> int:
    schema = metadata.schema
    for number in range(len(schema)):
        if schema.column(number).path == column:
            return number
    raise KeyError(f"no column {column}")


def _read(backend: Backend, key: str, places: Iterable[tuple[int, int]]) -> dict[int, bytes]:
    """The bytes of each (offset, length), by offset, read in as few ranges as are near each other."""
    found: dict[int, bytes] = {}
    for run in _runs(sorted(places)):
        start = run[0][0]
        data = backend.read_range(key, start, max(offset + length for offset, length in run) - start)
        found |= {offset: data[offset - start : offset - start + length] for offset, length in run}
    return found


def _runs(places: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    runs: list[list[tuple[int, int]]] = []
    end = 0
    for offset, length in places:
        if runs and offset - end <= _NEAR:
            runs[-1].append((offset, length))
        else:
            runs.append([(offset, length)])
        end = max(end, offset + length)
    return runs
