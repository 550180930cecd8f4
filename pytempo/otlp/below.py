"""Events and links: what hangs below spans, and mostly does not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pytempo.model.arrays import Bools, any_by_row, owners_of
from pytempo.model.attributes import Attributes
from pytempo.model.levels import Level
from pytempo.otlp import wire
from pytempo.otlp.attributes import read_attributes
from pytempo.otlp.text import as_text


@dataclass(frozen=True, slots=True)
class Below:
    """The events or the links of spans [n]; `bad` [n] marks the spans with one that cannot be read."""

    offsets: NDArray[np.int32]
    columns: dict[tuple[Level, str], Any]
    attributes: Attributes
    bad: Bools


def read_events(lists: Any, start: NDArray[np.uint64]) -> Below:
    """A list<Event> column [n], messages as bytes, of spans with these start times [n]."""
    offsets = np.asarray(lists.offsets, np.int32)
    if not offsets[-1]:
        return Below(offsets, *_no_events(), np.zeros(len(lists), np.bool_))
    messages, attributes, bad = _open("Event", lists)
    return Below(offsets, _event_columns(messages, start[owners_of(offsets)]), attributes, bad)


def read_links(lists: Any) -> Below:
    """A list<Link> column [n], messages as bytes."""
    offsets = np.asarray(lists.offsets, np.int32)
    if not offsets[-1]:
        return Below(offsets, *_no_links(), np.zeros(len(lists), np.bool_))
    messages, attributes, bad = _open("Link", lists)
    return Below(offsets, _link_columns(messages), attributes, bad)


def read_link_slices(slices: Any) -> Below:
    """A binary column [n], each value a message whose repeated field 1 are the links of a span, as vParquet3 keeps them."""
    messages, unreadable = wire.read_each("LinkSlice", slices)
    links = read_links(messages.field("links"))
    return replace(links, bad=links.bad | unreadable)


def _open(name: str, lists: Any) -> tuple[Any, Attributes, Bools]:
    messages, unreadable = wire.read_each(name, lists.values)
    attributes, bad = read_attributes(messages.field("attributes"))
    return messages, attributes, any_by_row(owners_of(np.asarray(lists.offsets)), bad | unreadable, len(lists))


def _event_columns(messages: Any, start: NDArray[np.uint64]) -> dict[tuple[Level, str], Any]:
    """`start` is that of each event's span; an event before it wraps around in 64 bits, and comes back the same way."""
    return {
        (Level.EVENT, "time_since_start"): np.asarray(messages.field("time_unix_nano")) - start,
        (Level.EVENT, "name"): as_text(messages.field("name")),
        (Level.EVENT, "dropped_attributes"): np.asarray(messages.field("dropped_attributes_count")),
    }


def _link_columns(messages: Any) -> dict[tuple[Level, str], Any]:
    return {
        (Level.LINK, "trace_id"): messages.field("trace_id"),
        (Level.LINK, "span_id"): messages.field("span_id"),
        (Level.LINK, "trace_state"): as_text(messages.field("trace_state")),
        (Level.LINK, "dropped_attributes"): np.asarray(messages.field("dropped_attributes_count")),
    }


@cache
def _no_events() -> tuple[dict[tuple[Level, str], Any], Attributes]:
    return _event_columns(pa.array([], wire.arrow_type("Event")), np.empty(0, np.uint64)), Attributes.empty(0)


@cache
def _no_links() -> tuple[dict[tuple[Level, str], Any], Attributes]:
    return _link_columns(pa.array([], wire.arrow_type("Link"))), Attributes.empty(0)
