"""The shape of trace data that every other package speaks: batches, attributes, ids, and the seam between queries and sources."""

from __future__ import annotations

from pytempo.model.attributes import Attributes, Kind, Part, Values
from pytempo.model.batch import Batch, MemoryBatch, Portion
from pytempo.model.ids import TraceIds, parse_trace_id
from pytempo.model.levels import Level
from pytempo.model.merge import merge
from pytempo.model.scan import AttributeName, Condition, Scan, Source
from pytempo.model.selection import Concat, Selection, WholeTraces

__all__ = [
    "AttributeName",
    "Attributes",
    "Batch",
    "Concat",
    "Condition",
    "Kind",
    "Level",
    "MemoryBatch",
    "Part",
    "Portion",
    "Scan",
    "Selection",
    "Source",
    "TraceIds",
    "Values",
    "WholeTraces",
    "merge",
    "parse_trace_id",
]
