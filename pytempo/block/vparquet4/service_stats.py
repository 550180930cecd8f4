"""ServiceStats of a trace: how many spans each of its services has, and how many of them with status error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pytempo.block.vparquet4.entries import Entries
from pytempo.block.vparquet4.schema import SERVICE_STATS
from pytempo.model.arrays import Array, coded
from pytempo.model.batch import Batch
from pytempo.model.levels import Level

ERROR = 2
"""The status code of a failed span in OTLP."""


def service_stats(batch: Batch, entries: Entries) -> Any:
    """The map column: a trace's services, ascending by name, a resource without `service.name` under the empty one."""
    codes, names = coded(batch.stored(Level.RESOURCE, "service_name"))
    alphabetical = np.asarray(pc.sort_indices(names))
    rank = np.empty(len(names), np.int64)
    rank[alphabetical] = np.arange(len(names))
    pairs = entries.traces_of_resources * len(names) + rank[codes[entries.resource_rows]]
    pair, row = np.unique(pairs, return_inverse=True)
    failed = batch.stored(Level.SPAN, "status_code")[entries.spans] == ERROR
    through = np.concatenate(([0], np.cumsum(failed)))
    bounds = entries.spans_of_resources
    counts = {"SpanCount": _sums(row, np.diff(bounds), len(pair)), "ErrorCount": _sums(row, np.diff(through[bounds]), len(pair))}
    offsets = np.searchsorted(pair, np.arange(len(entries.traces)) * len(names)).astype(np.int32)
    keys = names.take(pa.array(alphabetical[pair % max(len(names), 1)]))
    fields = list(SERVICE_STATS.item_type)
    values = pa.StructArray.from_arrays([pa.array(counts[field.name]) for field in fields], fields=fields)
    return pa.MapArray.from_arrays(pa.array(offsets), keys, values, type=SERVICE_STATS)


def _sums(row: Array, numbers: Array, count: int) -> NDArray[np.uint32]:
    """For each of `count` rows the sum of its numbers."""
    return np.bincount(row, numbers, count).astype(np.uint32)
