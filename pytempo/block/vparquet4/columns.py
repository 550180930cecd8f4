"""Which leaf of a vParquet4 file holds which stored column of the model, and which attributes have a column of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pytempo.block.dedicated import VPARQUET4_COLUMNS, DedicatedColumn, assign
from pytempo.block.vparquet4 import paths
from pytempo.block.vparquet4.paths import AttributePaths
from pytempo.block.vparquet4.schema import DEDICATED_COLUMNS, RESOURCE_COLUMNS, SPAN_INT_COLUMNS, SPAN_STRING_COLUMNS
from pytempo.model.attributes import Kind
from pytempo.model.levels import Level

STORED: dict[tuple[Level, str], str] = {
    (Level.TRACE, "start"): paths.TRACE_START,
    (Level.TRACE, "end"): paths.TRACE_END,
    (Level.TRACE, "duration"): paths.TRACE_DURATION,
    (Level.TRACE, "root_name"): paths.ROOT_SPAN_NAME,
    (Level.TRACE, "root_service"): paths.ROOT_SERVICE_NAME,
    (Level.RESOURCE, "service_name"): paths.RESOURCE_SERVICE_NAME,
    (Level.RESOURCE, "dropped_attributes"): paths.RESOURCE_DROPPED_ATTRIBUTES,
    (Level.SCOPE, "name"): paths.SCOPE_NAME,
    (Level.SCOPE, "version"): paths.SCOPE_VERSION,
    (Level.SCOPE, "dropped_attributes"): paths.SCOPE_DROPPED_ATTRIBUTES,
    (Level.SPAN, "span_id"): paths.SPAN_ID,
    (Level.SPAN, "parent_span_id"): paths.SPAN_PARENT_SPAN_ID,
    (Level.SPAN, "nested_left"): paths.SPAN_NESTED_SET_LEFT,
    (Level.SPAN, "nested_right"): paths.SPAN_NESTED_SET_RIGHT,
    (Level.SPAN, "nested_parent"): paths.SPAN_NESTED_SET_PARENT,
    (Level.SPAN, "name"): paths.SPAN_NAME,
    (Level.SPAN, "kind"): paths.SPAN_KIND,
    (Level.SPAN, "start"): paths.SPAN_START,
    (Level.SPAN, "duration"): paths.SPAN_DURATION,
    (Level.SPAN, "status_code"): paths.SPAN_STATUS_CODE,
    (Level.SPAN, "status_message"): paths.SPAN_STATUS_MESSAGE,
    (Level.SPAN, "trace_state"): paths.SPAN_TRACE_STATE,
    (Level.SPAN, "dropped_attributes"): paths.SPAN_DROPPED_ATTRIBUTES,
    (Level.SPAN, "dropped_events"): paths.SPAN_DROPPED_EVENTS,
    (Level.SPAN, "dropped_links"): paths.SPAN_DROPPED_LINKS,
    (Level.EVENT, "time_since_start"): paths.EVENT_TIME_SINCE_START,
    (Level.EVENT, "name"): paths.EVENT_NAME,
    (Level.EVENT, "dropped_attributes"): paths.EVENT_DROPPED_ATTRIBUTES,
    (Level.LINK, "trace_id"): paths.LINK_TRACE_ID,
    (Level.LINK, "span_id"): paths.LINK_SPAN_ID,
    (Level.LINK, "trace_state"): paths.LINK_TRACE_STATE,
    (Level.LINK, "dropped_attributes"): paths.LINK_DROPPED_ATTRIBUTES,
}
"""Every stored column of the model (and those of a trace that a block stores) by level and name."""

ATTRIBUTES: dict[Level, AttributePaths] = {
    Level.RESOURCE: paths.RESOURCE_ATTRIBUTES,
    Level.SCOPE: paths.SCOPE_ATTRIBUTES,
    Level.SPAN: paths.SPAN_ATTRIBUTES,
    Level.EVENT: paths.EVENT_ATTRIBUTES,
    Level.LINK: paths.LINK_ATTRIBUTES,
}
"""The columns of the attributes that have none of their own."""


@dataclass(frozen=True, slots=True)
class AttributeColumn:
    """One attribute that has a column of its own; only scalars of the column's kind lie there."""

    key: str
    path: str
    kind: Kind = Kind.STRING
    required: bool = False
    """Whether the column is empty text, not null, where a row does not have the attribute."""
    repeated: bool = False
    """Whether the column is a list: no value, one, or those of an array."""

    @property
    def name(self) -> str:
        """The field's name within its group."""
        return self.path.rsplit(".", 1)[-1]


def attribute_columns(level: Level, dedicated: Iterable[DedicatedColumn] = ()) -> tuple[AttributeColumn, ...]:
    """The attributes of a level that have columns, in the order in which they are read.

    Dedicated ones come first, as listed, then fixed ones, then `service.name`; what is listed and fixed goes to the fixed column.
    """
    if level is Level.RESOURCE:
        fixed = [AttributeColumn(key, f"{_group(paths.RESOURCE_CLUSTER)}{name}") for key, name in RESOURCE_COLUMNS.items()]
        fixed.append(AttributeColumn("service.name", paths.RESOURCE_SERVICE_NAME, required=True))
    elif level is Level.SPAN:
        group = _group(paths.SPAN_HTTP_METHOD)
        fixed = [AttributeColumn(key, f"{group}{name}") for key, name in SPAN_STRING_COLUMNS.items()]
        fixed += [AttributeColumn(key, f"{group}{name}", Kind.INT) for key, name in SPAN_INT_COLUMNS.items()]
    else:
        return ()
    assigned = assign(dedicated, VPARQUET4_COLUMNS)
    listed = [AttributeColumn(key, paths.dedicated(level.word, column)) for (scope, key), column in assigned.items() if scope == level.word]
    return (*listed, *fixed)


def _group(path: str) -> str:
    """The path of the group that a leaf lies in, with its dot."""
    return path.rsplit(".", 1)[0] + "."


LISTS: dict[Level, str] = {
    Level.RESOURCE: "rs",
    Level.SCOPE: "rs.list.element.ss",
    Level.SPAN: "rs.list.element.ss.list.element.Spans",
    Level.EVENT: "rs.list.element.ss.list.element.Spans.list.element.Events",
    Level.LINK: "rs.list.element.ss.list.element.Spans.list.element.Links",
}
"""The list whose elements are the rows of a level, by its path."""

DICTIONARIES = [
    paths.ROOT_SERVICE_NAME,
    paths.ROOT_SPAN_NAME,
    paths.SCOPE_NAME,
    paths.SCOPE_VERSION,
    paths.SPAN_NAME,
    paths.EVENT_NAME,
    *(attributes.key for attributes in ATTRIBUTES.values()),
    *(column.path for level in (Level.RESOURCE, Level.SPAN) for column in attribute_columns(level) if column.kind is Kind.STRING),
    *(paths.dedicated(level.word, name) for level in (Level.RESOURCE, Level.SPAN) for name in DEDICATED_COLUMNS),
]
"""Leaves that are read as codes and distinct values: text that repeats, so that each value is decoded and compared once."""
