"""The engine and the oracle answer random metrics queries about random data alike, whatever way the data lies in the store.

The long form, which takes about ten minutes:

    PYTEMPO_ORACLE_PAIRS=20000 python -m pytest tests/oracle/test_series_agreement.py
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytempo import Store
from pytempo.errors import BadQuery
from pytempo.traceql import ast, check, parse
from tests.oracle import series
from tests.oracle.generate import BASE, Generator
from tests.oracle.series import SECOND, Series, Steps
from tests.oracle.series_questions import SeriesQuestions
from tests.oracle.test_agreement import PAIRS, PIECES, QUESTIONS, states
from tests.oracle.trees import Trace, traces_of

WINDOWS = (
    (BASE, BASE + 3600 * SECOND, 600 * SECOND),
    (BASE - 7 * SECOND, BASE + 3700 * SECOND, 61 * SECOND),
    (BASE + 1, BASE + SECOND, SECOND // 4),
    (BASE + 100 * SECOND, BASE + 3000 * SECOND, 86400 * SECOND),
)
"""Start, end and step: aligned, unaligned, fine, and a step that is longer than the range."""


def questions(seed: int, traces: Sequence[Trace]) -> list[tuple[str, ast.Series, tuple[int, int, int]]]:
    """Questions that make sense, each with a window."""
    chance = random.Random(seed)
    asker = SeriesQuestions(chance, [trace.trace_id.hex() for trace in traces])
    found: list[tuple[str, ast.Series, tuple[int, int, int]]] = []
    for text in (asker.query() for _ in range(2 * QUESTIONS)):
        try:
            expression = check(parse(text)).expression
        except BadQuery:
            continue
        assert not isinstance(expression, ast.Pipeline)
        found.append((text, expression, chance.choice(WINDOWS)))
    assert len(found) >= QUESTIONS, "most questions make no sense"
    return found[:QUESTIONS]


def given(store: Store, text: str, window: tuple[int, int, int]) -> Series:
    """The engine's answer, in the oracle's form."""
    start, end, step = window
    answer = store.query_range(text, start=start, end=end, step=step)
    found = {tuple((name, (type(value).__name__, value)) for name, value in each.labels): each for each in answer}
    assert len(found) == len(answer), "two series have the same labels"
    return {key: {time * 10**6: value for time, value in each.samples} for key, each in found.items()}


def difference(wanted: Series, got: Series) -> str | None:
    """The first series or point where two answers differ; None where they agree. Points at the same millisecond are the same."""
    for key in sorted(wanted.keys() | got.keys(), key=series.order):
        if key not in wanted or key not in got:
            return f"{key} is {'missing' if key in wanted else 'too much'}"
        one, other = ({time // 10**6: value for time, value in points[key].items()} for points in (wanted, got))
        for time in sorted(one.keys() | other.keys()):
            if not same(one.get(time), other.get(time)):
                return f"{key} at {time}: wanted {one.get(time)}, got {other.get(time)}"
    return None


def same(one: Any, other: Any) -> bool:
    """Equal, but for the rounding of sums."""
    return one == other or (one is not None and other is not None and math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-13))


@pytest.mark.parametrize("seed", range(-(-PAIRS // QUESTIONS)))
def test_engine_and_oracle_agree(seed: int, tmp_path: Path) -> None:
    requests = Generator(seed).requests(PIECES)
    traces = traces_of(span for spans in requests for span in spans)
    asked = [(text, window, series.expected(query, traces, Steps.of(*window))) for text, query, window in questions(seed, traces)]
    for state, store in states(tmp_path, requests):
        for text, window, wanted in asked:
            differs = difference(wanted, given(store, text, window))
            if differs:
                pytest.fail(f"seed {seed}, {state}, {window}\n{text}\n{differs}", pytrace=False)
