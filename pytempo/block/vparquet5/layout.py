"""The columns of a vParquet5 file: vParquet4's with shorter names, other columns for single attributes, and only those that are listed.

Lists are bare repeated fields, so the file spells `rs.list.element.ss` as `rs.ss`; Arrow shows both as the same lists. Attributes have a
column of their own where meta.json lists them, strings and integers of resources, spans and events alike, and it is a list: no value, one,
or those of an array. Nothing but `service.name` has a fixed one. What can be told from the other columns (child counts, rounded start
times, numbers of spans) is not read.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from pytempo.block.dedicated import VPARQUET5_COLUMNS, DedicatedColumn, assign
from pytempo.block.versions import VPARQUET5
from pytempo.block.vparquet4 import paths
from pytempo.block.vparquet4.columns import ATTRIBUTES, DICTIONARIES, STORED, AttributeColumn
from pytempo.block.vparquet4.layout import VPARQUET4_ATTRIBUTES, Layout
from pytempo.block.vparquet4.schema import LEAVES
from pytempo.model.attributes import Kind
from pytempo.model.levels import ATTRIBUTE_LEVELS, Level

_SHARED = [paths.TRACE_ID, *STORED.values(), *(path for level in ATTRIBUTES.values() for path in level.all())]
"""The leaves that vParquet4 has as well and that are read."""

_DEDICATED = {
    Level.RESOURCE: paths.dedicated("resource", ""),
    Level.SPAN: paths.dedicated("span", ""),
    Level.EVENT: paths.EVENT_NAME.removesuffix("Name") + "DedicatedAttributes.",
}
"""The group of the attributes' columns, with its dot."""

_SERVICE_NAME = AttributeColumn("service.name", paths.RESOURCE_SERVICE_NAME, required=True)


def layout_of(dedicated: Iterable[DedicatedColumn] = ()) -> Layout:
    """The columns of a file whose meta.json lists these dedicated columns; file and list match exactly."""
    assigned = assign(dedicated, VPARQUET5_COLUMNS)
    own: dict[Level, tuple[AttributeColumn, ...]] = {
        level: tuple(_column(group, key, name) for (scope, key), name in assigned.items() if scope == level.word)
        for level, group in _DEDICATED.items()
    }
    own[Level.RESOURCE] = (*own[Level.RESOURCE], _SERVICE_NAME)
    listed = {column.path: _type(column) for columns in own.values() for column in columns if column.repeated}
    leaves = {path: LEAVES[path] for path in _SHARED} | listed
    return Layout(
        format=VPARQUET5,
        leaves=leaves,
        stored=STORED,
        attributes=VPARQUET4_ATTRIBUTES,
        own={level: own.get(level, ()) for level in ATTRIBUTE_LEVELS},
        dictionaries=tuple(path for path in DICTIONARIES if path in leaves),
        in_file=in_file,
    )


def in_file(path: str) -> str:
    """A path of vParquet4 as vParquet5 spells it."""
    return path.replace(".list.element", "")


def _column(group: str, key: str, name: str) -> AttributeColumn:
    kind = Kind.INT if name.startswith("Int") else Kind.STRING
    return AttributeColumn(key, f"{group}{name}.list.element", kind, repeated=True)


def _type(column: AttributeColumn) -> pa.DataType:
    return pa.int64() if column.kind is Kind.INT else pa.string()
