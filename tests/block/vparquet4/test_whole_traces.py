"""Some traces of a block by themselves are what they are among all, though nothing but their own rows is looked at."""

from __future__ import annotations

import numpy as np
import pytest

from pytempo.model import Batch, Level, Scan, Selection, WholeTraces
from tests.block.samples import source_of, the_corpus
from tests.comparing import as_dicts


@pytest.fixture(scope="module")
def stretch(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """All row groups of a block as one batch."""
    (batch,) = source_of(tmp_path_factory.mktemp("blocks"), the_corpus()).batches(Scan())
    return batch


@pytest.mark.parametrize("step", [1, 3, 40, 1000])
def test_traces_of_a_stretch_are_the_same_by_themselves(stretch: Batch, step: int) -> None:
    wanted = np.zeros(stretch.count(Level.TRACE), np.bool_)
    wanted[step // 2 :: step] = True
    few, same = WholeTraces(stretch, wanted), Selection(stretch, np.flatnonzero(wanted[stretch.trace_of_span()]))
    assert few.spans.tolist() == np.flatnonzero(wanted[stretch.trace_of_span()]).tolist()
    assert few.traces.tolist() == np.flatnonzero(wanted).tolist()
    assert few.parent_of_span().tolist() == same.parent_of_span().tolist()
    for upper in (Level.TRACE, Level.RESOURCE, Level.SCOPE):
        assert few.rows(Level.SPAN, upper).tolist() == same.rows(Level.SPAN, upper).tolist()
    assert as_dicts(few) == as_dicts(same)


def test_portions_of_a_stretch_hold_the_traces_that_they_say(stretch: Batch) -> None:
    traces = np.arange(5, stretch.count(Level.TRACE), 11)
    for portion, trace in zip(stretch.portions(traces), traces.tolist(), strict=True):
        assert portion.batch.trace_ids().hex(trace - portion.first_trace) == stretch.trace_ids().hex(trace)
        spans = np.flatnonzero(portion.batch.trace_of_span() == trace - portion.first_trace) + portion.first_span
        assert spans.tolist() == np.flatnonzero(stretch.trace_of_span() == trace).tolist()
