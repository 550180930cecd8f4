"""The bloom filters in a Parquet file, found by its footer as pyarrow reads it."""

from __future__ import annotations

from functools import partial

import pyarrow.parquet as pq

from pytempo.backend import LocalBackend
from pytempo.block.value_bloom import ValueBlooms, read_value_blooms


def filters_of(backend: LocalBackend, key: str, metadata: pq.FileMetaData, column: str) -> ValueBlooms:
    """Those of a leaf, by its path, in all row groups."""
    number = next(number for number in range(metadata.num_columns) if metadata.schema.column(number).path == column)
    columns = (metadata.row_group(group).column(number) for group in range(metadata.num_row_groups))
    return read_value_blooms(columns, partial(backend.read_range, key), key)
