"""Queries with something wrong in them: each is a tree or a refusal with its place, never anything else.

A longer run: `python -m tests.traceql.test_mutations 100000`.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter

from pytempo.errors import BadQuery
from pytempo.traceql import check, lenient_conditions, parse, to_text
from pytempo.traceql.ast import Query
from tests.traceql.texts import ACCEPTED

PIECES = [
    *"{}()|&<>=!~+-*/%^.,:;\"'`\\ \n\t\0#@$5aé名",
    *(
        " && ",
        " || ",
        " >> ",
        " !~ ",
        " =~ ",
        "nil",
        "true",
        "minInt",
        "5s",
        "1e9",
        "//",
        "/*",
        "*/",
        '""',
        "``",
        "status",
        "error",
        "parent.",
    ),
    *(
        " | count() > 1",
        " | rate()",
        " by (name)",
        " | topk(1)",
        " with (sample=true)",
        "{ .a = 1 }",
        "({ } | rate())",
        "span.",
        "name",
        "event:name",
    ),
]


def mutated(text: str, chance: random.Random) -> str:
    """The text with one to three changes: something left out, doubled, put in, moved, or joined from another query."""
    for _ in range(chance.randint(1, 3)):
        start, end = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
        end = min(end, start + chance.choice([1, 2, 8, 40]))
        match chance.randrange(5):
            case 0:
                text = text[:start] + text[end:]
            case 1:
                text = text[:end] + text[start:end] * chance.choice([1, 2, 50]) + text[end:]
            case 2:
                text = text[:start] + chance.choice(PIECES) + text[start:]
            case 3:
                text = text[:start] + text[start:end][::-1] + text[end:]
            case 4:
                other = chance.choice(ACCEPTED)
                text = text[:start] + other[chance.randint(0, len(other)) :]
    return text


def outcome(text: str) -> str:
    """What becomes of a text; everything that must hold for any text is asserted here."""
    try:
        query = parse(text)
    except BadQuery as error:
        assert_has_its_place(error, text)
        assert isinstance(lenient_conditions(text), Query | None)
        return "no TraceQL"
    assert parse(to_text(query)) == query
    try:
        check(query)
    except BadQuery as error:
        assert_has_its_place(error, text)
        return "makes no sense"
    return "sound"


def assert_has_its_place(error: BadQuery, text: str) -> None:
    lines = text.split("\n")
    assert error.line is not None
    assert error.column is not None
    assert 1 <= error.line <= len(lines)
    assert 1 <= error.column <= len(lines[error.line - 1]) + 1


def outcomes(count: int, seed: int) -> Counter[str]:
    chance = random.Random(seed)
    return Counter(outcome(mutated(chance.choice(ACCEPTED), chance)) for _ in range(count))


def test_mutated_queries_are_trees_or_refusals() -> None:
    found = outcomes(1_500, seed=3)
    assert min(found["no TraceQL"], found["makes no sense"], found["sound"]) > 5


if __name__ == "__main__":
    began = time.monotonic()
    print(outcomes(int(sys.argv[1]), seed=int(time.time())), f"{time.monotonic() - began:.0f} s")
