"""What reads as TraceQL but makes no sense is refused at its place; tables and queries agree."""

from __future__ import annotations

import pytest

from pytempo.errors import BadQuery
from pytempo.traceql import check, parse
from pytempo.traceql.ast import Pipeline, SpansetFilter
from pytempo.traceql.check import type_of
from pytempo.traceql.functions import FUNCTIONS, HINTS, Family, Function, Operator, Yields
from pytempo.traceql.intrinsics import INTRINSICS, LISTED_NAMES, find_intrinsic
from pytempo.traceql.types import KINDS, STATUSES, Type
from tests.traceql.texts import Refusal, refusals


@pytest.mark.parametrize("case", refusals("refused_by_check"), ids=lambda case: case.text)
def test_what_makes_no_sense_is_refused_at_its_place(case: Refusal) -> None:
    query = parse(case.text)
    with pytest.raises(BadQuery) as raised:
        check(query)
    assert (raised.value.line, raised.value.column) == (case.line, case.column)
    assert case.words in str(raised.value)


def test_check_gives_the_query_back() -> None:
    query = parse("{ .a = 1 }")
    assert check(query) is query


def test_nested_comparisons_are_looked_at_once() -> None:
    assert check(parse("{ " + "(.a = " * 120 + ".b" + ")" * 120 + " }"))


def test_messages_show_the_beginning_of_what_is_long() -> None:
    with pytest.raises(BadQuery) as raised:
        check(parse("{ " + "+".join(["1"] * 1_000) + " }"))
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ('"x"', Type.STRING),
        ("1", Type.INT),
        ("1.5", Type.FLOAT),
        ("-1s", Type.DURATION),
        ("true", Type.BOOL),
        ("ok", Type.STATUS),
        ("server", Type.KIND),
        ("nil", Type.NIL),
        (".a", Type.ANY),
        ("name", Type.STRING),
        ("1 + 2", Type.INT),
        ("1 + 2.5", Type.FLOAT),
        ("2 * 1s", Type.DURATION),
        ("duration / 2", Type.DURATION),
        ("1 + .a", Type.FLOAT),
        ("-.a", Type.ANY),
        ("!.a", Type.BOOL),
        (".a = 1", Type.BOOL),
        (".a || .b", Type.BOOL),
    ],
)
def test_expressions_have_types(text: str, type_: Type) -> None:
    query = parse(f"{{ {text} }}")
    assert isinstance(query.expression, Pipeline)
    (only,) = query.expression.stages
    assert isinstance(only, SpansetFilter)
    assert type_of(only.condition) is type_


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_is_a_keyword(status: str) -> None:
    assert check(parse(f"{{ status = {status} }}"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_keyword(kind: str) -> None:
    assert check(parse(f"{{ kind = {kind} }}"))


@pytest.mark.parametrize("spelling", [spelling for row in INTRINSICS.values() for spelling in row.spellings if spelling != "parent"])
def test_every_intrinsic_is_there_and_never_nil(spelling: str) -> None:
    assert check(parse(f"{{ {spelling} != nil }}"))
    with pytest.raises(BadQuery, match=f"`{spelling}` is never nil"):
        check(parse(f"{{ {spelling} = nil }}"))


def test_every_intrinsic_is_found_by_its_spellings() -> None:
    for name, row in INTRINSICS.items():
        assert row.spellings[0] == name
        assert all(find_intrinsic(spelling) is row for spelling in row.spellings)
    assert find_intrinsic("service.name") is None


def test_tag_listings_offer_the_intrinsics_that_tempo_lists() -> None:
    assert LISTED_NAMES == (
        "duration",
        "event:name",
        "event:timeSinceStart",
        "instrumentation:name",
        "instrumentation:version",
        "kind",
        "link:spanID",
        "link:traceID",
        "name",
        "rootName",
        "rootServiceName",
        "span:duration",
        "span:id",
        "span:kind",
        "span:name",
        "span:parentID",
        "span:status",
        "span:statusMessage",
        "status",
        "statusMessage",
        "trace:duration",
        "trace:id",
        "trace:rootName",
        "trace:rootService",
        "traceDuration",
    )


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_the_usage_of_every_function_works(function: Function) -> None:
    before = {Yields.RANKED: "{ } | rate() | "}.get(function.yields, "{ } | ")
    after = {Yields.NUMBER: " > 1"}.get(function.yields, "")
    assert check(parse(before + function.usage + after))


@pytest.mark.parametrize("operator", [operator for operator in Operator if operator.family is Family.STRUCTURAL], ids=lambda o: o.name)
def test_every_structural_operator_joins_spansets(operator: Operator) -> None:
    assert check(parse(f"{{ }} {operator.symbol} {{ }}"))


@pytest.mark.parametrize("hint", HINTS)
def test_every_hint_takes_what_the_table_says(hint: str) -> None:
    values = {Type.BOOL: "true", Type.INT: "1", Type.FLOAT: "0.5", Type.STRING: '"x"'}
    for type_, value in values.items():
        query = parse(f"{{ }} with ({hint}={value})")
        if type_ in HINTS[hint]:
            assert check(query)
        else:
            with pytest.raises(BadQuery, match=f"the hint `{hint}` takes"):
                check(query)
