"""The types that TraceQL values have, and the keywords of its two enumerations.

What an operator or a function accepts stands in `functions`; what a field has stands in `intrinsics`.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["KINDS", "NUMBERS", "STATUSES", "Type"]


class Type(Enum):
    """The type of a value; the enum's value is how messages call it."""

    STRING = "a string"
    INT = "an integer"
    FLOAT = "a float"
    BOOL = "a boolean"
    DURATION = "a duration"
    STATUS = "a status"
    KIND = "a span kind"
    NIL = "nil"
    ANY = "an attribute"
    """Attributes have whatever type each span gives them: known only when spans are looked at."""


NUMBERS = frozenset({Type.INT, Type.FLOAT, Type.DURATION})
"""The types that count with and compare with each other, by value; durations are nanoseconds."""

STATUSES = {"unset": 0, "ok": 1, "error": 2}
"""Keyword of a status -> number on the wire (opentelemetry.proto.trace.v1.Status.StatusCode)."""

KINDS = {"unspecified": 0, "internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
"""Keyword of a span kind -> number on the wire (opentelemetry.proto.trace.v1.Span.SpanKind)."""
