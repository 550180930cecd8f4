"""Reads cases of filters and structure: spans, and for each query the spans that it finds.

    == what the case is about
    spans
        resource service.name="cart" tier="gold"
        a  kind=server duration=40ms .n=3 ."my key"="x"
            event retry after=5ms .attempt=2
        b  parent=a .tags=["x", "y"]
    { span.n = 3 }    => a
    { span.n = 4 }    => -
    { span.n = }      ! line 1, column 12

A span begins with the label that answers call it by, which is its name, too, unless it has another. `name`, `kind`, `status`, `message`,
`start` (after the beginning of the case), `duration`, `parent` (a label, or hex digits of a span that never arrives) and `id` are its own;
what begins with a dot is an attribute, written as JSON, or `nil` for an AnyValue with nothing set, or `bytes`. Under it stand its `event`s
and `link`s. `resource`, `scope` and `trace` hold for the spans that follow; a case begins with a resource `service.name="shop"`, an unnamed
scope and the trace 1.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from pytempo.config import parse_duration
from tests.building import BASE, event, link, request, span, together

CASES = Path(__file__).parent / "cases"

WORD = re.compile(r"""(?P<key>(?:"(?:[^"\\]|\\.)*"|[^\s="])+)(?:=(?P<value>"(?:[^"\\]|\\.)*"|\[.*?\]|\{.*?\}|\S+))?""")
"""`key`, or `key=value`; blanks may stand within quotes and brackets."""

QUESTION = re.compile(r"(?P<query>.*?)\s+(?P<mark>=>|!)\s+(?P<answer>.+)")


@dataclass(frozen=True)
class Question:
    """A query, and the labels of the spans that it finds, or words of its refusal."""

    line: int
    query: str
    found: tuple[str, ...] = ()
    refusal: str | None = None


@dataclass
class Case:
    """Spans and what is asked about them."""

    title: str
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    labels: dict[int, str] = field(default_factory=dict)
    """By span id."""
    questions: list[Question] = field(default_factory=list)

    def request(self) -> ExportTraceServiceRequest:
        """All spans, in the order in which they are written."""
        return together(*self.requests)


def read(path: Path) -> list[Case]:
    """The cases of one file."""
    cases: list[Case] = []
    reader = _Spans(Case(""))
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("== "):
            cases.append(Case(f"{path.stem}: {line.removeprefix('== ')}"))
            reader = _Spans(cases[-1])
        elif line.startswith("    "):
            reader.read(line)
        elif line.strip() and line != "spans" and not line.startswith("# "):
            cases[-1].questions.append(_question(number, line))
    return cases


def _question(number: int, line: str) -> Question:
    parts = QUESTION.fullmatch(line)
    assert parts is not None, f"line {number} has no answer"
    if parts["mark"] == "!":
        return Question(number, parts["query"], refusal=parts["answer"])
    return Question(number, parts["query"], tuple(sorted(parts["answer"].split())) if parts["answer"] != "-" else ())


class _Spans:
    """The spans of one case, and what holds for those that follow."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._above: dict[str, Any] = {}
        self._trace = "1"
        self._ids: dict[str, int] = {}

    def read(self, line: str) -> None:
        first, words = _words(line)
        match first:
            case "trace":
                self._trace = words[0][0]
            case "resource":
                self._above = {**self._above, **_resource(dict(words))}
            case "scope":
                self._above = {**self._above, **_scope(dict(words))}
            case "event":
                self._last.events.append(_event(words, self._last.start_time_unix_nano))
            case "link":
                self._last.links.append(_link(words))
            case _:
                self._span(first, words)

    @property
    def _last(self) -> Span:
        return self._case.requests[-1].resource_spans[0].scope_spans[0].spans[0]

    def _span(self, label: str, words: list[tuple[str, str]]) -> None:
        own, attributes = _apart(words)
        identifier = int(own.pop("id", f"{len(self._ids) + 1:x}"), 16)
        self._ids[label] = identifier
        self._case.labels[identifier] = label
        if "parent" in own:
            own["parent"] = self._ids.get(own["parent"], own["parent"])
        start = BASE + parse_duration(own.pop("start", "0s"))
        duration = parse_duration(own.pop("duration", "1ms"))
        named = {"name": label, **own}
        made = span(trace=self._trace, id=identifier, start=start, duration=duration, attributes=attributes, **named)
        self._case.requests.append(request(made, **self._above))


def _words(line: str) -> tuple[str, list[tuple[str, str]]]:
    """The first word, and the others as keys and values."""
    found = [(word["key"], word["value"] or "") for word in WORD.finditer(line)]
    (first, _), *others = found
    return first, others


def _apart(words: list[tuple[str, str]]) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    """What is the span's own, and its attributes."""
    own = {key: _text(value) for key, value in words if not key.startswith(".")}
    return own, [(_text(key.removeprefix(".")), _value(value)) for key, value in words if key.startswith(".")]


def _resource(words: dict[str, str]) -> dict[str, Any]:
    attributes = {_text(key): _value(value) for key, value in words.items()}
    return {"service": attributes.pop("service.name", None), "resource": attributes}


def _scope(words: dict[str, str]) -> dict[str, Any]:
    own, attributes = _apart(list(words.items()))
    return {"scope": own.get("name", ""), "version": own.get("version", ""), "scope_attributes": attributes}


def _event(words: list[tuple[str, str]], start: int) -> Span.Event:
    (name, _), *others = words
    own, attributes = _apart(others)
    return event(_text(name), time=start + parse_duration(own.get("after", "0s")), attributes=attributes)


def _link(words: list[tuple[str, str]]) -> Span.Link:
    own, attributes = _apart(words)
    return link(own["trace"], own["span"], attributes=attributes)


def _text(written: str) -> str:
    """A word, or what stands in its quotes."""
    text: str = json.loads(written) if written.startswith('"') else written
    return text


def _value(written: str) -> Any:
    match written:
        case "nil":
            return None
        case "bytes":
            return b"\0\xff"
    return json.loads(written)


def every() -> list[Case]:
    """The cases of all files."""
    return [case for path in sorted(CASES.glob("filters_*.txt")) for case in read(path)]
