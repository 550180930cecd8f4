"""Reads cases of metrics queries: spans, a range, and for each query the series that answer it.

    == what the case is about
    spans
        10s service=web duration=2ms bytes=3 event=retry
    range 0s 60s step 20s
    { } | sum_over_time(span.bytes) by (resource.service.name)
        resource.service.name=web    _ 3 _ _

A span begins with its start; `name`, `kind`, `status`, `service`, `duration` and `event` (its name; may come again) are its own, `trace`,
`id` and `parent` are numbers, everything else is an attribute, written as TraceQL writes values, or as an array in brackets. A series has
one point for each interval, `_` where there is none. `instant 0s 60s` in place of a range asks for one number. `!` before words says what
the query is refused with.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pytempo.config import parse_duration
from tests.building import BASE, event, request, span, together

CASES = Path(__file__).parent / "cases"
ZERO = BASE - BASE % (3600 * 10**9)
"""The time that cases call 0s, unix nanoseconds: a full hour."""

Series = dict[str, list[float | None]]


@dataclass
class Question:
    """A query with its window (unix nanoseconds; no step for an instant) and its answer."""

    query: str
    start: int
    end: int
    step: int | None
    series: Series = field(default_factory=dict)
    refusal: str | None = None


@dataclass
class Case:
    """Spans and what is asked about them."""

    title: str
    spans: list[ExportTraceServiceRequest] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def request(self) -> ExportTraceServiceRequest:
        return together(*self.spans)


def read(name: str) -> list[Case]:
    """The cases of one file."""
    cases: list[Case] = []
    window: tuple[int, int, int | None] = (0, 0, None)
    in_spans = False
    for line in (CASES / name).read_text(encoding="utf-8").splitlines():
        words = line.split()
        if not words or line.startswith("# "):
            continue
        if line.startswith("== "):
            cases.append(Case(line.removeprefix("== ")))
        elif words[0] in ("range", "instant"):
            window = (_time(words[1]), _time(words[2]), parse_duration(words[4]) if words[0] == "range" else None)
        elif line.startswith("    "):
            _read_inner(cases[-1], line.strip(), in_spans)
        elif line != "spans":
            cases[-1].questions.append(Question(line, *window))
        in_spans = line == "spans" or (in_spans and line.startswith("    "))
    return cases


def _read_inner(case: Case, line: str, in_spans: bool) -> None:
    if in_spans:
        case.spans.append(_span(shlex.split(line, posix=False)))
    elif line.startswith("! "):
        case.questions[-1].refusal = line.removeprefix("! ")
    else:
        labels, points = line.split("    ", 1)
        case.questions[-1].series[labels] = [None if point == "_" else float(point) for point in points.split()]


def _time(word: str) -> int:
    return ZERO + parse_duration(word)


def _span(words: list[str]) -> ExportTraceServiceRequest:
    own: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    service, start = "shop", _time(words[0])
    for key, value in (word.split("=", 1) for word in words[1:]):
        match key:
            case "service":
                service = value
            case "event":
                own.setdefault("events", []).append(event(value, time=start))
            case "duration":
                own[key] = parse_duration(value)
            case "trace" | "id" | "parent":
                own[key] = int(value)
            case "name" | "kind" | "status":
                own[key] = value
            case _:
                attributes[key] = json.loads(value)
    return request(span(start=start, attributes=attributes, **own), service=service)
