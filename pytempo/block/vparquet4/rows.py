"""Row groups as a batch of the model: columns are read when they are asked for, those that a scan names all in one go."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pytempo.block.vparquet4 import leaves, paths
from pytempo.block.vparquet4.columns import ATTRIBUTES, LISTS, AttributeColumn
from pytempo.block.vparquet4.keeping import Keeping
from pytempo.block.vparquet4.layout import NUMBERS, ROOT, ROOT_FROM
from pytempo.block.vparquet4.loading import Loading
from pytempo.block.vparquet4.read_attributes import VALUE_LEAVES, AttributeLists, OwnColumn, interleaved, joined_table, joined_values
from pytempo.block.vparquet4.wanted import leaves_of_attribute, leaves_of_columns, lies_in_columns
from pytempo.block.vparquet4.within import Within
from pytempo.model.arrays import NO_TEXT, Array, Bools, Ints, any_by_row, coded, concat_text, owners_of, plain_text, take, take_ragged, text
from pytempo.model.attribute_tables import concat_values
from pytempo.model.attributes import Attributes, Values
from pytempo.model.batch import BelowTraces, Portion, Sized
from pytempo.model.ids import TraceIds
from pytempo.model.levels import Level
from pytempo.model.scan import AttributeName
from pytempo.model.traces import Summary
from pytempo.model.tree import Nesting

T = TypeVar("T", bound=Sized)

_SMALL_LEAF = {
    Level.RESOURCE: paths.SPAN_STATUS_CODE,
    Level.SCOPE: paths.SPAN_STATUS_CODE,
    Level.SPAN: paths.SPAN_STATUS_CODE,
    Level.EVENT: paths.EVENT_DROPPED_ATTRIBUTES,
    Level.LINK: paths.LINK_DROPPED_ATTRIBUTES,
}
"""A leaf that costs little and lies under the list of the level: reading it tells how the level's rows hang under those above."""

SUMMARY = ("start", "end", "duration", "root_name", "root_service")
"""What is stored of a trace."""


class RowGroupBatch(Loading):
    """The traces of a row group or of several, spans in file order; a resource or scope has a row in each trace that it occurs in.

    Safe to read from several threads. Every method may raise Damaged, naming file and row group.
    """

    def count(self, level: Level) -> int:
        if level is Level.TRACE:
            return self._stretch.rows
        return int(self._offsets(level)[-1])

    def trace_ids(self) -> TraceIds:
        if self._ids is None:
            self._ids = self._known("trace_ids", [paths.TRACE_ID], self._read_ids)
        return self._ids

    def _read_ids(self) -> TraceIds:
        self._load((paths.TRACE_ID,), ahead=False)
        return leaves.trace_ids(self._leaves[paths.TRACE_ID], self._stretch.file.path)

    def trace_of_span(self) -> NDArray[np.int32]:
        return self._trace_of_span

    @cached_property
    def _trace_of_span(self) -> NDArray[np.int32]:
        return owners_of(self._offsets(Level.SPAN)[self._offsets(Level.SCOPE)[self._offsets(Level.RESOURCE)]])

    def scope_of_span(self) -> NDArray[np.int32]:
        return self._scope_of_span

    @cached_property
    def _scope_of_span(self) -> NDArray[np.int32]:
        return owners_of(self._offsets(Level.SPAN))

    def resource_of_scope(self) -> NDArray[np.int32]:
        return owners_of(self._offsets(Level.SCOPE))

    def rows(self, lower: Level, upper: Level) -> Ints:
        if lower is Level.SPAN and upper is Level.RESOURCE:
            return owners_of(self._offsets(Level.SPAN)[self._offsets(Level.SCOPE)])
        return super().rows(lower, upper)

    def offsets(self, level: Level) -> NDArray[np.int32]:
        return self._offsets(level)

    def read_ahead(self, columns: Iterable[tuple[Level, str]]) -> None:
        self._ahead |= leaves_of_columns((column for column in columns if not self._keeping.has(column)), self._layout)

    def remember(self, what: Hashable, make: Callable[[], T]) -> T:
        return self._known(("remembered", what), (), make)

    def below_traces(self, traces: Ints) -> BelowTraces:
        resource_offsets, resources = take_ragged(self._offsets(Level.RESOURCE), traces)
        scope_offsets, scopes = take_ragged(self._offsets(Level.SCOPE), resources)
        span_offsets, spans = take_ragged(self._offsets(Level.SPAN), scopes)
        scope, resource = owners_of(span_offsets), owners_of(scope_offsets)
        trace = traces[owners_of(resource_offsets)[resource][scope]]
        return BelowTraces(resources, scopes, spans, trace, scope, resource)

    def portions(self, traces: Ints) -> list[Portion]:
        groups, file = self._stretch.groups, self._stretch.file
        if len(groups) == 1:
            return super().portions(traces)
        first = self._stretch.first_row
        of_trace = np.searchsorted(file.first_rows, np.asarray(traces) + first, side="right") - 1
        found = {group: self._portion(group) for group in np.unique(of_trace).tolist()}
        return [found[group] for group in of_trace.tolist()]

    def _portion(self, group: int) -> Portion:
        """A row group of several."""
        single = self._stretch.single(group)
        within = Within.of(single, self._offsets, self._keeping.columns)
        assert within is not None
        (row, last), (span, _) = within.bounds[Level.TRACE], within.bounds[Level.SPAN]
        ids = self.trace_ids().slice(row, last)
        keeping = Keeping(self._keeping.columns, single.number, within)
        return Portion(type(self)(single, (), ids, self._meter, keeping), row, span)

    def file_order(self) -> NDArray[np.int64]:
        return np.arange(self.count(Level.SPAN))

    def stored(self, level: Level, name: str) -> Any:
        if (level, name) not in self._columns:
            leaf = [self._layout.stored[level, name]] if (level, name) in self._layout.stored else []
            self._columns[level, name] = self._known((level, name), leaf, lambda: self._stored(level, name))
        return self._columns[level, name]

    def stored_at(self, level: Level, name: str, rows: Ints) -> Any:
        if (level, name) in self._columns:
            return take(self._columns[level, name], rows)
        found = self._keeping.at((level, name), rows)
        if found is None:
            return take(self.stored(level, name), rows)
        self._count([self._layout.stored[level, name]] if (level, name) in self._layout.stored else [])
        return found

    def column(self, level: Level, name: str) -> Any:
        if level is Level.TRACE and name == "has_root":
            return self._has_root()
        if level is Level.SPAN and name == "child_count":
            return self._child_count
        return self.stored(level, name)

    def summary(self) -> Summary:
        if ROOT[0] not in self._layout.stored:
            return self._summary
        start, end, duration, name, service = self._stored_of(Level.TRACE, *SUMMARY)
        return Summary(start, end, duration, name, service, self._has_root())

    def summary_of(self, wanted: Ints) -> Summary:
        if ROOT[0] not in self._layout.stored:
            return super().summary_of(wanted)
        self.read_ahead((Level.TRACE, name) for name in SUMMARY)
        start, end, duration, name, service = (self.stored_at(Level.TRACE, name, wanted) for name in SUMMARY)
        has_root = _named(name, service)
        return Summary(start, end, duration, name, service, has_root if has_root.all() else self._has_root()[wanted])

    @cached_property
    def _summary(self) -> Summary:
        """Bounds and root, worked out from the spans."""
        self._load([self._layout.stored[column] for column in ROOT_FROM])
        return super().summary()

    def nesting(self) -> Nesting:
        left, right, parent = self._stored_of(Level.SPAN, "nested_left", "nested_right", "nested_parent")
        return Nesting(left, right, parent, self._child_count)

    def parent_of_span(self) -> NDArray[np.int64]:
        return self._parents

    @cached_property
    def _parents(self) -> NDArray[np.int64]:
        if self._layout.numbered:
            self.read_ahead(NUMBERS)
            return super().parent_of_span()

        def made() -> NDArray[np.int64]:
            self._load(self._layout.tree)
            return super(RowGroupBatch, self).parent_of_span()

        return self._known("parents", self._layout.tree, made)

    def numbers_at(self, spans: Ints | None = None) -> tuple[Ints, Ints] | None:
        if not self._layout.numbered:
            return None
        if spans is None:
            left, parent = self._stored_of(Level.SPAN, *(name for _, name in NUMBERS))
        else:
            left, parent = (self.stored_at(level, name, spans) for level, name in NUMBERS)
        return left, parent

    def attributes(self, level: Level) -> Attributes:
        if level not in self._tables:
            self._load([*ATTRIBUTES[level].all(), *(column.path for column in self._own[level])])
            self._tables[level] = joined_table(self._attribute_lists(level).table(), self._own_columns(level))
        return self._tables[level]

    def attributes_at(self, level: Level, rows: Ints) -> Attributes:
        if level in self._tables:
            return self._tables[level].take(rows)
        self._load([*ATTRIBUTES[level].all(), *(column.path for column in self._own[level])])
        return joined_table(self._attribute_lists(level).table_at(rows), [own.at(rows) for own in self._own_columns(level)])

    def values(self, level: Level, key: str) -> Values:
        if (level, key) not in self._values:
            leaves = leaves_of_attribute(level, key, self._stretch)
            self._values[level, key] = self._known(AttributeName(level, key), leaves, lambda: self._made_values(level, key))
        return self._values[level, key]

    def values_at(self, level: Level, key: str, rows: Ints) -> Values:
        if (level, key) in self._values:
            return self._values[level, key].take(rows)
        found: Values | None = self._keeping.at(AttributeName(level, key), rows)
        if found is None:
            return self.values(level, key).take(rows)
        self._count(leaves_of_attribute(level, key, self._stretch))
        return found

    def _made_values(self, level: Level, key: str) -> Values:
        """The values of an attribute; in lists of several row groups those of each, so that never more than the lists of one are held."""
        if len(self._stretch.groups) == 1 or lies_in_columns(level, key, self._stretch):
            return self._read_values(level, key).narrow()
        singles = (type(self)(single, (), None, self._meter) for single in self._stretch.singles())
        return concat_values([single.values(level, key) for single in singles]).dense()

    def _read_values(self, level: Level, key: str) -> Values:
        wanted = leaves_of_attribute(level, key, self._stretch)
        self._load(wanted)
        if ATTRIBUTES[level].key in wanted:
            found = self._attribute_lists(level).values(key)
        else:
            found = Values(self.count(level), (), np.zeros(self.count(level), np.bool_))
        return joined_values(found, self._own_columns(level, key))

    def keys(self, level: Level) -> tuple[Ints, Ints, Any]:
        self._load([ATTRIBUTES[level].key, *(column.path for column in self._own[level])])
        lists, own = self._keys(level), self._own_columns(level)
        offsets, places = interleaved(lists.offsets, [column.rows for column in own])
        codes, names = coded(concat_text([lists.key_names, text([column.column.key for column in own])]))
        keys = np.empty(offsets[-1], np.int32)
        keys[places[0]] = codes[lists.keys]
        for code, at in zip(codes[len(lists.key_names) :], places[1:], strict=True):
            keys[at] = code
        return offsets, keys, names

    def key_names(self, level: Level) -> Any:
        unsure = [column for column in self._own[level] if self._stretch.has_values(column.path) is None]
        wanted = [ATTRIBUTES[level].key, *(column.path for column in unsure)]
        return self._known(("key_names", level), wanted, lambda: self._key_names(level, wanted, unsure))

    def _key_names(self, level: Level, wanted: list[str], unsure: list[AttributeColumn]) -> Any:
        """The names in the lists, and of the attributes with columns those of which some row has a value: mostly the footer says so."""
        self._load(wanted)
        listed = self._leaf(ATTRIBUTES[level].key)
        names = text([]) if listed is None else plain_text(listed.unique())
        sure = [column.key for column in self._own[level] if self._stretch.has_values(column.path)]
        found = [own.column.key for own in self._read_own(unsure) if len(own.rows)]
        return concat_text([names, text([*sure, *found])]).unique()

    def _stored(self, level: Level, name: str) -> Any:
        if (level, name) in ROOT and (level, name) not in self._layout.stored:
            return getattr(self._summary, name)
        if (level, name) not in self._layout.stored:
            return np.zeros(self.count(level), np.uint32)  # counts of what was dropped, which not every format has
        path = self._layout.stored[level, name]
        leaf = self._leaf(path)
        return leaves.as_column(pa.array([], self._layout.leaves[path]) if leaf is None else leaf, level, name)

    def _stored_of(self, level: Level, *names: str) -> list[Any]:
        """Several stored columns, read together."""
        unknown = [name for name in names if (level, name) not in self._columns and not self._keeping.has((level, name))]
        self._load([self._layout.stored[level, name] for name in unknown])
        return [self.stored(level, name) for name in names]

    def _has_root(self) -> Bools:
        """Whether a span without a parent has arrived; a root may have neither name nor service, so those are asked for their parents."""
        if ROOT[0] not in self._layout.stored:
            return self._summary.has_root
        found = _named(*(self.stored(Level.TRACE, name) for name in ("root_name", "root_service")))
        if found.all():
            return found
        return found | any_by_row(self.trace_of_span(), self.stored(Level.SPAN, "parent_span_id") == 0, len(found))

    @cached_property
    def _child_count(self) -> Array:
        def made() -> Array:
            parents = self.parent_of_span()
            return np.bincount(parents[parents >= 0], minlength=len(parents)).astype(np.int32)

        return self._known("child_count", self._layout.tree, made)

    def _keys(self, level: Level) -> AttributeLists:
        """The keys of a level's attributes, without their values."""
        path = ATTRIBUTES[level].key
        leaf = self._leaf(path)
        if leaf is None:
            return AttributeLists(np.zeros(self.count(level) + 1, np.int32), np.empty(0, np.int32), text([]))
        codes, names = coded(leaf)
        return AttributeLists(self._lists[leaves.list_of(path)], codes.astype(np.int32, copy=False), names)

    def _attribute_lists(self, level: Level) -> AttributeLists:
        keys, own = self._keys(level), ATTRIBUTES[level]
        lists = {}
        for kind, path in VALUE_LEAVES[level].items():
            leaf = self._leaf(path)
            if leaf is not None:
                lists[kind] = (self._lists[leaves.list_of(path)], leaves.as_values(leaf))
        flags = self._leaf(own.is_array)
        is_array = None if flags is None else np.asarray(flags)
        return replace(keys, lists=lists, is_array=is_array, unsupported=self._leaf(own.value_unsupported))

    def _own_columns(self, level: Level, key: str | None = None) -> list[OwnColumn]:
        """The attributes of a level that have columns, all or those of one key."""
        return self._read_own(column for column in self._own[level] if key in (None, column.key))

    def _read_own(self, columns: Iterable[AttributeColumn]) -> list[OwnColumn]:
        found = [(column, self._leaf(column.path)) for column in columns]
        return [OwnColumn.of(column, leaf, self._lists.get(leaves.list_of(column.path))) for column, leaf in found if leaf is not None]

    def _offsets(self, level: Level) -> NDArray[np.int32]:
        """Where the rows of a level lie under those of the level above."""
        path = LISTS[level]
        if path not in self._lists:
            self._lists[path] = self._known(("offsets", level), [_SMALL_LEAF[level]], lambda: self._read_offsets(level))
        return self._lists[path]

    def _read_offsets(self, level: Level) -> NDArray[np.int32]:
        self._load(())  # which takes in what another thread has read meanwhile
        below = next((path for path in tuple(self._ahead) if path.startswith(f"{LISTS[level]}.")), _SMALL_LEAF[level])
        for path in (below, _SMALL_LEAF[level]):  # what will be read anyway tells as much, unless it has no value at all
            if LISTS[level] not in self._lists:
                self._load([path])
        if LISTS[level] not in self._lists:  # no span has any, so nothing was read
            return np.zeros(self.count(Level.SPAN) + 1, np.int32)
        return self._lists[LISTS[level]]


def _named(name: Any, service: Any) -> Bools:
    """Where a root has a name or a service."""
    found: Bools = np.asarray(pc.not_equal(name, NO_TEXT)) | np.asarray(pc.not_equal(service, NO_TEXT))
    return found
