"""Says in human words what is wrong where a query stops making sense: what was found, and what could stand there."""

from __future__ import annotations

from typing import Any

from lark import Token
from lark.exceptions import UnexpectedInput, UnexpectedToken

from pytempo.errors import BadQuery
from pytempo.traceql.ast import Position
from pytempo.traceql.functions import FUNCTIONS
from pytempo.traceql.spelling import excerpt, is_field, suggest_field, suggest_function

__all__ = ["explain"]

_EXPECTATIONS = (
    ("ATTRIBUTE", "a field or a value"),
    ("INTEGER", "a filter `{ … }`, a function or a number"),
    ("AND", "an operator"),
    ("VBAR", "`|` and a stage"),
    ("COMMA", "`,`"),
    ("RPAR", "`)`"),
    ("RBRACE", "`}`"),
    ("LPAR", "`(`"),
    ("EQUAL", "`=`"),
    ("IDENTIFIER", "a name"),
    ("$END", "the end of the query"),
)
"""Token -> what it begins, in the order in which a message lists it."""

_IMPLIED = {
    "ATTRIBUTE": {"INTEGER", "IDENTIFIER", "LPAR"},
    "INTEGER": {"IDENTIFIER", "LPAR"},
    "AND": {"EQUAL"},
}
"""Where the token may stand, the others may too, and need no mention."""

_MISTAKES = {
    "and": "`and` is written `&&`",
    "or": "`or` is written `||`",
    "&": "`and` is written `&&`",
    "not": "`not` is written `!`",
    "null": "absence is written `nil`",
    "'": 'text stands in double quotes `"` or in backquotes',
}


def explain(error: UnexpectedInput, text: str) -> BadQuery:
    """The complaint about the place where the parser stopped."""
    state: Any = error.interactive_parser
    accepted: set[str] = state.accepts()
    stack: list[Any] = state.parser_state.value_stack
    before = stack[-1] if stack else None
    if isinstance(before, Token) and before.type == "IDENTIFIER" and accepted != {"EQUAL"}:
        named = _explain_word(before, in_braces="LPAR" not in accepted)
        if named is not None:
            return named
    ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    if ended and before is None:
        return BadQuery("the query is empty; { } finds every span", 1, 1)
    found = str(error.token) if isinstance(error, UnexpectedToken) else str(getattr(error, "char", ""))
    said = "the query ends too early" if ended else f"found `{excerpt(found)}`"
    position = _end_of(text) if ended else Position(error.line, error.column)
    return BadQuery(f"{said}, expected {_expected(accepted)}{_hint(before, error, found, accepted)}", *position)


def _explain_word(word: Token, in_braces: bool) -> BadQuery | None:
    """A complaint about the word before, where that word itself is the mistake."""
    place = (word.line or 1, word.column or 1)
    if word in ("with", "by"):
        return None
    if in_braces:
        return None if is_field(word) else BadQuery(suggest_field(word), *place)
    if word in FUNCTIONS:
        return BadQuery(f"`{word}` needs parentheses: {FUNCTIONS[word].usage}", *place)
    if is_field(word):
        return BadQuery(f"`{word}` must stand in braces, as in {{ {word} = … }}", *place)
    return BadQuery(suggest_function(word), *place)


def _expected(accepted: set[str]) -> str:
    implied = {other for token in accepted for other in _IMPLIED.get(token, ())}
    words = [words for token, words in _EXPECTATIONS if token in accepted and token not in implied]
    return " or ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else words[0]


def _hint(before: Any, error: UnexpectedInput, found: str, accepted: set[str]) -> str:
    kind = error.token.type if isinstance(error, UnexpectedToken) else ""
    if found in _MISTAKES:
        return f"; {_MISTAKES[found]}"
    if kind == "EQUAL" and isinstance(before, Token) and before.type == "EQUAL":
        return "; equality is written `=`"
    if isinstance(before, Token) and before.type == "ATTRIBUTE" and kind in ("IDENTIFIER", "STRING", "CONSTANT"):
        return '; a name with a space in it is quoted, as in span."foo bar"'
    if "BRACE" in accepted and "ATTRIBUTE" not in accepted and kind == "ATTRIBUTE":
        return f"; conditions on spans stand in braces, as in {{ {excerpt(found)} = … }}"
    return ""


def _end_of(text: str) -> Position:
    kept = text.rstrip()
    return Position(kept.count("\n") + 1, len(kept) - kept.rfind("\n"))
