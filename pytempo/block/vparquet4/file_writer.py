"""Batches as the bytes of a data.parquet: row groups of about equal size, cut between traces; other files are left to `block.writer`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pytempo.block.dedicated import DEDICATED_KEY, DedicatedColumn, to_text
from pytempo.block.vparquet4 import paths
from pytempo.block.vparquet4.attribute_lists import split
from pytempo.block.vparquet4.build import build_table
from pytempo.block.vparquet4.columns import attribute_columns
from pytempo.block.vparquet4.row_groups import row_group_bounds
from pytempo.block.vparquet4.schema import DEDICATED_COLUMNS, SCHEMA
from pytempo.block.vparquet4.write_options import bloom_filter, with_unique_text, write_options
from pytempo.model.arrays import Ints, ranges
from pytempo.model.attributes import Attributes, Kind
from pytempo.model.batch import Batch
from pytempo.model.levels import Level
from pytempo.model.selection import Selection

SPANS_AT_ONCE = 20_000
"""Spans that are made into one table: bounds what a flush needs beside its batch (about 2 KB a span while it is written)."""

VALUES_AT_ONCE = 16 * 1024
"""Values of a column that the Parquet writer takes at a time: a tenth less work than with its default of 1024; pages grow by so many."""

UNIQUE = 4
"""A dedicated column whose values occur less often than so many times in a row group has a filter instead of a dictionary."""

WRITTEN_AT_ONCE = 256 * 1024
"""Bytes handed on to the file together: a row group is five hundred small writes otherwise."""

_SPARE = 1.25
"""Room in the bloom filters beyond what the sample says."""


class RowWriter:
    """Writes a Parquet file batch by batch; trace ids ascend over all of them. A context manager: the file is whole when it ends well."""

    def __init__(self, file: Any, dedicated: Sequence[DedicatedColumn], row_group_spans: int, compression_level: int) -> None:
        self._file, self._dedicated = file, dedicated
        self._row_group_spans, self._compression_level = row_group_spans, compression_level
        self._writer: Any = None
        self._out: Any = None

    def write(self, batch: Batch) -> NDArray[np.int64]:
        """Write all traces of a batch (at least one; see `build_table` for what it must be) as row groups of their own.

        Returns the first row of each row group, counted from the batch's first, and, last, the number of rows.
        """
        spans = np.bincount(batch.trace_of_span(), minlength=batch.count(Level.TRACE))
        bounds = row_group_bounds(spans, self._row_group_spans)
        if self._writer is None:
            options = _options(batch, self._dedicated, self._row_group_spans, self._compression_level)
            self._out = pa.BufferedOutputStream(pa.PythonFile(self._file, "w"), WRITTEN_AT_ONCE)
            self._writer = pq.ParquetWriter(self._out, SCHEMA, **options)
        for first, last, piece in _pieces(batch, spans, bounds):
            table = build_table(piece, self._dedicated)
            for group in range(first, last):
                rows = table.slice(bounds[group] - bounds[first], bounds[group + 1] - bounds[group])
                self._writer.write_table(rows, row_group_size=len(rows))
        return bounds

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._writer is not None:
            if self._dedicated:
                self._writer.add_key_value_metadata({DEDICATED_KEY: to_text(self._dedicated)})
            self._writer.close()
            self._out.detach()  # hands on what is left; the file is the caller's to close


def _pieces(batch: Batch, spans: Ints, bounds: Ints) -> Iterator[tuple[int, int, Batch]]:
    """The batch in pieces of whole row groups: the first row group, the one after the last, and the piece."""
    before = np.concatenate(([0], np.cumsum(spans)))[bounds]
    firsts = np.flatnonzero(np.diff(before[:-1] // SPANS_AT_ONCE, prepend=-1))
    if len(firsts) == 1:
        yield 0, len(bounds) - 1, batch
        return
    by_trace = np.argsort(batch.trace_of_span(), kind="stable")
    for first, last in zip(firsts, [*firsts[1:], len(bounds) - 1], strict=True):
        piece = Selection(batch, np.sort(by_trace[before[first] : before[last]]))
        piece.assume(batch.summary().between(bounds[first], bounds[last]))
        yield int(first), int(last), piece


def _options(batch: Batch, dedicated: Sequence[DedicatedColumn], row_group_spans: int, compression_level: int) -> dict[str, Any]:
    """How the file is written: its bloom filters as large as its values ask for, dictionaries for what repeats."""
    options = write_options() | {"compression_level": compression_level, "write_batch_size": VALUES_AT_ONCE}
    rows = np.arange(min(row_group_spans, batch.count(Level.SPAN)))
    listed, own = split(batch.attributes(Level.SPAN).take(rows), rows, attribute_columns(Level.SPAN, dedicated))
    names = {name: paths.dedicated("span", name) for name in DEDICATED_COLUMNS}
    columns = {names[name]: values for name, values in own.items() if name in names}
    distinct = {path: int(pc.count_distinct(values).as_py()) for path, values in columns.items()}
    unique = {path: int(count * _SPARE) + 1 for path, count in distinct.items() if UNIQUE * count > len(rows) - columns[path].null_count}
    filters = options["bloom_filter_options"] | {paths.SPAN_ATTRIBUTES.value: bloom_filter(int(_distinct_strings(listed) * _SPARE) + 1)}
    return with_unique_text(options | {"bloom_filter_options": filters}, unique)


def _distinct_strings(attributes: Attributes) -> int:
    """How many different strings are among some attributes."""
    strings = attributes.kinds == Kind.STRING
    places = ranges(attributes.first[strings], attributes.counts[strings])
    return int(pc.count_distinct(attributes.strings.take(pa.array(places))).as_py())
