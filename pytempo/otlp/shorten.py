"""Attributes cut to a limit, for tenants that have one: their keys, and their values that are text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from pytempo.model.arrays import Bools, Text, byte_ranges, coded, plain_text
from pytempo.model.attributes import Attributes
from pytempo.model.batch import MemoryBatch
from pytempo.model.levels import Level
from pytempo.otlp.attributes import last_of_each_key


def shorten(batch: MemoryBatch, longest: int) -> tuple[MemoryBatch, int]:
    """The batch with no key and no text longer than `longest` bytes, and how many were cut; cut between characters of UTF-8.

    Of keys that are the same when cut, the last one stays.
    """
    count, tables = 0, {}
    for level, table in batch.tables.items():
        keys, values = _too_long(table.key_names, longest), _too_long(table.strings, longest)
        if keys.any() or values.any():
            count += int(np.count_nonzero(keys[table.keys])) + int(values.sum())
            tables[level] = _shortened(table, keys, values, longest)
    if not tables:
        return batch, 0
    return replace(batch, tables=batch.tables | tables, columns=_without_copies(batch), _derived={}), count


def _shortened(table: Attributes, keys: Bools, values: Bools, longest: int) -> Attributes:
    if values.any():
        table = replace(table, strings=_cut(table.strings, values, longest))
    if not keys.any():
        return table
    codes, names = coded(_cut(table.key_names, keys, longest))
    table = replace(table, keys=codes[table.keys].astype(np.int32), key_names=names)
    keep = last_of_each_key(table.offsets, table.keys)
    return table if keep is None else table.where(keep)


def _without_copies(batch: MemoryBatch) -> dict[tuple[Level, str], Any]:
    """The columns but for what was worked out from attributes."""
    return {key: column for key, column in batch.columns.items() if key[1] != "service_name"}


def _too_long(column: Text, longest: int) -> Bools:
    offsets, _ = byte_ranges(plain_text(column))
    return offsets[1:] - offsets[:-1] > longest


def _cut(column: Text, which: Bools, longest: int) -> Text:
    """The values of the mask cut; there are few of them, and each has many bytes."""
    values = plain_text(column)
    short = [value.as_py().encode()[:longest].decode(errors="ignore") for value in values.filter(pa.array(which))]
    place = np.cumsum(which) - 1
    both = pa.concat_arrays([values, pa.array(short, pa.string())])
    return both.take(pa.array(np.where(which, len(values) + place, np.arange(len(values)))))
