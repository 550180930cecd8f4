"""Reading a batch in memory for a query that counts what it reads: every column once, when it is first asked for."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytempo.model import traces, tree
from pytempo.model.arrays import Ints
from pytempo.model.attributes import Attributes, Values
from pytempo.model.batch import Batch
from pytempo.model.ids import TraceIds
from pytempo.model.levels import ATTRIBUTE_LEVELS, COLUMNS, PARENT, TREE, Level
from pytempo.model.scan import Meter, Scan


def metered(batch: Batch, meter: Meter | None) -> Batch:
    """The batch, told to the meter as it is read; the batch itself where there is no meter."""
    return batch if meter is None else Metered(batch, meter)


def bytes_of(batch: Batch, scan: Scan) -> int:
    """Bytes of the columns and attributes that a scan names; what is worked out of others takes none of its own."""
    columns = scan.columns.union(TREE if PARENT in scan.columns else ())
    stored = sum(batch.column(level, name).nbytes for level, name in columns if name in COLUMNS[level])
    named = {(level, each.key) for each in scan.attributes for level in (ATTRIBUTE_LEVELS if each.level is None else (each.level,))}
    return int(stored + sum(_values_bytes(batch.values(level, key)) for level, key in named))


class Metered(Batch):
    """A view of a batch that tells a meter what is read of it. What is derived is worked out, and kept, by the batch itself."""

    def __init__(self, batch: Batch, meter: Meter) -> None:
        self._batch, self._meter = batch, meter
        self._told: set[Hashable] = set()
        self._values: dict[tuple[Level, str], Values] = {}

    def _tell(self, key: Hashable, size: int) -> None:
        if key not in self._told:
            self._told.add(key)
            self._meter.reads(size)

    def count(self, level: Level) -> int:
        return self._batch.count(level)

    def trace_ids(self) -> TraceIds:
        return self._batch.trace_ids()

    def trace_of_span(self) -> NDArray[np.int32]:
        return self._batch.trace_of_span()

    def scope_of_span(self) -> NDArray[np.int32]:
        return self._batch.scope_of_span()

    def resource_of_scope(self) -> NDArray[np.int32]:
        return self._batch.resource_of_scope()

    def offsets(self, level: Level) -> NDArray[np.int32]:
        return self._batch.offsets(level)

    def stored(self, level: Level, name: str) -> Any:
        column = self._batch.stored(level, name)
        self._tell((level, name), column.nbytes)
        return column

    def attributes(self, level: Level) -> Attributes:
        table = self._batch.attributes(level)
        self._tell(level, _table_bytes(table))
        return table

    def values(self, level: Level, key: str) -> Values:
        if (level, key) not in self._values:
            self._values[level, key] = self._batch.values(level, key)
            self._meter.reads(_values_bytes(self._values[level, key]))
        return self._values[level, key]

    def values_at(self, level: Level, key: str, rows: Ints) -> Values:
        if (level, key) in self._values:
            return self._values[level, key].take(rows)
        values = self._batch.values_at(level, key, rows)
        self._meter.reads(_values_bytes(values))
        return values

    def attributes_at(self, level: Level, rows: Ints) -> Attributes:
        return self._batch.attributes_at(level, rows)

    def keys(self, level: Level) -> tuple[Ints, Ints, Any]:
        offsets, keys, names = self._batch.keys(level)
        self._tell((level, "keys"), offsets.nbytes + keys.nbytes + names.nbytes)
        return offsets, keys, names

    def summary(self) -> traces.Summary:
        summary = self._batch.summary()
        self._tell("summary", sum(getattr(summary, column.name).nbytes for column in fields(summary)))
        return summary

    def nesting(self) -> tree.Nesting:
        return self._batch.nesting()

    def parent_of_span(self) -> NDArray[np.int64]:
        return self._batch.parent_of_span()

    def file_order(self) -> NDArray[np.int64]:
        return self._batch.file_order()


def _values_bytes(values: Values) -> int:
    return int(sum(part.values.nbytes + (0 if part.rows is None else part.rows.nbytes) for part in values.parts))


def _table_bytes(table: Attributes) -> int:
    return int(sum(getattr(table, column.name).nbytes for column in fields(table)))
