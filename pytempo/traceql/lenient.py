"""Reads what can be read of half-typed filters, for the completion of tags: never an error, at worst no filter at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from lark import Token

from pytempo.errors import BadQuery
from pytempo.traceql.ast import Comparison, Pipeline, Query, SpansetFilter
from pytempo.traceql.check import check
from pytempo.traceql.parser import parse, tokens

__all__ = ["lenient_conditions"]

_SEPARATORS = {"AND", "OR", "LPAR", "RPAR"}

_MOST_RUNS = 200
"""More are not looked at: each is parsed by itself, and nobody types as many."""


def lenient_conditions(text: str) -> Query | None:
    """The query, if the text is one; else the complete comparisons of its first braces; None where there is none.

    `{ span.env = "prod" && span.svc = }` gives `{ span.env = "prod" }`. Comparisons keep the `&&` or `||` before them; those
    behind a `!` are left out, since apart from their whole they would say the opposite. Never raises.
    """
    return _strictly(text) or _strictly(_complete_part(text))


def _strictly(text: str) -> Query | None:
    try:
        return check(parse(text)) if text else None
    except BadQuery:
        return None


def _complete_part(text: str) -> str:
    condition = ""
    for run in islice(_runs(text), _MOST_RUNS):
        if run.is_complete():
            condition = f"{condition} {run.joint} {run.text}" if condition else run.text
    return condition and f"{{ {condition} }}"


@dataclass(frozen=True, slots=True)
class _Run:
    """Text between `&&`, `||` and parentheses; `joint` is the last `&&` or `||` before it."""

    text: str
    joint: str
    cut: bool
    """Whether it is part of something larger: behind a parenthesis that closes, or in one behind a `!`."""

    def is_complete(self) -> bool:
        """Whether it is a comparison that makes sense by itself."""
        query = None if self.cut or not self.text else _strictly(f"{{ {self.text} }}")
        match query and query.expression:
            case Pipeline((SpansetFilter(Comparison()),)):
                return True
        return False


def _runs(text: str) -> Iterator[_Run]:
    joint, cut = "&&", False
    negations: list[bool] = []
    run: list[Token] = []
    for token in _inside_first_braces(text):
        if token.type not in _SEPARATORS:
            run.append(token)
            continue
        yield _Run(_source(text, run), joint, cut or any(negations))
        if token.type == "LPAR":
            negations.append(bool(run) and run[-1].type == "NOT")
        else:
            cut = token.type == "RPAR"
            if not cut:
                joint = str(token)
            elif negations:
                negations.pop()
        run = []
    yield _Run(_source(text, run), joint, cut or any(negations))


def _inside_first_braces(text: str) -> Iterator[Token]:
    """What stands behind the first `{`, up to its `}` or to where the text is no TraceQL any more."""
    inside = False
    for token in tokens(text):
        if inside and token.type == "RBRACE":
            return
        if inside:
            yield token
        inside = inside or token.type == "BRACE"


def _source(text: str, run: list[Token]) -> str:
    return text[run[0].start_pos : run[-1].end_pos] if run else ""
