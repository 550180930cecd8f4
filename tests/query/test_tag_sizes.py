"""Answers about tags are cut at a size, in their order, and say so."""

from __future__ import annotations

from pathlib import Path

import pytest

import pytempo
from pytempo.options import StoreOptions
from pytempo.query.options import QueryOptions
from pytempo.query.results import TagNames, TagValue, TagValues
from pytempo.query.tag_sizes import cut_names, cut_values
from tests.building import request, span

VALUES = TagValues(tuple(TagValue("string", text) for text in ("a", "bb", "größe", "x")))
NAMES = TagNames((("span", ("a", "bb")), ("resource", ("ccc",)), ("intrinsic", ("d",))))


@pytest.mark.parametrize(("most", "kept"), [(0, 4), (1, 1), (2, 1), (3, 2), (9, 2), (10, 3), (11, 4), (1000, 4)])
def test_values_are_kept_from_the_first_on_while_they_fit(most: int, kept: int) -> None:
    found = cut_values(VALUES, most)
    assert found.values == VALUES.values[:kept]
    assert found.cut == (kept < 4)


def test_names_are_kept_scope_by_scope() -> None:
    assert cut_names(NAMES, 7) == NAMES
    assert cut_names(NAMES, 6).scopes == (("span", ("a", "bb")), ("resource", ("ccc",)))
    assert cut_names(NAMES, 1).scopes == (("span", ("a",)),)
    assert cut_names(NAMES, 1).cut


def test_a_store_cuts_what_is_larger_than_its_option(tmp_path: Path) -> None:
    spans = (span(attributes={f"key-{number:020}": "x" * 50 + str(number), "id": f"{number:0100}"}) for number in range(100))
    with pytempo.open(tmp_path, options=StoreOptions(query=QueryOptions(max_tag_bytes=1000))) as store:
        store.export(request(*spans).SerializeToString())
        for _ in range(2):
            assert [value.value for value in store.tag_values("span.id").values] == [f"{number:0100}" for number in range(10)]
            assert store.tag_values("span.id").cut
            assert store.tag_values_v1("id").cut
            assert store.tags(scope="span").cut
            assert not store.tags(scope="resource").cut
            store.flush()
