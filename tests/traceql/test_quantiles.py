"""Quantiles are exact up to a million values of a cell, and within 1 % beyond."""

from __future__ import annotations

import numpy as np
import pytest

from pytempo.errors import BadQuery
from pytempo.traceql import quantiles
from pytempo.traceql.arithmetic import Numbers
from pytempo.traceql.quantiles import Quantiles, Sketch

ASKED = (0, 0.01, 0.25, 0.5, 0.75, 0.99, 1)


def numbers(values: np.ndarray) -> Numbers:
    whole = np.full(len(values), values.dtype.kind == "i")
    return Numbers(np.ones(len(values), np.bool_), whole, values.astype(np.int64) if whole.any() else whole * 0, values.astype(np.float64))


def grown(values: np.ndarray, cells: np.ndarray, series: int, pieces: int) -> list[np.ndarray]:
    made = Quantiles(4, ASKED)
    for piece in range(pieces):
        made.add(cells[piece::pieces], series, numbers(values[piece::pieces]))
    return made.points(series)


def test_quantiles_are_those_of_numpy() -> None:
    chance = np.random.default_rng(5)
    values, cells = chance.lognormal(3, 4, 5000) * chance.choice([-1, 1], 5000), chance.integers(0, 11, 5000)
    for quantile, points in zip(ASKED, grown(values, cells, 3, 7), strict=True):
        assert points.shape == (3, 4)
        for cell in range(11):
            assert points.reshape(-1)[cell] == pytest.approx(np.quantile(values[cells == cell], quantile), rel=1e-12)
        assert np.isnan(points[2, 3])


def test_a_cell_with_too_many_values_is_within_one_percent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantiles, "EXACT_VALUES", 1000)
    monkeypatch.setattr(quantiles, "PENDING_VALUES", 3000)
    chance = np.random.default_rng(6)
    values, cells = np.rint(chance.lognormal(15, 5, 60_000)), np.zeros(60_000, np.int64)
    cells[:900] = 1
    for quantile, points in zip(ASKED, grown(values, cells, 1, 20), strict=True):
        assert points[0, 0] == pytest.approx(np.quantile(values[900:], quantile), rel=0.01)
        assert points[0, 1] == pytest.approx(np.quantile(values[:900], quantile), rel=1e-12)


def test_a_sketch_knows_signs_and_zeros() -> None:
    values = np.concatenate([np.full(10, -1e9), np.full(10, -1e-300), np.zeros(10), np.full(11, 7e200)])
    sketch = Sketch.of(values[::2]).join(Sketch.of(values[1::2]))
    assert [sketch.quantile(quantile) for quantile in (0, 0.3, 0.6, 1)] == pytest.approx([-1e9, -1e-300, 0, 7e200], rel=0.01)


def test_more_values_than_fit_into_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantiles, "MAX_VALUES", 100)
    with pytest.raises(BadQuery, match="more than 100 values in memory"):
        grown(np.arange(200), np.zeros(200, np.int64), 1, 2)


def test_cells_of_many_and_of_few_values_have_the_same_quantiles() -> None:
    """Many are looked through cell by cell, few are sorted together."""
    chance = np.random.default_rng(7)
    for cells in (chance.integers(0, 12, 3000), np.concatenate([np.arange(11), np.zeros(40, np.int64)])):
        values = chance.normal(0, 1e9, len(cells)).round(-8)
        for quantile, points in zip(ASKED, grown(values, cells, 3, 1), strict=True):
            for cell in np.unique(cells):
                assert points.reshape(-1)[cell] == pytest.approx(np.quantile(values[cells == cell], quantile), rel=1e-12)


@pytest.mark.parametrize("together", [1, 300, 10**6])
@pytest.mark.parametrize("most", [2**32, 2**33, 2**62])
def test_whole_numbers_have_the_same_quantiles_however_they_are_kept(most: int, together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantiles, "TOGETHER", together)
    monkeypatch.setattr(quantiles, "WAITING_VALUES", 400)
    chance = np.random.default_rng(8)
    values, cells = chance.integers(0, most, 3000), chance.integers(0, 11, 3000)
    values[:100] = 5
    for quantile, points in zip(ASKED, grown(values, cells, 3, 30), strict=True):
        for cell in range(11):
            assert points.reshape(-1)[cell] == pytest.approx(np.quantile(values[cells == cell], quantile), rel=1e-12)


def test_no_values_have_no_quantiles() -> None:
    assert all(np.isnan(points).all() for points in grown(np.empty(0), np.empty(0, np.int64), 2, 1))
