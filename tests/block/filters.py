"""The bloom filters in a Parquet file, found by its footer as pyarrow reads it."""

from __future__ import annotations

import pyarrow.parquet as pq

from pytempo.backend import LocalBackend
from pytempo.block.value_bloom import ValueBlooms, parse_filter


def filters_of(backend: LocalBackend, key: str, metadata: pq.FileMetaData, column: str) -> ValueBlooms:
    """Those of a leaf, by its path, in all row groups."""
    number = next(number for number in range(metadata.num_columns) if metadata.schema.column(number).path == column)
    found = []
    for group in range(metadata.num_row_groups):
        chunk = metadata.row_group(group).column(number)
        offset, length = chunk.bloom_filter_offset, chunk.bloom_filter_length
        found.append(None if length is None else parse_filter(backend.read_range(key, offset, length), key, offset))
    return ValueBlooms.of(found)
