"""Reads TraceQL: text in, tree out, or BadQuery with line and column. What types allow is the part of `check`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput

from pytempo.errors import BadQuery
from pytempo.traceql.ast import Attribute, Intrinsic, Query
from pytempo.traceql.builder import Builder, position_of
from pytempo.traceql.complaints import explain
from pytempo.traceql.depth import bounded

__all__ = ["MAX_QUERY_BYTES", "parse", "parse_identifier", "tokens"]

MAX_QUERY_BYTES = 128 * 1024
"""The longest query that is looked at, in bytes of UTF-8; longer ones are refused before any work is done on them."""


def parse(text: str) -> Query:
    """The tree of a query, at most `ast.MAX_DEPTH` levels deep.

    Raises BadQuery for text that is no query, with the place (line and column from 1) and what could stand there, and for
    text of more than MAX_QUERY_BYTES, without a place.
    """
    query: Query = _read(text, "query")
    return bounded(query)


def parse_identifier(text: str) -> Attribute | Intrinsic:
    """A field by itself, as the tags API names it: `.x`, `span."foo bar"`, `trace:rootName`. Raises BadQuery like `parse`."""
    field: Attribute | Intrinsic = _read(text, "identifier")
    return field


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a text, as far as it consists of tokens; none for a text that `parse` would not look at."""
    try:
        _check_size(text)
        yield from _parser().lex(text)
    except (BadQuery, UnexpectedCharacters):
        return


@cache
def _parser() -> Lark:
    """The parser, built when it is first asked for (it takes a tenth of a second) and then kept; any thread may use it."""
    return Lark.open(
        "grammar.lark",
        rel_to=__file__,
        parser="lalr",
        lexer="basic",
        start=["query", "identifier"],
        transformer=Builder(),
        lexer_callbacks={"COMMENT": _refuse_open_comment},
        maybe_placeholders=False,
    )


def _read(text: str, start: str) -> Any:
    _check_size(text)
    try:
        return _parser().parse(text, start=start)
    except UnexpectedInput as error:
        raise explain(error, text) from None


def _refuse_open_comment(comment: Token) -> Token:
    if comment.startswith("/*") and not comment.endswith("*/", 2):
        raise BadQuery("this comment has no closing `*/`", *position_of(comment))
    return comment


def _check_size(text: str) -> None:
    """Raises BadQuery where the text is too long, or is no text at all (half of a surrogate pair)."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        before = text[: error.start]
        raise BadQuery("the query is not valid Unicode", before.count("\n") + 1, len(before) - before.rfind("\n")) from None
    if size > MAX_QUERY_BYTES:
        raise BadQuery(f"the query has {size} bytes, more than the limit of {MAX_QUERY_BYTES} (128 KiB)")
