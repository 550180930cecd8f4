"""Completion: odd names, dead ends, half-typed filters, types."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest

from pytempo import Store
from pytempo.query.results import TagValue
from tests.building import request, span
from tests.sending import post
from tests.servers import RunningServer
from tests.states import matched
from tests.tricky.conftest import Hold

ODD = {"http/url": "slash", "my key": "blank", 'q"x': "quote", "naïve": "umlaut", "back\\slash": "backslash", "a.b-c": "dash"}

HALF_TYPED = [
    '{ span.env = "prod" && span.svc = }',
    '{ resource.a=~"p.+" && ',
    "}{",
    "{ span.n = 1 || ",
    "{",
    '{ span.env = "pro',
    "{ span.",
    "{ . = 1 }",
    '{ span.env =~ "[" }',
    "{} | rate() by (",
    "((((((((",
]


def spelled(name: str) -> str:
    """A name in quotes, as TraceQL has it."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def texts(store: Store, name: str, q: str | None = None) -> list[str]:
    return [value.value for value in store.tag_values(name, q=q).values]


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("scope", ["span.", "."])
def test_the_values_of_any_name_are_found(hold: Hold, scope: str, name: str) -> None:
    """S43: scoped and unscoped; every name has a spelling, and the values find their span."""
    store = hold(request(span("odd", attributes=ODD), span("plain")))
    assert texts(store, scope + spelled(name)) == [ODD[name]]
    assert [value.value for value in store.tag_values_v1(name).values] == [ODD[name]]
    assert matched(store, f'{{ {scope}{spelled(name)} = "{ODD[name]}" }}') == ["odd"]


def test_names_are_listed_as_they_are(hold: Hold) -> None:
    """S43: unescaped, by scope."""
    store = hold(request(span(attributes=ODD)))
    assert dict(store.tags(scope="span").scopes) == {"span": tuple(sorted(ODD))}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("scope", ["span.", "."])
def test_a_percent_encoded_name_is_understood(server: RunningServer, scope: str, name: str) -> None:
    """S43: in the path of the request."""
    body = request(span(trace=0x43, attributes=ODD)).SerializeToString()
    post(server.otlp_http_url, body)
    answer = httpx.get(f"{server.http_url}/api/v2/search/tag/{quote(scope + spelled(name), safe='')}/values")
    assert answer.json()["tagValues"] == [{"type": "string", "value": ODD[name]}]
    assert name in httpx.get(f"{server.http_url}/api/search/tags").json()["tagNames"]


def test_no_name_is_a_dead_end_and_a_filter_narrows_the_values(hold: Hold) -> None:
    """S44: every listed name has values in the same window; dc under env=prod is dc1 and dc2."""
    pairs = [("prod", "dc1"), ("prod", "dc2"), ("dev", "dc3")]
    store = hold(
        *(request(span(attributes={"env": env, "dc": dc}), resource={"host": env}, scope_attributes={"tier": dc}) for env, dc in pairs)
    )
    for scope, names in store.tags().scopes:
        if scope == "intrinsic":
            continue
        for name in names:
            values = texts(store, f"{scope}.{name}")
            assert values, f"{scope}.{name} has no value"
            assert all(matched(store, f'{{ {scope}.{name} = "{value}" }}') for value in values)
    assert texts(store, "span.dc", q='{ span.env = "prod" }') == ["dc1", "dc2"]
    assert texts(store, "span.dc") == ["dc1", "dc2", "dc3"]
    assert dict(store.tags(q='{ resource.host = "dev" }').scopes)["span"] == ("dc", "env")


@pytest.mark.parametrize("q", HALF_TYPED)
def test_a_half_typed_filter_never_fails(hold: Hold, q: str) -> None:
    """S45: filtered by the complete conditions, or unfiltered when nothing can be read."""
    store = hold(
        request(span(attributes={"env": "prod", "svc": "a", "n": 1}), resource={"a": "p1"}),
        request(span(attributes={"env": "dev", "svc": "b"})),
    )
    assert set(texts(store, "span.svc", q=q)) in ({"a"}, {"a", "b"})
    assert "svc" in dict(store.tags(q=q).scopes)["span"]


def test_the_complete_conditions_of_a_half_typed_filter_count(hold: Hold) -> None:
    """S45: `env` is complete, `svc` is being typed."""
    store = hold(request(span(attributes={"env": "prod", "svc": "a"})), request(span(attributes={"env": "dev", "svc": "b"})))
    assert texts(store, "span.svc", q='{ span.env = "prod" && span.svc = }') == ["a"]


@pytest.mark.parametrize("q", HALF_TYPED)
def test_over_http_a_half_typed_filter_never_fails(server: RunningServer, q: str) -> None:
    """S45: 200 for names and for values."""
    for path in ("tags", "tag/span.svc/values"):
        assert httpx.get(f"{server.http_url}/api/v2/search/{path}", params={"q": q}).status_code == 200


def test_every_value_carries_its_own_type(hold: Hold) -> None:
    """S46: keywords for status and kind, and bool, int, float, string."""
    attributes = {"flag": True, "count": 3, "ratio": 0.5, "text": "3"}
    store = hold(request(span("GET /", kind="server", status="error", attributes=attributes), span("POST /")))
    assert store.tag_values("status").values == tuple(TagValue("keyword", word) for word in ("error", "ok", "unset"))
    kinds = ("client", "consumer", "internal", "producer", "server", "unspecified")
    assert store.tag_values("kind").values == tuple(TagValue("keyword", word) for word in kinds)
    assert store.tag_values("span.flag").values == (TagValue("bool", "true"),)
    assert store.tag_values("span.count").values == (TagValue("int", "3"),)
    assert store.tag_values("span.ratio").values == (TagValue("float", "0.5"),)
    assert store.tag_values("span.text").values == (TagValue("string", "3"),)


def test_a_filter_on_the_asked_field_itself_holds(hold: Hold) -> None:
    """S46: of the names only the one that is filtered for, if there is one."""
    store = hold(request(span("GET /"), span("POST /")))
    assert texts(store, "name", q='{ name = "GET /" }') == ["GET /"]
    assert texts(store, "name", q='{ name = "PUT /" }') == []
    assert texts(store, "status", q='{ name = "GET /" }') == ["unset"]
