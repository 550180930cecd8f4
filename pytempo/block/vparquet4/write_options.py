"""How the columns of a data.parquet are encoded: the arguments for pyarrow's Parquet writer, and why each is as it is.

One choice is not about size but about right answers: dictionaries must be complete. Tempo takes a column chunk's dictionary for
the list of all its values, so a chunk that falls back to plain values half-way makes it miss traces without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from pytempo.block.vparquet4 import paths
from pytempo.block.vparquet4.schema import DEDICATED_COLUMNS, LEAVES

DEDICATED = frozenset(paths.dedicated(level, name) for level in ("resource", "span") for name in DEDICATED_COLUMNS)
"""Columns of attributes that the block's meta.json lists."""

BLOOM_COLUMNS = frozenset({paths.SPAN_ATTRIBUTES.value, paths.RESOURCE_ATTRIBUTES.value}) | DEDICATED
"""String values of span and resource attributes may have a Parquet bloom filter in each row group: +1.6 to 3.3 bytes a span, and a search
for one value reads only the groups that may hold it. A dedicated column has one where its values seldom repeat."""

BLOOM_VALUES = 25_000
"""Distinct values a filter is sized for: the partner of row groups of 10,000 spans with two or three distinctive values each."""

BLOOM_FALSE_POSITIVE_RATE = 0.01

_UNLIMITED = 1 << 30
"""Bytes a dictionary may have: beyond any row group, so that pyarrow never gives one up."""

_PAGE_BYTES = 256 * 1024
"""Bytes of a data page before compression, as Tempo writes them."""

_PLAIN_INTEGERS = {
    paths.RESOURCE_ATTRIBUTES.value_int,
    paths.SCOPE_ATTRIBUTES.value_int,
    paths.EVENT_ATTRIBUTES.value_int,
    paths.LINK_ATTRIBUTES.value_int,
}
"""Mostly empty columns, where a dictionary is only a page more."""

_DICTIONARY_INTEGERS = {paths.SPAN_ATTRIBUTES.value_int, paths.SPAN_HTTP_STATUS_CODE}
"""Codes, ports and sizes repeat: a dictionary is smaller than deltas."""

_UNIQUE_TEXT = {
    paths.TRACE_ID_TEXT,
    paths.SERVICE_STATS_NAME,
    paths.SPAN_TRACE_STATE,
    paths.SPAN_STATUS_MESSAGE,
    paths.LINK_TRACE_STATE,
    paths.SPAN_ATTRIBUTES.value,  # 49.4 instead of 53.0 bytes a span: many values appear once, and zstd finds those that repeat
    paths.RESOURCE_ATTRIBUTES.value_unsupported,
    paths.SCOPE_ATTRIBUTES.value_unsupported,
    paths.SPAN_ATTRIBUTES.value_unsupported,
    paths.EVENT_ATTRIBUTES.value_unsupported,
    paths.LINK_ATTRIBUTES.value_unsupported,
}
"""Text that seldom repeats, or stands in so few rows that a dictionary is only a page more."""


def write_options() -> dict[str, Any]:
    """Keyword arguments for `pyarrow.parquet.ParquetWriter` (with `SCHEMA`) and `write_table`; the row groups are the caller's."""
    encodings = column_encodings()
    return {
        "compression": "zstd",
        "compression_level": 3,
        # Version 2 leaves repetition and definition levels uncompressed, and a span has a hundred: 84 bytes a span instead of about 50.
        "data_page_version": "1.0",
        "data_page_size": _PAGE_BYTES,
        "write_page_index": True,
        "write_page_checksum": True,
        "store_schema": False,
        "dictionary_pagesize_limit": _UNLIMITED,
        "use_dictionary": [path for path in LEAVES if path not in encodings],
        "column_encoding": encodings,
        "bloom_filter_options": {column: bloom_filter(BLOOM_VALUES) for column in BLOOM_COLUMNS - DEDICATED},
    }


def bloom_filter(values: int) -> dict[str, Any]:
    """The options of a filter for so many distinct values."""
    return {"ndv": values, "fpp": BLOOM_FALSE_POSITIVE_RATE}


def with_unique_text(options: dict[str, Any], columns: Mapping[str, int]) -> dict[str, Any]:
    """The options for a file in which some columns, by their path, have so many distinct values in a row group that few of them repeat."""
    return options | {
        "use_dictionary": [path for path in options["use_dictionary"] if path not in columns],
        "column_encoding": options["column_encoding"] | dict.fromkeys(columns, "DELTA_LENGTH_BYTE_ARRAY"),
        "bloom_filter_options": options["bloom_filter_options"] | {path: bloom_filter(values) for path, values in columns.items()},
    }


def column_encodings() -> dict[str, str]:
    """Leaf path -> encoding, for every leaf that has no dictionary."""
    chosen = {path: _encoding(path, type) for path, type in LEAVES.items()}
    return {path: encoding for path, encoding in chosen.items() if encoding is not None}


def _encoding(path: str, type: pa.DataType) -> str | None:
    """None means a dictionary: names, keys and values that repeat."""
    if pa.types.is_binary(type) or path in _UNIQUE_TEXT:
        return "DELTA_LENGTH_BYTE_ARRAY"
    if pa.types.is_string(type) or path in _DICTIONARY_INTEGERS:
        return None
    if pa.types.is_integer(type) and path not in _PLAIN_INTEGERS:
        return "DELTA_BINARY_PACKED"
    return "PLAIN"
