"""The tags parameter of a search."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytempo.errors import BadQuery
from pytempo.server.api.logfmt import parse_tags


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", {}),
        ("a=b", {"a": "b"}),
        ('  service.name=shop  name="GET /"', {"service.name": "shop", "name": "GET /"}),
        ("name", {"name": ""}),
        ("name=", {"name": ""}),
        ('name=""', {"name": ""}),
        (r'q="say \"hi\" \\ \n \u00e9"', {"q": 'say "hi" \\ \n é'}),
        ('q="a=b"', {"q": "a=b"}),
        ("名前=値", {"名前": "値"}),
        ("a=1\tb=2\nc=3", {"a": "1", "b": "2", "c": "3"}),
    ],
)
def test_pairs_are_read(text: str, tags: dict[str, str]) -> None:
    assert parse_tags(text) == tags


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("=", "unexpected '=' at pos 1"),
        ("a=b=c", "unexpected '=' at pos 4"),
        ('"foo bar"=spaced', "unexpected '\"' at pos 1"),
        ('a"b=c', "unexpected '\"' at pos 2"),
        ('a=b"c', "unexpected '\"' at pos 4"),
        ('a="b', "begins at pos 3 does not end"),
        ('a="b\\"', "begins at pos 3 does not end"),
        (r'a="\q"', "unknown escape"),
        ("a=1 a=2", "'a' comes a second time at pos 5"),
    ],
)
def test_a_fault_is_told_by_its_position(text: str, said: str) -> None:
    with pytest.raises(BadQuery, match=r"^invalid tags: ") as raised:
        parse_tags(text)
    assert said in str(raised.value)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        tags = parse_tags(text)
    except BadQuery:
        return
    assert all(tags)


@given(st.dictionaries(st.from_regex(r"[a-z.]+", fullmatch=True), st.text(st.characters(codec="utf-8"))))
def test_written_pairs_read_back(tags: dict[str, str]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    assert parse_tags(" ".join(f"{key}={quoted(value)}" for key, value in tags.items())) == tags
