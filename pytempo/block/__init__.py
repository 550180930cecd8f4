"""The block format: file names, metadata, indexes and filters of a block, and the formats of its rows in packages of their own."""

from __future__ import annotations

from pytempo.block.dedicated import DedicatedColumn
from pytempo.block.id_bloom import BloomShard
from pytempo.block.meta import BlockMeta
from pytempo.block.row_index import RowIndex
from pytempo.block.time_ranges import Range, cover
from pytempo.block.value_bloom import ValueBlooms
from pytempo.block.versions import READABLE, WRITTEN, UnsupportedFormat, check_format

__all__ = [
    "READABLE",
    "WRITTEN",
    "BlockMeta",
    "BloomShard",
    "DedicatedColumn",
    "Range",
    "RowIndex",
    "UnsupportedFormat",
    "ValueBlooms",
    "check_format",
    "cover",
]
