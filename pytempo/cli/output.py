"""What the commands print: JSON for programs, tables and trees for people."""

from __future__ import annotations

import json
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from pytempo.config import format_duration

Document: TypeAlias = dict[str, Any]
D = TypeVar("D")

SECOND = 1_000_000_000

DEEPEST_INDENT = 30
"""Levels of a trace that are indented; below, the order alone tells."""

PIPED_WIDTH = 1000
"""Columns of a line that goes to a program rather than to a terminal, which has its own."""


def show(document: D, as_json: bool, render: Callable[[D], RenderableType]) -> None:
    """Print an answer."""
    if as_json:
        print(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        console = Console(highlight=False)
        if not console.is_terminal:
            console.width = PIPED_WIDTH
        console.print(render(document))


def _table(rows: Iterable[Iterable[str]], *columns: str, right: tuple[str, ...] = ()) -> Table:
    """Columns that keep their width, but for the last, which breaks where the terminal ends."""
    table, lines = Table(box=None, pad_edge=False, header_style="bold"), [list(row) for row in rows]
    for place, column in enumerate(columns):
        widest = max((cell_len(line[place]) for line in lines), default=0)
        last = place == len(columns) - 1
        table.add_column(column, justify="right" if column in right else "left", min_width=None if last else widest, overflow="fold")
    for line in lines:
        table.add_row(*map(Text, line))  # as Text: square brackets in names are no markup
    return table


def search_table(found: Document) -> RenderableType:
    """The traces of a search, one a line."""
    rows = (
        (
            trace["traceID"],
            moment(int(trace.get("startTimeUnixNano", 0))),
            f"{trace.get('durationMs', 0)}ms",
            str(sum(spanset.get("matched", 0) for spanset in trace.get("spanSets", []))),
            trace.get("rootServiceName", ""),
            trace.get("rootTraceName", ""),
        )
        for trace in found["traces"]
    )
    return _table(rows, "trace", "start", "duration", "matched", "service", "name", right=("duration", "matched"))


def tag_table(found: Document) -> RenderableType:
    """Names of attributes with their scopes."""
    return _table(((scope["name"], tag) for scope in found["scopes"] for tag in scope["tags"]), "scope", "tag")


def value_table(found: Document) -> RenderableType:
    """Values of an attribute with their types."""
    return _table(((value["type"], value.get("value", "")) for value in found["tagValues"]), "type", "value")


def block_table(found: list[Document]) -> RenderableType:
    """Blocks, one a line."""
    rows = ((block["blockID"], block["startTime"], block["endTime"], str(block["totalObjects"]), str(block["size"])) for block in found)
    return _table(rows, "block", "start", "end", "traces", "bytes", right=("traces", "bytes"))


def fields(found: Document) -> RenderableType:
    """A document's fields, one a line."""
    return _table(((name, value if isinstance(value, str) else json.dumps(value)) for name, value in found.items()), "field", "value")


def trace_tree(found: Document) -> RenderableType:
    """A trace as a tree: each span under its parent, in the order of their starts; what has no parent here stands on top."""
    spans = [
        (span, _service(part.get("resource", {})))
        for part in found["trace"].get("resourceSpans", [])
        for scope in part.get("scopeSpans", [])
        for span in scope.get("spans", [])
    ]
    spans.sort(key=lambda pair: _start(pair[0]))
    known = {span["spanId"] for span, _ in spans}
    below: dict[str, list[tuple[Document, str]]] = defaultdict(list)
    for span, service in spans:
        parent = span.get("parentSpanId", "")
        below[parent if parent in known and parent != span["spanId"] else ""].append((span, service))
    begin = _start(spans[0][0]) if spans else 0
    return Text("\n").join([Text(f"{len(spans)} spans from {moment(begin)}"), *_lines(below, begin)])


def _lines(below: Mapping[str, list[tuple[Document, str]]], begin: int) -> Iterator[Text]:
    """All spans, each behind its parent and its parent's earlier children. Without recursion: chains may be longer than Python's stack."""
    waiting = [(0, *pair) for pair in reversed(below.get("", []))]
    while waiting:
        depth, span, service = waiting.pop()
        yield Text("  " * min(depth, DEEPEST_INDENT)) + _line(span, service, begin)
        waiting += [(depth + 1, *pair) for pair in reversed(below.get(span["spanId"], []))]


def _line(span: Document, service: str, begin: int) -> Text:
    duration = max(int(span.get("endTimeUnixNano", 0)) - _start(span), 0)
    failed = span.get("status", {}).get("code") == "STATUS_CODE_ERROR"
    after = format_duration(max(_start(span) - begin, 0))
    return Text.assemble(
        (service or "unknown service", "cyan"),
        " ",
        (span.get("name", ""), "red" if failed else "bold"),
        (f"  {format_duration(duration)}", ""),
        (f"  +{after}  {b64decode(span['spanId']).hex()}", "dim"),
        ("  error" if failed else "", "red"),
    )


def _start(span: Document) -> int:
    return int(span.get("startTimeUnixNano", 0))


def _service(resource: Document) -> str:
    values = (pair.get("value", {}) for pair in resource.get("attributes", []) if pair["key"] == "service.name")
    return next((str(value["stringValue"]) for value in values if "stringValue" in value), "")


def moment(nanoseconds: int) -> str:
    """A time as RFC 3339 with milliseconds; the bare number where no calendar has it."""
    try:
        text = datetime.fromtimestamp(nanoseconds // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return str(nanoseconds)
    return f"{text}.{nanoseconds % SECOND // 1_000_000:03d}Z"
