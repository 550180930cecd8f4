"""Half-typed filters filter by what of them is whole."""

from __future__ import annotations

import pytest

from pytempo.traceql import lenient_conditions, parse, to_text
from pytempo.traceql.ast import Query
from tests.traceql.texts import ACCEPTED, pairs


@pytest.mark.parametrize(("text", "expected"), pairs("half_typed"))
def test_the_whole_comparisons_are_read(text: str, expected: str) -> None:
    found = lenient_conditions(text)
    assert (to_text(found) if found else "nothing") == (expected if expected == "nothing" else to_text(parse(expected)))


@pytest.mark.parametrize("text", ["", " ", "\n", "\ud800{ .a = 1 && ", "{ .a = 1 }" + "x" * 200_000])
def test_what_cannot_be_read_is_no_filter(text: str) -> None:
    assert lenient_conditions(text) is None


@pytest.mark.parametrize("text", ACCEPTED[::7])
def test_any_beginning_of_a_query_is_read_without_an_error(text: str) -> None:
    for end in range(len(text) + 1):
        assert isinstance(lenient_conditions(text[:end]), Query | None)


@pytest.mark.parametrize("piece", ["a&&", "(!", "/*", '"a', "`a`", ".", "1s", ".a=1&&", ".a=1)||", "'"])
def test_a_long_text_is_read_in_bounded_time(piece: str) -> None:
    assert isinstance(lenient_conditions("{ " + piece * (100_000 // len(piece))), Query | None)
