"""What people see: tables and trees that hold whatever names spans have."""

from __future__ import annotations

import io
from base64 import b64encode
from typing import Any

from rich.console import Console, RenderableType

from pytempo.cli import output


def text_of(renderable: RenderableType, width: int = 1000) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def span(number: int, parent: int = 0, **more: Any) -> dict[str, Any]:
    def identifier(of: int) -> str:
        return b64encode(of.to_bytes(8)).decode()

    times = {"startTimeUnixNano": str(1_000_000 * number), "endTimeUnixNano": str(1_000_000 * number + 500_000)}
    return {"spanId": identifier(number), **({"parentSpanId": identifier(parent)} if parent else {}), "name": f"s{number}", **times, **more}


def tree(*spans: dict[str, Any]) -> list[str]:
    return text_of(output.trace_tree({"trace": {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}}))


def test_a_tree_hangs_spans_under_their_parents_in_the_order_of_their_starts() -> None:
    lines = tree(span(3, 1), span(2, 1), span(4, 2), span(1))
    assert [line[: line.index("s", line.index("service") + 7) + 2].lstrip("│├└─ ").split()[-1] for line in lines[1:]] == [
        "s1",
        "s2",
        "s4",
        "s3",
    ]


def test_a_span_whose_parent_is_missing_stands_on_top() -> None:
    assert len(tree(span(1), span(2, 99))) == 3


def test_spans_that_are_their_own_parents_are_shown() -> None:
    assert len(tree(span(1, 1))) == 2


def test_a_failed_span_is_marked() -> None:
    assert tree(span(1, status={"code": "STATUS_CODE_ERROR"}))[1].endswith("error")


def test_a_chain_of_calls_of_any_depth_is_shown() -> None:
    assert len(tree(*(span(number, number - 1) for number in range(1, 3000)))) == 3000


def test_square_brackets_in_names_are_no_markup() -> None:
    found = {"scopes": [{"name": "span", "tags": ["[bold]x[/bold]"]}]}
    assert text_of(output.tag_table(found))[1].endswith("[bold]x[/bold]")


def test_identifiers_are_never_cut_in_a_narrow_terminal() -> None:
    identifier = "2f3e0cee77ae5dc9c17ade3689eb2e54"
    found = {"traces": [{"traceID": identifier, "rootServiceName": "shop", "rootTraceName": "GET " + "x" * 300}]}
    assert any(identifier in line for line in text_of(output.search_table(found), width=100))


def test_times_that_no_calendar_has_are_shown_as_numbers() -> None:
    assert output.moment(1_795_000_000_123_456_789) == "2026-11-18T11:06:40.123Z"
    assert output.moment(2**63 * 100) == str(2**63 * 100)
