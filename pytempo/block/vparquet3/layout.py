"""The columns of a vParquet3 file that differ from vParquet4's: attributes, events and links; `rows` makes the model's columns of them.

An attribute's value is one scalar of four kinds, or text: an array or a map as protobuf JSON of its AnyValue; bytes were dropped when the
block was written. An event has its time since 1970, and its attributes' values are AnyValue messages. All links of a span are one message
in one column. Scopes have no attributes, and neither resources, scopes nor links a count of dropped ones.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from pytempo.block.dedicated import DedicatedColumn
from pytempo.block.versions import VPARQUET3
from pytempo.block.vparquet4 import paths
from pytempo.block.vparquet4.columns import ATTRIBUTES, DICTIONARIES, LISTS, STORED, attribute_columns
from pytempo.block.vparquet4.layout import AttributeLeaves, Layout
from pytempo.block.vparquet4.schema import DEDICATED_COLUMNS, LEAVES
from pytempo.model.attributes import Kind
from pytempo.model.levels import ATTRIBUTE_LEVELS, Level

VALUE_FIELDS = {
    Kind.STRING: ("Value", pa.string()),
    Kind.INT: ("ValueInt", pa.int64()),
    Kind.DOUBLE: ("ValueDouble", pa.float64()),
    Kind.BOOL: ("ValueBool", pa.bool_()),
}
"""The column that holds a scalar of a kind, null where the value is another."""

EVENT_TIME = f"{LISTS[Level.EVENT]}.list.element.TimeUnixNano"
"""Unix nanoseconds of every event."""

EVENT_VALUE = paths.EVENT_ATTRIBUTES.key.removesuffix("Key") + "Value"
"""The AnyValue message of every attribute of an event."""

LINKS = LISTS[Level.LINK]
"""The message with the links of a span, empty for none."""


def json_leaves(level: Level) -> tuple[str, str]:
    """The leaves of maps and of arrays, as JSON."""
    group = ATTRIBUTES[level].key.removesuffix("Key")
    return f"{group}ValueKVList", f"{group}ValueArray"


def _scalars(level: Level) -> AttributeLeaves:
    group = ATTRIBUTES[level].key.removesuffix("Key")
    values = {kind: f"{group}{name}" for kind, (name, _) in VALUE_FIELDS.items()}
    return AttributeLeaves(ATTRIBUTES[level].key, values, json_leaves(level), untyped=json_leaves(level)[1:])


ATTRIBUTE_LEAVES = {
    Level.RESOURCE: _scalars(Level.RESOURCE),
    Level.SPAN: _scalars(Level.SPAN),
    Level.EVENT: AttributeLeaves(ATTRIBUTES[Level.EVENT].key, None, (EVENT_VALUE,), untyped=(EVENT_VALUE,)),
    Level.LINK: AttributeLeaves(None, None, (LINKS,), untyped=(LINKS,)),
}
"""By level where attributes without a column of their own lie."""

_LACKS = {(Level.RESOURCE, "dropped_attributes"), (Level.SCOPE, "dropped_attributes"), (Level.EVENT, "time_since_start")}

STORED_AS_THEY_ARE = {column: path for column, path in STORED.items() if column not in _LACKS and column[0] is not Level.LINK}
"""Columns of the model that a leaf holds."""


def layout_of(dedicated: Iterable[DedicatedColumn] = ()) -> Layout:
    """The columns of a file whose meta.json lists these dedicated columns."""
    dedicated = tuple(dedicated)
    own = {level: attribute_columns(level, dedicated) for level in ATTRIBUTE_LEVELS}
    listed = [paths.dedicated(level.word, name) for level in (Level.RESOURCE, Level.SPAN) for name in DEDICATED_COLUMNS]
    shared = [
        paths.TRACE_ID,
        *STORED_AS_THEY_ARE.values(),
        *(leaves.key for leaves in ATTRIBUTE_LEAVES.values() if leaves.key is not None),
        *(column.path for columns in own.values() for column in columns),
        *listed,
    ]
    leaves = {path: LEAVES[path] for path in shared} | _own_leaves()
    return Layout(
        format=VPARQUET3,
        leaves=leaves,
        stored=STORED_AS_THEY_ARE,
        attributes=ATTRIBUTE_LEAVES,
        own=own,
        dictionaries=tuple(path for path in DICTIONARIES if path in leaves),
    )


def _own_leaves() -> dict[str, pa.DataType]:
    """The leaves that vParquet4 does not have."""
    leaves = {EVENT_TIME: pa.uint64(), EVENT_VALUE: pa.binary(), LINKS: pa.binary()}
    for level in (Level.RESOURCE, Level.SPAN):
        leaves |= {path: VALUE_FIELDS[kind][1] for kind, path in (ATTRIBUTE_LEAVES[level].values or {}).items()}
        leaves |= dict.fromkeys(json_leaves(level), pa.string())
    return leaves
