"""Exemplars of a stretch of row groups: what they hold of it, and that they are those of its spans."""

from __future__ import annotations

import weakref
from pathlib import Path

import numpy as np

from pytempo.model import Batch, Level, Scan
from pytempo.traceql.exemplars import Exemplars
from tests.block.samples import source_of, the_corpus


def test_exemplars_hold_row_groups_and_not_the_stretch_that_they_lie_in(tmp_path: Path) -> None:
    found, (batch,) = Exemplars(limit=5), source_of(tmp_path, the_corpus()).batches(Scan())
    spans = np.arange(batch.count(Level.SPAN))
    found.add(batch, spans, spans % 3, spans * 7.0)
    expected = {(batch.trace_ids().hex(int(trace)), span_id) for trace, span_id in zip(*_columns(batch), strict=True)}
    held, batch = weakref.ref(batch), None  # type: ignore[assignment]
    assert held() is None
    told = found.of_series(unit=1)
    assert sum(map(len, told.values())) == 5
    for series, exemplars in told.items():
        for exemplar in exemplars:
            assert (exemplar.trace_id, exemplar.span_id) in expected
            assert exemplar.value % 7 == 0
            assert exemplar.value / 7 % 3 == series


def _columns(batch: Batch) -> tuple[list[int], list[str]]:
    return batch.trace_of_span().tolist(), [f"{number:016x}" for number in batch.stored(Level.SPAN, "span_id").tolist()]
