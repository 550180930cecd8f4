"""TraceQL filters that users stumbled over: odd names, types, absence, regular expressions, arrays."""

from __future__ import annotations

import pytest

from pytempo import BadQuery
from tests.building import MILLISECOND, request, span
from tests.states import Stores, matched
from tests.tricky.conftest import Hold


@pytest.mark.parametrize(
    "query",
    [
        '{ span."user name" = "ann" }',
        '{ span."say \\"hi\\"" = "1" }',
        '{ span."back\\\\slash" = "2" }',
        '{ span.us"er na"me = "ann" }',
        '{ ."user name" = "ann" }',
    ],
)
def test_a_name_in_quotes_may_hold_any_character(hold: Hold, query: str) -> None:
    """S01: only `\\"` and `\\\\` are escapes inside a quoted name, and a name may be quoted part-way."""
    attributes = {"user name": "ann", 'say "hi"': "1", "back\\slash": "2"}
    store = hold(request(span("odd", attributes=attributes), span("plain")))
    assert matched(store, query) == ["odd"]


@pytest.mark.parametrize("query", ['{http.method="NOPE"}', '{service.name="none"}', "{ foo }", "{ .a = 1 && bar = 2 }"])
def test_a_name_without_its_dot_is_an_error_with_a_position_and_never_ignored(hold: Hold, query: str) -> None:
    """S02: 400 instead of the unfiltered 20 traces."""
    store = hold(*(request(span(attributes={"http.method": "GET"})) for _ in range(20)))
    with pytest.raises(BadQuery, match=r"line 1, column \d+") as caught:
        store.search(query)
    assert caught.value.line == 1


def test_the_lack_of_an_attribute_is_found_span_by_span(hold: Hold) -> None:
    """S03: of a trace with and without `tier`, the span without."""
    store = hold(request(span("A", trace=1, attributes={"tier": "gold"}), span("B", trace=1)))
    (found,) = store.search("{ span.tier = nil }")
    assert [spanset.matched for spanset in found.spansets] == [1]
    assert matched(store, "{ span.tier = nil }") == ["B"]


@pytest.mark.parametrize("query", ["{ span:status = nil }", "{ resource.service.name = nil }", "{ name = nil }", "{ nil = duration }"])
def test_what_is_never_absent_cannot_be_asked_for_as_absent(stores: Stores, query: str) -> None:
    """S03: intrinsics and service.name are never nil; a 400 says so."""
    with pytest.raises(BadQuery):
        stores.store.search(query)


@pytest.mark.parametrize("query", ["{ span.ratio = 3 }", "{ span.ratio > 2 }", "{ span.n = 3.0 }", "{ span.n < 3.5 }", "{ 3.5 > span.n }"])
def test_numbers_compare_by_value(hold: Hold, query: str) -> None:
    """S04: integers and doubles alike."""
    store = hold(request(span("three", attributes={"ratio": 3.0, "n": 3, "s": "3"}), span("none")))
    assert matched(store, query) == ["three"]


@pytest.mark.parametrize("query", ["{ span.s = 3 }", "{ span.s != 3 }", "{ span.s > 2 }", '{ span.n = "3" }'])
def test_text_is_never_read_as_a_number(hold: Hold, query: str) -> None:
    """S04: no match, and no error."""
    store = hold(request(span("three", attributes={"ratio": 3.0, "n": 3, "s": "3"})))
    assert matched(store, query) == []


@pytest.mark.parametrize(
    ("comparison", "found"), [('=~ "prod"', ["prod"]), ('=~ ".*prod"', ["preprod", "prod"]), ('!~ "prod"', ["preprod"])]
)
def test_a_regular_expression_covers_the_whole_value(hold: Hold, comparison: str, found: list[str]) -> None:
    """S05: anchored at both ends."""
    requests = [request(span(name), service=name, resource={"deployment.environment": name}) for name in ("prod", "preprod")]
    assert matched(hold(*requests), f"{{ resource.deployment.environment {comparison} }}") == found


@pytest.mark.parametrize(
    ("comparison", "found"),
    [('= "a"', ["a and b", "plain a"]), ('!= "a"', ["c"]), ('=~ "b|c"', ["a and b", "c"]), ('!~ "b|c"', ["plain a"])],
)
def test_an_array_matches_by_element(hold: Hold, comparison: str, found: list[str]) -> None:
    """S06: `=` and `=~` when one element fits, `!=` and `!~` when none does."""
    values = {"a and b": ["a", "b"], "c": ["c"], "plain a": "a"}
    store = hold(request(*(span(name, attributes={"accept": value}) for name, value in values.items()), span("without")))
    assert matched(store, f"{{ span.accept {comparison} }}") == found


@pytest.mark.parametrize("query", ['{.region="eu-1"}', '{ .region = "eu-1" }', '{.region="eu-1"&&true}', '{name="here"&&.region="eu-1"}'])
def test_blanks_around_an_operator_do_not_matter(hold: Hold, query: str) -> None:
    """S07: the compact form is no long attribute name."""
    store = hold(request(span("here", attributes={"region": "eu-1"}), span("elsewhere")))
    assert matched(store, query) == ["here"]


@pytest.mark.parametrize(
    "query", ['{ span.resource.id = "r-7" }', '{ span.parent.ref = "p" }', "{ span.span.x = 1 }", "{ span.event:y = 2 }"]
)
def test_only_the_first_scope_word_is_a_scope(hold: Hold, query: str) -> None:
    """S08: the rest is the name."""
    attributes = {"resource.id": "r-7", "parent.ref": "p", "span.x": 1, "event:y": 2}
    assert matched(hold(request(span("odd", attributes=attributes), span("plain"))), query) == ["odd"]


@pytest.mark.parametrize("query", ["{ span.accept != nil }", "{ nil != span.accept }"])
def test_presence_is_found_in_both_orders(hold: Hold, query: str) -> None:
    """S09: exactly the span that has it."""
    store = hold(request(span("with", attributes={"accept": "json"}), span("without")))
    assert matched(store, query) == ["with"]


@pytest.mark.parametrize("query", ['{ span.foo =~ "[" }', '{ span.foo !~ "(?=x)" }', '{ name =~ "a**" } | rate()'])
def test_a_broken_regular_expression_is_refused_and_named(stores: Stores, query: str) -> None:
    """S10: in a search the pattern is named."""
    pattern = query.split('"')[1]
    with pytest.raises(BadQuery) as caught:
        stores.store.search(query)
    assert pattern in str(caught.value)


def test_a_broken_regular_expression_does_not_fail_a_completion(hold: Hold) -> None:
    """S10: half-typed filters are the rule there."""
    store = hold(request(span(attributes={"foo": "x"})))
    assert [value.value for value in store.tag_values("span.foo", q='{ span.foo =~ "[" }').values] == ["x"]


def test_long_values_and_long_names_are_found_by_equality(hold: Hold) -> None:
    """S11: a value of 1,500 characters and a name of 1,100."""
    sql, name = "SELECT " + "x" * 1493, "k" * 1100
    store = hold(request(span("long", attributes={"sql": sql, name: "v"}), span("other", attributes={"sql": sql[:-1] + "y"})))
    assert matched(store, f'{{ span.sql = "{sql}" }}') == ["long"]
    assert matched(store, f'{{ span.{name} = "v" }}') == ["long"]


@pytest.mark.parametrize("query", ["{ duration > span.budget_ns }", "{ span.budget_ns < duration }", "{ duration - span.budget_ns > 0 }"])
def test_durations_are_numbers_of_nanoseconds(hold: Hold, query: str) -> None:
    """S12: they compare with attributes by value."""
    spans = [
        span(name, duration=length * MILLISECOND, attributes={"budget_ns": 10_000_000}) for name, length in (("slow", 40), ("fast", 5))
    ]
    assert matched(hold(request(*spans)), query) == ["slow"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("{ span.hit && true }", ["hit"]),
        ("{ span.hit = true }", ["hit"]),
        ("{ span.hit = false || false }", ["miss"]),
        ("{ span.hit }", ["hit"]),
        ("{ !span.hit }", ["miss"]),
        ("{ true && span.hit != false }", ["hit"]),
    ],
)
def test_booleans_stand_alone_and_beside_constants(hold: Hold, query: str, found: list[str]) -> None:
    """S13: no condition is lost, and nothing fails."""
    store = hold(request(span("hit", attributes={"hit": True}), span("miss", attributes={"hit": False}), span("neither")))
    assert matched(store, query) == found
