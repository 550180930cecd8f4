"""Parquet's split-block bloom filters over the values of one column: read once, then one value is tested against all row groups at once.

The filter is that of BloomFilter.md of the Parquet format: a Thrift header, then blocks of eight 32-bit words. The xxHash64 (seed 0)
of a value's bytes chooses a block by its upper half and one bit in each of the block's words by its lower half.
Filters of all row groups lie in one array, so a test is one numpy expression however many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from pytempo.block.thrift import CompactReader
from pytempo.errors import Damaged

_SALT = np.array([0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D, 0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31], np.uint32)
"""The eight odd factors of the specification, one for each word of a block."""

_BLOCK_BYTES = 32

_FULL = np.full((1, 8), 0xFFFFFFFF, np.uint32)
"""A filter of one block that might hold anything: stands where a row group has none."""


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


def read_value_blooms(columns: Iterable[Any], read: Callable[[int, int], bytes], path: str) -> ValueBlooms:
    """The filters of one leaf: `columns` are its column chunks as the footer tells of them, `read` gives bytes by offset and length.

    A row group without a filter, or whose filter has no recorded length, might hold anything. Raises as `parse_filter` and `read`.
    """
    filters = []
    for column in columns:
        offset, length = column.bloom_filter_offset, column.bloom_filter_length
        filters.append(parse_filter(read(offset, length), path, offset) if offset is not None and length else None)
    return ValueBlooms.of(filters)


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
