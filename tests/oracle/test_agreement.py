"""The engine and the oracle answer random questions about random data alike, whatever way the data lies in the store.

Each data set is asked about live, in one block, in several blocks and the live part with traces cut across them, and reopened. Every
pair (data set, question) is asked in all of these states. The long form takes about an hour of one core:

    PYTEMPO_ORACLE_PAIRS=20000 python -m pytest tests/oracle/test_agreement.py

What differs is reported with its seed; `-k "alike[17]"` repeats the data set of seed 17 (with enough pairs that there is one).
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import pytempo
from pytempo.block.dedicated import DedicatedColumn
from pytempo.block.writer import BlockOptions
from pytempo.errors import BadQuery
from pytempo.maintenance import FlushOptions
from pytempo.query import search
from pytempo.traceql import ast, check, parse
from tests.oracle.answers import Found, agree, difference, expected, given
from tests.oracle.generate import BASE, SECOND, Generator
from tests.oracle.payload import request
from tests.oracle.questions import Questions
from tests.oracle.spans import Span
from tests.oracle.trees import Trace, traces_of

QUESTIONS = 40
"""Of each data set."""
PAIRS = int(os.environ.get("PYTEMPO_ORACLE_PAIRS", "160"))
PIECES = 3
"""Requests that a data set comes in."""
DEDICATED = (
    DedicatedColumn("s"),
    DedicatedColumn("http.method"),
    DedicatedColumn("odd"),
    DedicatedColumn("s", "resource"),
    DedicatedColumn("k8s.pod.name", "resource"),
)


@dataclass(frozen=True)
class Question:
    text: str
    query: ast.Query
    limit: int
    start: int | None
    end: int | None

    def oracle(self, traces: list[Trace]) -> list[Found]:
        """The oracle's answer; traces are in the window when any of their time is."""
        first, last = self.start or 0, self.end or 2**64
        return expected(self.query, [each for each in traces if each.start <= last and each.start + each.duration >= first], self.limit)

    def engine(self, store: pytempo.Store) -> list[Found]:
        return given(store.search(self.text, limit=self.limit, spans_per_spanset=1000, start=self.start, end=self.end))


def states(folder: Path, requests: list[list[Span]]) -> Iterator[tuple[str, pytempo.Store]]:
    """A store with all of the data, again and again in another state."""
    with pytempo.open(folder / "whole", options=written_with(*DEDICATED)) as store:
        for spans in requests:
            store.export(request(spans))
        yield "live", store
        store.flush()
        yield "in one block", store
    with pytempo.open(folder / "cut", options=written_with()) as store:
        for number, spans in enumerate(requests):
            if number:
                store.flush()
            store.export(request(spans))
        yield "in several blocks and live", store
    with pytempo.open(folder / "cut") as store:
        yield "reopened", store


def written_with(*columns: DedicatedColumn) -> pytempo.StoreOptions:
    """Small row groups, and columns of their own for some attributes."""
    return pytempo.StoreOptions(flush=FlushOptions(block=BlockOptions(row_group_spans=40, dedicated_columns=columns)))


def questions(seed: int, traces: list[Trace]) -> list[Question]:
    """Questions that make sense; a few of those that are made up do not."""
    chance = random.Random(seed)
    asker = Questions(chance, [trace.trace_id.hex() for trace in traces])
    found: list[Question] = []
    for text in (asker.query() for _ in range(2 * QUESTIONS)):
        try:
            query = check(parse(text))
        except BadQuery:
            continue
        start, end = (chance.choice((None, None, None, None, BASE + chance.choice((0, 1, 61 * SECOND, 1800 * SECOND)))) for _ in range(2))
        found.append(Question(text, query, chance.choice((1, 3, 20, 20)), start, end))
    assert len(found) >= QUESTIONS, "most questions make no sense"
    return found[:QUESTIONS]


@pytest.mark.parametrize("seed", range(-(-PAIRS // QUESTIONS)))
def test_engine_and_oracle_answer_alike(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if seed % 2:  # what is done with many spans only, done with few
        monkeypatch.setattr(search, "LARGE", 0)
        monkeypatch.setattr(search, "FEW", 2)
    requests = Generator(seed).requests(PIECES)
    traces = traces_of(span for spans in requests for span in spans)
    asked = [(question, question.oracle(traces)) for question in questions(seed, traces)]
    for state, store in states(tmp_path, requests):
        for question, wanted in asked:
            got = question.engine(store)
            if not agree(wanted, got):
                pytest.fail(f"seed {seed}, {state}\n{question}\n{difference(wanted, got, traces)}", pytrace=False)
