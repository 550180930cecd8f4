"""What tells the files of one format from those of another, so that the same code reads all of them.

vParquet4 names the columns. A file of another format has the same ones under the same names as far as it holds them (`in_file` says how it
spells them), and says here what it has instead of the others. What a file lacks reads as a column without values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pytempo.block.dedicated import DedicatedColumn
from pytempo.block.versions import VPARQUET4
from pytempo.block.vparquet4.columns import ATTRIBUTES, DICTIONARIES, STORED, AttributeColumn, attribute_columns
from pytempo.block.vparquet4.paths import AttributePaths
from pytempo.block.vparquet4.schema import LEAVES
from pytempo.model.attributes import Kind
from pytempo.model.levels import ATTRIBUTE_LEVELS, DERIVED, TREE, Level


@dataclass(frozen=True, slots=True)
class AttributeLeaves:
    """Where the attributes of a level lie that have no column of their own."""

    key: str | None = None
    """The leaf of their keys, whose dictionary tells which there are; None where no leaf does."""
    values: Mapping[Kind, str] | None = None
    """By kind the leaf of typed values; None where values have no types."""
    others: tuple[str, ...] = ()
    """Leaves that are read with them and compare with nothing."""
    untyped: tuple[str, ...] = ()
    """Those of `others` that may hold any value, such as the elements of arrays as text."""

    def all(self) -> tuple[str, ...]:
        """Every leaf that makes up the attributes."""
        keys = () if self.key is None else (self.key,)
        return (*keys, *(self.values or {}).values(), *self.others)

    def comparable(self, value: Any) -> tuple[str, ...]:
        """The leaves whose values compare with `value`: numbers of both kinds with each other."""
        if self.values is None:
            return ()
        if isinstance(value, str):
            return (self.values[Kind.STRING],)
        if isinstance(value, bool):
            return (self.values[Kind.BOOL],)
        return (self.values[Kind.INT], self.values[Kind.DOUBLE])

    @classmethod
    def of(cls, paths: AttributePaths) -> AttributeLeaves:
        """The seven columns of vParquet4."""
        values = {Kind.STRING: paths.value, Kind.INT: paths.value_int, Kind.DOUBLE: paths.value_double, Kind.BOOL: paths.value_bool}
        return cls(paths.key, values, (paths.is_array, paths.value_unsupported))


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The columns of one block's file."""

    format: str
    """One of `versions.READABLE`."""

    leaves: Mapping[str, Any]
    """The leaves that are read, by path, with their Arrow types; every one is in the file."""

    stored: Mapping[tuple[Level, str], str]
    """The leaf of a stored column of the model, where one holds it as it is."""

    attributes: Mapping[Level, AttributeLeaves]
    """By level; absent where the format keeps no attributes."""

    own: Mapping[Level, tuple[AttributeColumn, ...]]
    """The attributes that have a column of their own, in the order in which they are read."""

    dictionaries: tuple[str, ...]
    """Leaves that are read as codes and distinct values."""

    numbered: bool = True
    """Whether the nested sets of a trace are numbered as they are here, so that they tell parents."""

    in_file: Callable[[str], str] = str
    """A path as the file spells it."""

    def of_another_writer(self) -> Layout:
        """The same columns without those of a trace's root: Tempo takes the last span without a parent for it, here it is the first."""
        return replace(self, stored={column: path for column, path in self.stored.items() if column not in ROOT}, numbered=False)

    @cached_property
    def sent(self) -> frozenset[str]:
        """The leaves of what was sent: not what is worked out of it, nor ids of traces, of which a single one is known when it is read."""
        own = {column.path for columns in self.own.values() for column in columns}
        listed = {path for leaves in self.attributes.values() for path in leaves.all()}
        stored = {path for (level, name), path in self.stored.items() if level is not Level.TRACE and name not in DERIVED}
        return frozenset(own | listed | stored)

    @property
    def tree(self) -> tuple[str, ...]:
        """The leaves that tell the parents of spans: small ones, or those of ids."""
        return tuple(self.stored[column] for column in (NUMBERS if self.numbered else TREE))


NUMBERS = ((Level.SPAN, "nested_left"), (Level.SPAN, "nested_parent"))
"""The numbers of a span and of its parent in their trace."""

ROOT = ((Level.TRACE, "root_name"), (Level.TRACE, "root_service"))
"""What is told of the root of a trace."""

ROOT_FROM = (
    *((Level.SPAN, name) for name in ("span_id", "parent_span_id", "start", "duration", "name", "kind")),
    (Level.RESOURCE, "service_name"),
)
"""The columns that tell the root of a trace where no column does."""


def layout_of(dedicated: Iterable[DedicatedColumn] = ()) -> Layout:
    """The columns of a vParquet4 file whose meta.json lists these dedicated columns."""
    dedicated = tuple(dedicated)
    return Layout(
        format=VPARQUET4,
        leaves=LEAVES,
        stored=STORED,
        attributes=VPARQUET4_ATTRIBUTES,
        own={level: attribute_columns(level, dedicated) for level in ATTRIBUTE_LEVELS},
        dictionaries=tuple(DICTIONARIES),
    )


VPARQUET4_ATTRIBUTES = {level: AttributeLeaves.of(paths) for level, paths in ATTRIBUTES.items()}
"""The attributes' leaves of vParquet4, which vParquet5 shares."""
