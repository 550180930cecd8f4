"""Attributes as they come: control characters, broken text, repeated keys, huge values, empty keys, one key of several types."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import pytempo
from pytempo import RequestTooLarge, Store, StoreOptions
from pytempo.model import Level
from pytempo.otlp import trace_to_json
from pytempo.query.options import QueryOptions
from tests.building import request, span
from tests.otlp import protobuf
from tests.states import State, Stores, matched, names_of
from tests.tricky.conftest import Hold

MEGABYTE = 1024 * 1024


def attributes_of(store: Store, trace_id: str, level: Level = Level.SPAN) -> list[tuple[str, object]]:
    """Keys and values of all rows of a level of a trace, as by id they come back."""
    found = store.trace(trace_id)
    assert found is not None
    keys, _, values = found.batch.attributes(level).listed()
    return list(zip(keys, values, strict=True))


def values_of(store: Store, name: str) -> list[str]:
    return [value.value for value in store.tag_values(name).values]


def test_nul_characters_are_kept(hold: Hold) -> None:
    """S26: in values and in names, as valid JSON by id; later ingest goes on."""
    store = hold(request(span("job\0x", trace=1, attributes={"note": "a\0b"})))
    found = store.trace("1")
    assert found is not None
    text = trace_to_json(found.batch).decode()
    assert r"job\u0000x" in text
    (shown,) = json.loads(text)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert (shown["name"], shown["attributes"][0]["value"]["stringValue"]) == ("job\0x", "a\0b")
    assert matched(store, "{ span.note != nil }") == matched(store, '{ span.note =~ "a.b" }') == ["job\0x"]
    store.export(request(span("later")).SerializeToString())
    assert matched(store) == ["job\0x", "later"]


@pytest.mark.parametrize("state", [State.LIVE, State.FLUSHED, State.KILLED], ids=lambda state: state.word)
def test_bytes_that_are_no_utf8_become_the_replacement_character(stores: Stores, state: State) -> None:
    """S27: the span with the broken text is stored with U+FFFD in its place, the clean one beside it as it is."""
    raw = protobuf.key_value(b"raw", protobuf.delimited(1, b"\x66\x6f\xff\x6f"))
    broken = protobuf.span(protobuf.delimited(5, b"broken"), protobuf.delimited(9, raw), span_id=b"broken 1")
    clean = protobuf.span(protobuf.delimited(5, b"clean"), span_id=b"clean  2")
    (exported,) = stores.export(protobuf.request(broken, clean))
    assert (exported.accepted, exported.rejected) == (2, 0)
    store = stores.into(state)
    assert matched(store) == ["broken", "clean"]
    assert matched(store, '{ span.raw = "fo\ufffdo" }') == ["broken"]
    assert values_of(store, "span.raw") == ["fo\ufffdo"]


def test_of_a_key_that_comes_twice_the_last_value_wins_everywhere(hold: Hold) -> None:
    """S28: by id, in search and in tag values; a clean span in the same request is stored, too."""
    twice = span("twice", trace=1, attributes=[("mode", "a"), ("other", 1), ("mode", "b")])
    store = hold(request(twice, span("clean", trace=1), service="s1", resource=[("service.name", "s2")]))
    assert names_of(store, "1") == ["clean", "twice"]
    assert sorted(attributes_of(store, "1")) == [("mode", "b"), ("other", 1)]
    assert set(attributes_of(store, "1", Level.RESOURCE)) == {("service.name", "s2")}
    assert (matched(store, '{ span.mode = "b" }'), matched(store, '{ span.mode = "a" }')) == (["twice"], [])
    assert (matched(store, '{ resource.service.name = "s2" }'), matched(store, '{ .service.name = "s1" }')) == (["clean", "twice"], [])
    assert (values_of(store, "span.mode"), values_of(store, "resource.service.name")) == (["b"], ["s2"])
    assert store.search("{}")[0].service_stats[0][0] == "s2"


@pytest.mark.parametrize("size", [2 * 1024 + 1, 5 * MEGABYTE], ids=["2 KiB and a byte", "5 MB"])
def test_large_values_come_back_whole(hold: Hold, size: int) -> None:
    """S29: nothing is cut; the limit on requests bounds values. Completion alone offers none that is larger than its answers may be."""
    body = "".join(f"{number:08}" for number in range(size // 8 + 1))[:size]
    store = hold(request(span("large", trace=1, attributes={"body": body})))
    assert attributes_of(store, "1") == [("body", body)]
    assert matched(store, "{ span.body != nil }") == matched(store, '{ span.body =~ "0000.*" }') == ["large"]
    assert values_of(store, "span.body") == ([body] if size <= QueryOptions().max_tag_bytes else [])


def test_a_request_beyond_the_limit_is_refused_whole(tmp_path: Path) -> None:
    """S29: with both sizes and the setting, instead of stored in part."""
    with pytempo.open(tmp_path, options=StoreOptions(max_request_bytes=1000)) as store:
        with pytest.raises(RequestTooLarge, match=r"max_request_bytes") as caught:
            store.export(request(span("large", attributes={"body": "x" * 2000}), span("small")).SerializeToString())
        assert (caught.value.limit, caught.value.size > 2000) == (1000, True)
        assert matched(store) == []


def test_empty_keys_unset_values_and_empty_texts_are_told_apart(hold: Hold) -> None:
    """S30: the empty key never appears among tag names; an unset value is nil, an empty text is not."""
    store = hold(request(span("odd", trace=1, attributes={"": "x", "none": None, "blank": ""})))
    assert sorted(attributes_of(store, "1")) == [("", "x"), ("blank", ""), ("none", None)]
    assert "" not in store.tags().all()
    for query in ('{ span.blank = "" }', "{ span.none = nil }", "{ span.blank != nil }"):
        assert matched(store, query) == ["odd"]
    for query in ("{ span.none != nil }", "{ span.blank = nil }", '{ span.none = "" }', '{ span.blank != "" }'):
        assert matched(store, query) == []


def test_a_thousand_booleans_stay_with_their_spans(hold: Hold) -> None:
    """S31: exactly 500 false and 500 true, by id and by search."""
    store = hold(request(*(span(f"{number:03}", trace=1, attributes={"ok": number % 2 == 0}) for number in range(1000))))
    odd = [f"{number:03}" for number in range(1, 1000, 2)]
    found = store.trace("1")
    assert found is not None
    shown = dict(zip(found.batch.stored(Level.SPAN, "name").to_pylist(), [value for _, value in attributes_of(store, "1")], strict=True))
    assert sorted(name for name, ok in shown.items() if ok is False) == sorted(odd)
    assert len(shown) == 1000
    assert matched(store, "{ span.ok = false }") == sorted(odd)
    assert len(matched(store, "{ span.ok = true }")) == 500


@pytest.mark.parametrize(("comparison", "found"), [("!= nil", ["A", "B"]), ("= 200", ["A"]), ('= "200"', ["B"]), ("> 100", ["A"])])
def test_one_key_of_two_types_is_found_by_each(hold: Hold, comparison: str, found: list[str]) -> None:
    """S32: the number by number, the text by text."""
    store = hold(request(span("A", attributes={"http.status_code": 200}), span("B", attributes={"http.status_code": "200"})))
    assert matched(store, f"{{ span.http.status_code {comparison} }}") == found


def test_values_of_one_key_keep_their_types(hold: Hold) -> None:
    """S32: in completion, and by id."""
    values = ["200", 200, 200.5, True, ["a", "b"], [1, 2], {"a": 1}, b"\0\xff"]
    store = hold(request(*(span(f"{number}", trace=number + 1, attributes={"mixed": value}) for number, value in enumerate(values))))
    shown = {(value.type, value.value) for value in store.tag_values("span.mixed").values}
    assert shown == {
        ("string", "200"),
        ("string", "a"),
        ("string", "b"),
        ("int", "200"),
        ("int", "1"),
        ("int", "2"),
        ("float", "200.5"),
        ("bool", "true"),
    }
    assert [attributes_of(store, f"{number + 1}")[0][1] for number in range(6)] == values[:6]
    assert matched(store, "{ span.mixed != nil }") == [f"{number}" for number in range(8)]
