"""Queries with something wrong in them, asked of a store: each has an answer or a refusal with its place, and nothing takes long.

The texts are those of the case files and of the recorded questions, and random ones. The long form, which takes about half an hour:

    PYTEMPO_ORACLE_MUTATIONS=100000 python -m pytest tests/oracle/test_mutations.py
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest

import pytempo
from pytempo.errors import BadQuery
from pytempo.traceql import ast, check, parse
from tests.conformance.conformance import read_cases
from tests.oracle.generate import BASE, SECOND, Generator
from tests.oracle.payload import request
from tests.oracle.questions import Questions
from tests.traceql.test_mutations import assert_has_its_place, mutated
from tests.traceql.texts import ACCEPTED

MUTATIONS = int(os.environ.get("PYTEMPO_ORACLE_MUTATIONS", "3000"))
ROUND = 1_000
"""Mutations of one test, which the time limit of tests bounds."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytempo.Store]:
    """A block and a live part, of the same traces."""
    with pytempo.open(tmp_path_factory.mktemp("store")) as opened:
        for spans in Generator(1).requests(2):
            opened.flush()
            opened.export(request(spans))
        yield opened


@cache
def corpus() -> tuple[str, ...]:
    """Sound queries."""
    recorded = {case["q"] for case in read_cases() if case["kind"] in ("search", "metrics") and case["want"]["status"] == 200}
    asker = Questions(random.Random(1), [])
    return (*ACCEPTED, *sorted(recorded), *(asker.query() for _ in range(1_000)))


def outcome(store: pytempo.Store, text: str) -> str:
    """What becomes of a text; everything that must hold for any text is asserted here."""
    try:
        if isinstance(check(parse(text)).expression, ast.Pipeline):
            store.search(text, limit=5)
            return "searched"
        store.query_range(text, start=BASE, end=BASE + 3600 * SECOND, step=600 * SECOND)
    except BadQuery as error:
        assert_has_its_place(error, text)
        return "refused"
    return "measured"


@pytest.mark.parametrize("seed", range(-(-MUTATIONS // ROUND)))
def test_mutated_queries_are_answered_or_refused(seed: int, store: pytempo.Store) -> None:
    chance = random.Random(seed)
    found: Counter[str] = Counter()
    for _ in range(min(ROUND, MUTATIONS)):
        text = mutated(chance.choice(corpus()), chance)
        try:
            found[outcome(store, text)] += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}: {text!r}") from error
    assert min(found["searched"], found["refused"], found["measured"]) > 0
