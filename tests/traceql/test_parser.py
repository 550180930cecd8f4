"""Queries become trees, whatever is no query is refused with its place, and neither takes long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from pytempo.errors import BadQuery
from pytempo.traceql import check, parse, parse_identifier, to_text
from pytempo.traceql.ast import MAX_DEPTH, Attribute, Intrinsic, Logical, Pipeline, Position, Query, SpansetFilter, SpansetOperation, walk
from pytempo.traceql.parser import MAX_QUERY_BYTES
from tests.traceql.texts import ACCEPTED, Refusal, pairs, refusals


def refusal_of(text: str) -> BadQuery:
    with pytest.raises(BadQuery) as raised:
        parse(text)
    return raised.value


@pytest.mark.parametrize("text", ACCEPTED)
def test_a_sound_query_is_accepted(text: str) -> None:
    assert isinstance(check(parse(text)), Query)


@pytest.mark.parametrize("case", refusals("refused_by_parse"), ids=lambda case: case.text)
def test_what_is_no_traceql_is_refused_at_its_place(case: Refusal) -> None:
    error = refusal_of(case.text)
    assert (error.line, error.column) == (case.line, case.column)
    assert case.words in str(error)


@pytest.mark.parametrize(("one", "other"), pairs("same", " <=> "))
def test_two_texts_of_one_meaning_have_equal_trees(one: str, other: str) -> None:
    assert parse(one) == parse(other)


@pytest.mark.parametrize(("one", "other"), pairs("different", " <=> "))
def test_two_texts_of_different_meaning_have_different_trees(one: str, other: str) -> None:
    assert parse(one) != parse(other)


@pytest.mark.parametrize(("text", "meaning"), pairs("identifiers"))
def test_an_identifier_is_read_by_itself(text: str, meaning: str) -> None:
    field = parse_identifier(text)
    if isinstance(field, Intrinsic):
        assert (field.name, field.spelling) == (meaning, text)
    else:
        words = ["parent"] * field.of_parent + [field.scope.value] * bool(field.scope.value)
        assert f"{' '.join(words) or 'unscoped'} {field.name}" == meaning


@pytest.mark.parametrize("case", refusals("identifiers_refused"), ids=lambda case: case.text)
def test_what_is_no_identifier_is_refused(case: Refusal) -> None:
    with pytest.raises(BadQuery) as raised:
        parse_identifier(case.text)
    assert (raised.value.line, raised.value.column) == (case.line, case.column)
    assert case.words in str(raised.value)


def test_an_empty_text_is_no_query() -> None:
    error = refusal_of(" \n ")
    assert (error.line, error.column) == (1, 1)
    assert "the query is empty" in str(error)


def test_places_count_lines_and_characters() -> None:
    error = refusal_of('{ .名前 = 1 }\n  && { .b =\n "ü" .c }')
    assert (error.line, error.column) == (3, 6)


def test_a_place_inside_a_piece_of_several_lines_is_found() -> None:
    error = refusal_of('{\n span."first\nsec\\nond" = 1 }')
    assert (error.line, error.column) == (3, 4)


def test_nodes_know_where_they_stand() -> None:
    query = parse('{ .a = 1 }\n >> { name = "x" }')
    fields = [node for node in walk(query) if isinstance(node, Attribute | Intrinsic)]
    assert [field.position for field in fields] == [Position(1, 3), Position(2, 7)]
    assert [node.position for node in walk(query) if isinstance(node, SpansetFilter)] == [Position(1, 1), Position(2, 5)]


def test_a_query_longer_than_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(BadQuery, match=r"the query has 204800 bytes, more than the limit of 131072 \(128 KiB\)") as raised:
        parse("(" * 200 * 1024)
    assert raised.value.line is None


def test_the_limit_counts_bytes() -> None:
    assert parse("{ }" + " " * (MAX_QUERY_BYTES - 3))
    with pytest.raises(BadQuery, match="131073 bytes"):
        parse("{ }" + " " * (MAX_QUERY_BYTES - 2))
    with pytest.raises(BadQuery, match="limit"):
        parse(f'{{ .a = "{"ü" * (MAX_QUERY_BYTES // 2)}" }}')


def test_half_a_character_is_refused() -> None:
    error = refusal_of('{\n .a = "\ud800" }')
    assert (error.line, error.column) == (2, 8)
    assert "not valid Unicode" in str(error)


@pytest.mark.parametrize(("opening", "inside", "closing"), [("(", "{ }", ")"), ("{ ", "(" * 5_000 + ".a" + ")" * 5_000, " }")])
def test_five_thousand_parentheses_are_just_parentheses(opening: str, inside: str, closing: str) -> None:
    count = 5_000 if opening == "(" else 1
    assert isinstance(parse(opening * count + inside + closing * count), Query)


@pytest.mark.parametrize(
    "text",
    [
        "{ " + "!(" * 5_000 + ".a" + ")" * 5_000 + " }",
        "{ .a = " + "2 ^ " * 5_000 + "2 }",
        "{ " + ".a && .b || " * 5_000 + ".c }",
        "{ .a = " + "1 + 1 - " * 5_000 + "1 }",
        "{ } | rate()" + " | topk(1)" * 5_000,
        "1 + (" * 5_000 + "{ } | rate()" + ")" * 5_000,
        "({ } > " * 5_000 + "{ }" + ")" * 5_000,
    ],
    ids=lambda text: text[:20],
)
def test_what_nests_too_deeply_is_refused_by_name(text: str) -> None:
    error = refusal_of(text)
    assert f"the query is nested deeper than {MAX_DEPTH} levels" in str(error)
    assert error.line == 1


def test_parentheses_that_never_close_are_refused() -> None:
    assert "ends too early" in str(refusal_of("(" * 5_000))


def test_a_long_chain_of_conditions_is_flat() -> None:
    query = parse("{ " + " || ".join(f".a{i} = {i}" for i in range(3_000)) + " }")
    assert isinstance(query.expression, Pipeline)
    (only,) = query.expression.stages
    assert isinstance(only, SpansetFilter)
    assert isinstance(only.condition, Logical)
    assert len(only.condition.operands) == 3_000


@pytest.mark.parametrize("operator", ["&&", "||", ">", ">>", "~", "!>>", "&<"])
def test_a_long_chain_of_spansets_is_flat(operator: str) -> None:
    query = parse(f" {operator} ".join(["{ .a }"] * 3_000))
    assert isinstance(query.expression, Pipeline)
    (only,) = query.expression.stages
    assert isinstance(only, SpansetOperation)
    assert len(only.operands) == 3_000


def test_a_long_pipeline_is_flat() -> None:
    query = parse(" | ".join(["{ .a }"] * 3_000))
    assert isinstance(query.expression, Pipeline)
    assert len(query.expression.stages) == 3_000


@pytest.mark.parametrize("piece", ["1", "a", "{ /*", '"', "`", ".", '{ ."', "{ .a = 1s", "/", "\\", '"\\', "1.", "1e", "é"])
def test_reading_takes_time_in_proportion_to_the_text(piece: str) -> None:
    """Each of these would keep a pattern that tries again and again busy for minutes, beyond the limit of any test."""
    with pytest.raises(BadQuery):
        parse(piece * (100_000 // len(piece)))


def test_many_threads_share_the_parser() -> None:
    texts = ACCEPTED[:100] * 4
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(parse, texts)) == [parse(text) for text in texts]


DEEPEST = [
    "{ " + "!(" * 124 + ".a" + ")" * 124 + " }",
    "{ .a = " + "2 ^ " * 123 + "2 }",
    "{ " + "(.a = " * 124 + ".a" + ")" * 124 + " }",
    "{ " + ".a && .b || " * 62 + ".c }",
    "({ } > " * 124 + "{ }" + ")" * 124,
    "1 + (" * 123 + "{ } | rate()" + ")" * 123,
]


@pytest.mark.parametrize("text", DEEPEST, ids=lambda text: text[:12])
def test_recursion_over_the_deepest_tree_is_safe_from_a_deep_stack(text: str) -> None:
    def from_depth(frames: int) -> None:
        if frames:
            from_depth(frames - 1)
            return
        query = check(parse(text))
        assert parse(to_text(query)) == query
        assert hash(query) == hash(parse(text))
        assert repr(query)

    from_depth(250)
