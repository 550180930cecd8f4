"""Attributes cut to a limit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytempo.model import Batch
from pytempo.otlp import decode, messages, shorten
from tests.building import event, link, request, span


def cut(longest: int, attributes: dict[str, Any]) -> tuple[dict[str, str], int]:
    batch, count = shorten(decode([request(span(attributes=attributes)).SerializeToString()]).batch, longest)
    return texts(batch), count


def texts(batch: Batch) -> dict[str, str]:
    (spans,) = (scope.spans for resource in messages(batch).resource_spans for scope in resource.scope_spans)
    return {pair.key: pair.value.string_value for span in spans for pair in span.attributes}


def test_long_texts_and_keys_are_cut_and_counted() -> None:
    assert cut(12, {"a": "x" * 13, "k" * 14: "y", "b": "z" * 12}) == ({"a": "x" * 12, "k" * 12: "y", "b": "z" * 12}, 2)


def test_what_is_short_is_left_as_it_is() -> None:
    batch = decode([request(span(attributes={"a": "short"})).SerializeToString()]).batch
    assert shorten(batch, 100) == (batch, 0)
    assert shorten(batch, 100)[0] is batch


@given(st.text(max_size=30), st.integers(1, 20))
def test_no_character_is_torn(text: str, longest: int) -> None:
    (found, _) = cut(max(longest, 12), {"a": text})
    assert text.startswith(found["a"])
    assert len(found["a"].encode()) <= max(longest, 12)
    if len(text.encode()) > max(longest, 12):
        assert len(found["a"].encode()) > max(longest, 12) - 4


def test_of_keys_that_become_one_the_last_stays() -> None:
    assert cut(12, {"k" * 13: "first", "k" * 12 + "x": "last"}) == ({"k" * 12: "last"}, 2)


@pytest.mark.parametrize("where", ["resource", "scope", "event", "link"])
def test_it_holds_for_every_level(where: str) -> None:
    long = {"long": "x" * 50}
    made = request(
        span(events=[event(attributes=long)] if where == "event" else [], links=[link(attributes=long)] if where == "link" else []),
        service="s" * 50,
        scope_attributes=long if where == "scope" else {},
        resource=long if where == "resource" else {},
    )
    batch, count = shorten(decode([made.SerializeToString()]).batch, 12)
    assert count == 2
    assert b"x" * 13 not in messages(batch).SerializeToString()
    assert batch.summary().root_service.to_pylist() == ["s" * 12]
