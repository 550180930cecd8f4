"""However a query is written, it has an answer or a refusal, and soon: no pattern, number or nesting keeps it busy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import pytempo
from pytempo import BadQuery, Store
from tests.building import request, span

KIB = 1024

ANSWERED = {
    "a power beyond every number": "{ 2 ^ 9999999999 = span.n }",
    "the same of a field": "{ span.n ^ 9999999999 > 1 }",
    "the same of aggregates": "{ } | count() ^ 9999999999 > 1",
    "powers of powers": "{ span.n = " + "2 ^ " * 100 + "2 }",
    "a product beyond 64 bits": "{ span.n * 9223372036854775807 * 9223372036854775807 > 1 }",
    "5,000 nested parentheses": "(" * 5_000 + "{ }" + ")" * 5_000,
    "a pattern that backtracks": '{ span.text =~ "(a*)*(a|a)*(a|aa)*b" }',
    "a long pattern": '{ span.text =~ "' + "(a|b)*" * 200 + '" }',
    "10,000 comparisons": "{ " + " || ".join(["span.n=7"] * 10_000) + " }",
    "3,000 fields": "{ " + " || ".join(f"span.k{number} = 7" for number in range(3_000)) + " }",
    "5,000 stages": "{ }" + " | { span.n = 1 }" * 5_000,
    "5,000 operands": " || ".join(["{ span.n = 1 }"] * 5_000),
    "3,000 relations": " >> ".join(["{ }"] * 3_000),
    "a text of 100 KiB": '{ span.text = "' + "x" * 100 * KIB + '" }',
}

REFUSED = {
    "a pattern that repeats repeats": '{ span.text =~ "((((a{1000}){1000}){1000}){1000})" }',
    "a pattern of 100 KiB": '{ span.text =~ "' + "(a{100}){10}" * 8_000 + '" }',
    "a pattern that never closes": '{ span.text =~ "' + "(" * 10_000 + '" }',
    "more than 128 KiB": "{ }" + " " * 128 * KIB,
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder: Path = tmp_path_factory.mktemp("data")
    with pytempo.open(folder) as opened:
        opened.export(request(*(span(trace=n, attributes={"n": n, "text": "a" * 5_000}) for n in range(1, 20))).SerializeToString())
        opened.flush()
        opened.export(request(*(span(trace=n, attributes={"n": n, "text": "a" * 5_000}) for n in range(20, 30))).SerializeToString())
        yield opened


@pytest.mark.parametrize("query", ANSWERED.values(), ids=ANSWERED)
def test_it_is_answered(store: Store, query: str) -> None:
    assert store.search(query, limit=3) is not None
    assert store.explain(query).sources


@pytest.mark.parametrize("query", REFUSED.values(), ids=REFUSED)
def test_it_is_refused(store: Store, query: str) -> None:
    with pytest.raises(BadQuery):
        store.search(query)
