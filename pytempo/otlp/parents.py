"""Resources and scopes, which thousands of spans share: each distinct one is opened once, and not again when the next call brings it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pytempo.model.arrays import Bools, Ints, take_text
from pytempo.model.attributes import Attributes
from pytempo.model.batch import service_names
from pytempo.model.levels import Level
from pytempo.otlp.attributes import read_attributes
from pytempo.otlp.text import as_text
from pytempo.otlp.wire import read_each

REMEMBERED = 256
"""Sets of parents that stay open; a sender's requests mostly bring the set that its last one brought."""
LARGEST = 64 * 1024
"""Bytes of the largest set that stays open: with REMEMBERED it bounds the memory, at 16 MiB of payloads and about as much of tables."""

Pairs: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""The payloads of a resource and of a scope under it, each pair once."""


@dataclass(frozen=True, slots=True)
class Parents:
    """The tables above the spans of a call; a row of scopes is a pair of a resource and a scope."""

    columns: dict[tuple[Level, str], Any]
    tables: dict[Level, Attributes]
    resource_of_scope: NDArray[np.int32]
    bad: Bools
    """Scope rows that cannot be read, or whose resource cannot."""


def read_parents(resources: list[bytes], scopes: list[bytes], resource_of_entry: Ints) -> tuple[Parents, NDArray[np.int32]]:
    """The parents of ScopeSpans entries [e], whose resources are `resource_of_entry` [e], and the row of scopes that each entry is."""
    pairs = [(resources[row], scope) for row, scope in zip(resource_of_entry.tolist(), scopes, strict=True)]
    distinct = tuple(sorted(set(pairs)))
    place = {pair: place for place, pair in enumerate(distinct)}
    small = sum(len(resource) + len(scope) for resource, scope in distinct) <= LARGEST
    parents = _opened(distinct) if small else _open(distinct)
    return parents, np.array([place[pair] for pair in pairs], np.int32)


@lru_cache(maxsize=REMEMBERED)
def _opened(pairs: Pairs) -> Parents:
    return _open(pairs)


def _open(pairs: Pairs) -> Parents:
    resources, resource = _open_distinct("Resource", [pair[0] for pair in pairs])
    scopes, scope = _open_distinct("Scope", [pair[1] for pair in pairs])
    columns = {
        (Level.RESOURCE, "service_name"): service_names(resources.attributes),
        (Level.RESOURCE, "dropped_attributes"): np.asarray(resources.messages.field("dropped_attributes_count")),
        (Level.SCOPE, "dropped_attributes"): np.asarray(scopes.messages.field("dropped_attributes_count"))[scope],
        (Level.SCOPE, "name"): take_text(as_text(scopes.messages.field("name")), scope),
        (Level.SCOPE, "version"): take_text(as_text(scopes.messages.field("version")), scope),
    }
    tables = {Level.RESOURCE: resources.attributes, Level.SCOPE: scopes.attributes.take(scope)}
    return Parents(columns, tables, resource, resources.bad[resource] | scopes.bad[scope])


@dataclass(frozen=True, slots=True)
class _Distinct:
    """Distinct messages and their attributes; a `bad` one cannot be read."""

    messages: Any
    attributes: Attributes
    bad: Bools


def _open_distinct(name: str, payloads: list[bytes]) -> tuple[_Distinct, NDArray[np.int32]]:
    """The distinct messages, in the order in which they come, and for every payload which one it is."""
    place: dict[bytes, int] = {}
    codes = np.array([place.setdefault(payload, len(place)) for payload in payloads], np.int32)
    messages, unreadable = read_each(name, pa.array(list(place), pa.binary()))
    attributes, bad = read_attributes(messages.field("attributes"))
    return _Distinct(messages, attributes, bad | unreadable), codes
