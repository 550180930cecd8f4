"""A batch as records in the shape of OTLP, span after span: what protobuf messages and JSON have in common on the way out.

A record is a dict by field name. Every entry has its `resource`, `scope` and `status`, even an empty one (Grafana reads them through plain
pointers); any other field that holds its default is left out. How ids, numbers and values are written is the form's to say (`Form`).
Whole columns become Python lists once; what is left to do for one span is to pick from them, and no more than one is held at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytempo.model.arrays import Array, Ints, run_heads, take
from pytempo.model.attributes import Attributes
from pytempo.model.batch import Batch
from pytempo.model.ids import span_ids_to_bytes
from pytempo.model.levels import Level
from pytempo.model.selection import Selection
from pytempo.model.traces import ends

Record: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """How one representation writes what the columns hold. All but `name` and `value` turn a whole column into a list."""

    name: Callable[[str], str]
    """A field's name, from its name in the .proto files."""
    identifiers: Callable[[list[bytes]], list[Any]]
    """Trace and span ids; an empty one stays empty."""
    times: Callable[[Array], list[Any]]
    """uint64 nanoseconds."""
    kinds: Callable[[Array], list[Any]]
    """Span kinds."""
    codes: Callable[[Array], list[Any]]
    """Status codes."""
    value: Callable[[int, Any], Any]
    """An AnyValue, from a `Kind` and a value as `Attributes.listed` gives them; an array comes with the kind of its elements, or EMPTY."""


class Step(NamedTuple):
    """The next span, after the resource and the scope where it is the first under them."""

    resource: Record | None
    scope: Record | None
    span: Record


def walk(batch: Batch, spans: Ints | None, form: Form) -> Iterator[Step]:
    """The spans of a batch (all, or these rows) in the order of a block: by trace, resource and scope as they first arrived."""
    chosen = batch if spans is None else Selection(batch, spans)
    order = chosen.file_order()
    view = Selection(chosen, order)
    scope, trace = view.scope_of_span(), view.trace_of_span()
    resource = view.resource_of_scope()[scope]
    records = _Records(view, form)
    resources, scopes = records.resources(resource), records.scopes(scope)
    entries = [entry[order] for entry in chosen.entries()]
    heads = zip(*[run_heads(trace, entry).tolist() for entry in entries], strict=True)
    rows = zip(resource.tolist(), scope.tolist(), strict=True)
    for (new_resource, new_scope), (resource_row, scope_row), span in zip(heads, rows, records.spans(), strict=True):
        yield Step(resources[resource_row] if new_resource else None, scopes[scope_row] if new_scope else None, span)


class _Records:
    """The rows of each level of a batch as records of one form."""

    def __init__(self, batch: Batch, form: Form) -> None:
        self._batch, self._form = batch, form

    def resources(self, wanted: Ints) -> dict[int, Record]:
        """Those resource rows, each once."""
        rows = np.unique(wanted)
        return dict(zip(rows.tolist(), self._assembled(Level.RESOURCE, {}, rows), strict=True))

    def scopes(self, wanted: Ints) -> dict[int, Record]:
        """Those scope rows, each once."""
        rows = np.unique(wanted)
        text = {name: take(self._column(Level.SCOPE, name), rows).tolist() for name in ("name", "version")}
        return dict(zip(rows.tolist(), self._assembled(Level.SCOPE, text, rows), strict=True))

    def spans(self) -> Iterator[Record]:
        """All span rows."""
        start, form = self._column(Level.SPAN, "start"), self._form
        fields: dict[str, Iterable[Any]] = {
            "trace_id": self._trace_ids(),
            "span_id": form.identifiers(_split(span_ids_to_bytes(self._column(Level.SPAN, "span_id")))),
            "trace_state": self._column(Level.SPAN, "trace_state").tolist(),
            "parent_span_id": form.identifiers(self._parent_ids()),
            "name": self._column(Level.SPAN, "name").tolist(),
            "kind": form.kinds(self._column(Level.SPAN, "kind")),
            "start_time_unix_nano": form.times(start),
            "end_time_unix_nano": form.times(ends(start, self._column(Level.SPAN, "duration"))),
            "events": self._events(),
            "dropped_events_count": self._column(Level.SPAN, "dropped_events").tolist(),
            "links": self._links(),
            "dropped_links_count": self._column(Level.SPAN, "dropped_links").tolist(),
        }
        status = {
            "message": self._column(Level.SPAN, "status_message").tolist(),
            "code": form.codes(self._column(Level.SPAN, "status_code")),
        }
        for record, said in zip(self._assembled(Level.SPAN, fields), self._named(status), strict=True):
            record["status"] = said
            yield record

    def _column(self, level: Level, name: str) -> Any:
        return self._batch.stored(level, name)

    def _trace_ids(self) -> list[Any]:
        identifiers = self._form.identifiers(_split(self._batch.trace_ids().to_bytes()))
        return [identifiers[row] for row in self._batch.trace_of_span().tolist()]

    def _parent_ids(self) -> list[bytes]:
        none = bytes(8)
        return [b"" if raw == none else raw for raw in _split(span_ids_to_bytes(self._column(Level.SPAN, "parent_span_id")))]

    def _events(self) -> Iterable[list[Record]]:
        start = self._column(Level.SPAN, "start")[self._batch.rows(Level.EVENT, Level.SPAN)]
        times: NDArray[np.uint64] = start + self._column(Level.EVENT, "time_since_start")
        fields = {"time_unix_nano": self._form.times(times), "name": self._column(Level.EVENT, "name").tolist()}
        return self._by_span(Level.EVENT, fields)

    def _links(self) -> Iterable[list[Record]]:
        fields = {name: self._form.identifiers(self._column(Level.LINK, name).to_pylist()) for name in ("trace_id", "span_id")}
        fields["trace_state"] = self._column(Level.LINK, "trace_state").tolist()
        return self._by_span(Level.LINK, fields)

    def _by_span(self, level: Level, fields: dict[str, list[Any]]) -> Iterator[list[Record]]:
        records = list(self._assembled(level, fields))
        return (records[begin:end] for begin, end in pairwise(self._batch.offsets(level).tolist()))

    def _assembled(self, level: Level, fields: dict[str, Any], rows: Ints | None = None) -> Iterator[Record]:
        """Records of a level (all, or these rows) from its own fields and those that all levels share."""
        table, dropped = self._batch.attributes(level), self._column(level, "dropped_attributes")
        if rows is not None:
            table, dropped = table.take(rows), dropped[rows]
        return self._named(fields | {"attributes": self._key_values(table), "dropped_attributes_count": dropped.tolist()})

    def _named(self, fields: dict[str, Any]) -> Iterator[Record]:
        names = [self._form.name(name) for name in fields]
        for row in zip(*fields.values(), strict=True):
            yield {name: value for name, value in zip(names, row, strict=True) if value}

    def _key_values(self, table: Attributes) -> Iterator[list[Record]]:
        """The attributes of each owner."""
        keys, kinds, values = table.listed()
        value = self._form.value
        for begin, end in pairwise(table.offsets.tolist()):
            yield [{"key": keys[place], "value": value(kinds[place], values[place])} for place in range(begin, end)]


def _split(raw: NDArray[np.uint8]) -> list[bytes]:
    """uint8 [n, width] as n byte strings."""
    width, together = raw.shape[1], raw.tobytes()
    return [together[begin : begin + width] for begin in range(0, len(together), width)]
