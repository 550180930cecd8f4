"""Spans as a reader of TraceQL's documentation imagines them: plain objects, one for each, with their resource and scope at hand.

A value is a Python value: text, a number, a truth value, a tuple (an array of one kind of them), a `Word` (a status or a kind),
`Other` (what has no TraceQL type) or None (nothing).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Word:
    """A value of an enumeration; `sort` is status or kind."""

    sort: str
    text: str


@dataclass(frozen=True)
class Other:
    """A map, bytes, or an array of several kinds or of arrays: there, but nothing compares with it."""

    content: Any


Scalar: TypeAlias = str | int | float | bool
Value: TypeAlias = Scalar | Word | Other | tuple[Scalar, ...] | None
Attributes: TypeAlias = dict[str, Value]

STATUSES = ("unset", "ok", "error")
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
"""Words by their number on the wire."""


@dataclass(frozen=True)
class Resource:
    attributes: Attributes


@dataclass(frozen=True)
class Scope:
    name: str
    version: str
    attributes: Attributes


@dataclass(frozen=True)
class Event:
    name: str
    time: int
    attributes: Attributes


@dataclass(frozen=True)
class Link:
    trace_id: bytes
    span_id: bytes
    attributes: Attributes


@dataclass(frozen=True)
class Span:
    """Ids as bytes, an absent parent empty; times in unix nanoseconds; `status` and `kind` as on the wire."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    name: str
    kind: int
    start: int
    end: int
    status: int
    message: str
    attributes: Attributes
    resource: Resource
    scope: Scope
    events: tuple[Event, ...] = field(default=())
    links: tuple[Link, ...] = field(default=())

    @property
    def duration(self) -> int:
        """An end before the start is no time."""
        return max(0, self.end - self.start)
