"""The vParquet4 block format: its columns and how they are written; the files around data.parquet are left to the packages above."""

from __future__ import annotations

from pytempo.block.vparquet4.row_groups import SPANS_PER_ROW_GROUP, row_group_bounds
from pytempo.block.vparquet4.schema import DEDICATED_COLUMNS, LEAVES, RESOURCE_COLUMNS, SCHEMA, SPAN_INT_COLUMNS, SPAN_STRING_COLUMNS
from pytempo.block.vparquet4.write_options import BLOOM_COLUMNS, write_options

__all__ = [
    "BLOOM_COLUMNS",
    "DEDICATED_COLUMNS",
    "LEAVES",
    "RESOURCE_COLUMNS",
    "SCHEMA",
    "SPANS_PER_ROW_GROUP",
    "SPAN_INT_COLUMNS",
    "SPAN_STRING_COLUMNS",
    "row_group_bounds",
    "write_options",
]
