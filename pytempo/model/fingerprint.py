"""Equality of whole rows, with all their attributes, as 128-bit numbers: made on whole columns, and comparable within one batch only.

Texts enter as the codes of their distinct values, so two batches give the same content other numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pytempo.model.arrays import Array, Ints, coded, owners_of, ranges, run_heads
from pytempo.model.attributes import TYPED, Attributes, Kind
from pytempo.model.batch import Batch
from pytempo.model.levels import COLUMNS, Level

Hashes: TypeAlias = NDArray[np.uint64]

SALTS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)
"""One for each of the two numbers of a fingerprint."""
ORDERED = (Level.EVENT, Level.LINK)
"""Levels whose attributes come back in the order in which they were sent. Those of resources and spans may lie in columns of their own."""


def group_equal(table: Attributes, more: Sequence[Array]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Rows with the same attributes (in whatever order) and the same `more` columns share a group.

    Returns the group of every row, groups numbered by first appearance, and the first row of every group.
    """
    count = len(table.offsets) - 1
    keys = [np.asarray(column) for column in more] + [_attribute_hash(table, salt, ordered=False) for salt in SALTS]
    order = np.lexsort(tuple(reversed(keys)))
    head = run_heads(*[key[order] for key in keys]) if count else np.empty(0, np.bool_)
    first_of_run = order[head]
    number = np.empty(len(first_of_run), np.int32)
    number[np.argsort(first_of_run, kind="stable")] = np.arange(len(first_of_run), dtype=np.int32)
    group = np.empty(count, np.int32)
    group[order] = number[np.cumsum(head) - 1] if count else 0
    return group, np.sort(first_of_run)


def span_fingerprints(batch: Batch) -> tuple[Hashes, Hashes]:
    """Two numbers for every span [n] over all that is stored of it, its events, its links, its scope and its resource."""
    first, second = (_span_hash(batch, salt) for salt in SALTS)
    return first, second


def _span_hash(batch: Batch, salt: int) -> Hashes:
    scope = _level_hash(batch, Level.SCOPE, salt)
    resource = _level_hash(batch, Level.RESOURCE, salt)[batch.resource_of_scope()]
    parts = [_level_hash(batch, Level.SPAN, salt), _combined([scope, resource], salt)[batch.scope_of_span()]]
    for level in (Level.EVENT, Level.LINK):
        offsets = batch.offsets(level)
        parts.append(_summed(_level_hash(batch, level, salt), offsets, salt))
    return _combined(parts, salt)


def _level_hash(batch: Batch, level: Level, salt: int) -> Hashes:
    columns = [_numbers(batch.stored(level, name)) for name in COLUMNS[level]]
    return _combined([*columns, _attribute_hash(batch.attributes(level), salt, ordered=level in ORDERED)], salt)


def _numbers(column: Any) -> Hashes:
    """A stored column as numbers that are equal where its values are."""
    numbers = column if isinstance(column, np.ndarray) else coded(column)[0]
    return numbers.astype(np.uint64)


def _combined(columns: Sequence[Hashes], salt: int) -> Hashes:
    """One number a row over several columns."""
    out = np.full(len(columns[0]), salt, np.uint64)
    for column in columns:
        out = _mix(out * np.uint64(0x100000001B3) + column)
    return out


def _summed(hashes: Hashes, offsets: Ints, salt: int) -> Hashes:
    """One number for each owner over what it owns, in order."""
    place = ranges(np.zeros(len(offsets) - 1, np.int64), np.diff(offsets)).astype(np.uint64)
    out = np.zeros(len(offsets) - 1, np.uint64)
    np.add.at(out, owners_of(offsets), _combined([hashes, place], salt))
    return out


def _attribute_hash(table: Attributes, salt: int, *, ordered: bool) -> Hashes:
    """One number for each owner over its attributes: keys, kinds and values."""
    codes = np.zeros(len(table), np.uint64)
    for kind in (*TYPED, Kind.OTHER):
        mine = np.flatnonzero(table.kinds == kind)
        codes[mine] = _value_codes(table, kind, mine)
    what = table.keys.astype(np.uint64) * np.uint64(16) + table.kinds * np.uint64(2) + table.is_array
    hashes = _combined([what, codes], salt)
    if ordered:
        return _summed(hashes, table.offsets, salt)
    out = np.zeros(len(table.offsets) - 1, np.uint64)
    np.add.at(out, table.owners, hashes)
    return out


def _value_codes(table: Attributes, kind: Kind, mine: Ints) -> Hashes:
    """A number for the value of every attribute of `mine`, which are of one kind; equal for equal values."""
    counts = table.counts[mine]
    places, pool = ranges(table.first[mine], counts), table.pool(kind)
    if kind in (Kind.STRING, Kind.OTHER):
        values = coded(pool.take(pa.array(places)))[0].astype(np.uint64)
    else:
        values = pool[places].view(np.uint64) if kind is Kind.DOUBLE else pool[places].astype(np.uint64)
    return _summed(values, np.append(0, np.cumsum(counts)), SALTS[0])


def _mix(values: Hashes) -> Hashes:
    """Spreads the bits of uint64 values (the finaliser of splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    out: Hashes = values ^ (values >> np.uint64(31))
    return out
