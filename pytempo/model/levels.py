"""The levels of trace data and how the rows of one hang under the rows of another."""

from __future__ import annotations

import enum


class Level(enum.IntEnum):
    """One table of a batch: trace and resource are tops, a scope hangs under its resource, a span under its scope and its trace."""

    TRACE = 0
    RESOURCE = 1
    SCOPE = 2
    SPAN = 3
    EVENT = 4
    LINK = 5

    __hash__ = int.__hash__  # columns are found by level and name some hundred times a question, and an enum hashes its name anew each time

    @property
    def word(self) -> str:
        """The word that TraceQL and Tempo's API use for the level's attributes."""
        return WORDS[self]


WORDS = {
    Level.TRACE: "trace",
    Level.RESOURCE: "resource",
    Level.SCOPE: "instrumentation",
    Level.SPAN: "span",
    Level.EVENT: "event",
    Level.LINK: "link",
}

ATTRIBUTE_LEVELS = (Level.SPAN, Level.RESOURCE, Level.SCOPE, Level.EVENT, Level.LINK)
"""The levels that carry attributes, in the order in which an unscoped name is looked up."""

COLUMNS: dict[Level, tuple[str, ...]] = {
    Level.TRACE: ("start", "end", "duration", "root_name", "root_service", "has_root"),
    Level.RESOURCE: ("service_name", "dropped_attributes"),
    Level.SCOPE: ("name", "version", "dropped_attributes"),
    Level.SPAN: (
        "span_id",
        "parent_span_id",
        "name",
        "kind",
        "start",
        "duration",
        "status_code",
        "status_message",
        "trace_state",
        "dropped_attributes",
        "dropped_events",
        "dropped_links",
    ),
    Level.EVENT: ("time_since_start", "name", "dropped_attributes"),
    Level.LINK: ("trace_id", "span_id", "trace_state", "dropped_attributes"),
}
"""The stored columns of each level. Times are uint64 unix nanoseconds, durations uint64 nanoseconds, span ids uint64
(big-endian reading of the 8 bytes; parent 0 = none), kind and status_code int32 as in OTLP, dropped_* uint32, names, versions,
messages and states text; a link's ids are `pa.BinaryArray`, since OTLP leaves their length open."""

TREE = ((Level.SPAN, "span_id"), (Level.SPAN, "parent_span_id"), (Level.SPAN, "kind"))
"""The columns by which a span's parent is found."""

PARENT = (Level.SPAN, "parent")
"""What a scan says that wants the parents of spans: their rows, which are no column, whatever tells them."""

DERIVED = ("nested_left", "nested_right", "nested_parent", "child_count")
"""Columns of a span that follow from the spans of its trace (model/tree.py); a block stores the first three."""
