"""Words in messages: the nearest one that TraceQL knows for one that it does not, and excerpts of what is too long to show."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from pytempo.traceql.functions import FUNCTIONS, HINTS
from pytempo.traceql.intrinsics import INTRINSICS
from pytempo.traceql.types import KINDS, STATUSES

__all__ = ["excerpt", "is_field", "suggest_field", "suggest_function", "suggest_hint"]

_FIELDS = tuple(spelling for row in INTRINSICS.values() for spelling in row.spellings)
_FIELD_WORDS = frozenset({*_FIELDS, *STATUSES, *KINDS})


def excerpt(text: str, limit: int = 60) -> str:
    """The text, cut where it would make a message unreadable."""
    return text if len(text) <= limit else text[:limit] + "…"


def is_field(word: str) -> bool:
    """Whether a word may stand in braces by itself: an intrinsic, a status or a kind."""
    return word in _FIELD_WORDS


def suggest_field(word: str) -> str:
    """What to say of a word in braces that is no intrinsic and no value: `service.name` lacks its scope, `naem` is misspelt."""
    word = excerpt(word)
    if word in FUNCTIONS:
        return f"`{word}` is a function and stands outside the braces: {{ … }} | {FUNCTIONS[word].usage}"
    scope, colon, rest = word.partition(":")
    if colon:
        inside = [name for name in _FIELDS if name.startswith(f"{scope}:")]
        if inside and rest:
            return f"unknown intrinsic `{word}`; {_did_you_mean(word, inside) or 'the scope has ' + _listed(inside)}"
    near = _did_you_mean(word.replace("trace.", "trace:"), _FIELD_WORDS) if "." not in word or word.startswith("trace.") else ""
    if near:
        return f"unknown identifier `{word}`; {near}"
    name = word.removeprefix("trace.").strip(".:") or "name"
    choices = (f"`.{name}`", f"`span.{name}`", f"`resource.{name}`")
    return f"unknown identifier `{word}`; attributes begin with a dot or a scope: did you mean {', '.join(choices[:2])} or {choices[2]}?"


def suggest_function(name: str) -> str:
    """What to say of a function that does not exist."""
    near = _did_you_mean(name, FUNCTIONS)
    return f"unknown function `{excerpt(name)}`; {near or 'there are ' + _listed(FUNCTIONS)}"


def suggest_hint(name: str) -> str:
    """What to say of a hint that does not exist."""
    near = _did_you_mean(name, HINTS)
    return f"unknown hint `{excerpt(name)}`; {near or 'there are ' + _listed(HINTS)}"


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    # A word of any length may come in; comparing costs by the square of it.
    nearest = get_close_matches(word[:60], known, n=1, cutoff=0.7)
    return f"did you mean `{nearest[0]}`?" if nearest else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
