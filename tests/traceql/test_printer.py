"""What is printed reads back as the same tree, whatever the tree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from pytempo.traceql import parse, to_text
from pytempo.traceql.ast import Query, walk
from tests.traceql.texts import ACCEPTED, pairs
from tests.traceql.trees import queries


@pytest.mark.parametrize(("text", "canonical"), pairs("printed"))
def test_the_canonical_text(text: str, canonical: str) -> None:
    assert to_text(parse(text)) == canonical


@pytest.mark.parametrize("text", ACCEPTED)
def test_a_query_reads_back(text: str) -> None:
    query = parse(text)
    printed = to_text(query)
    assert parse(printed) == query
    assert to_text(parse(printed)) == printed


@settings(max_examples=200)
@given(queries)
def test_any_tree_reads_back(query: Query) -> None:
    assert parse(to_text(query)) == query


def test_every_node_by_itself_has_a_text() -> None:
    for text in ACCEPTED:
        assert all(to_text(node) for node in walk(parse(text)))
