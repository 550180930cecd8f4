"""Composed batches: each is equal, row by row, to what it was made from."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytempo.model import Batch, Concat, Level, Selection, WholeTraces
from pytempo.model.levels import DERIVED
from pytempo.model.selection import materialise
from pytempo.otlp import decode
from tests.model.comparing import everything, span_rows
from tests.otlp.strategies import payloads

some = settings(max_examples=40)


def used_traces(batch: Batch) -> list[str]:
    return sorted({batch.trace_ids().hex(row) for row in batch.trace_of_span().tolist()})


@some
@given(payloads(odd=False), st.data())
def test_a_selection_shows_the_chosen_spans_in_their_new_order(requests: list[bytes], data: st.DataObject) -> None:
    batch = decode(requests).batch
    count = batch.count(Level.SPAN)
    rows = data.draw(st.lists(st.integers(0, count - 1), unique=True)) if count else []
    chosen = Selection(batch, np.array(rows, np.int64))
    assert span_rows(chosen) == [span_rows(batch)[row] for row in rows]
    assert [chosen.trace_ids().hex(row) for row in range(chosen.count(Level.TRACE))] == used_traces(chosen)
    assert everything(materialise(chosen)) == everything(chosen)


@some
@given(st.lists(payloads(odd=False, most=2), min_size=1, max_size=3))
def test_joined_batches_show_all_spans_one_batch_after_the_other(parts: list[list[bytes]]) -> None:
    batches = [decode(part).batch for part in parts]
    joined = Concat(batches)
    assert span_rows(joined) == [row for batch in batches for row in span_rows(batch)]
    assert [joined.trace_ids().hex(row) for row in range(joined.count(Level.TRACE))] == used_traces(joined)
    assert everything(materialise(joined)) == everything(joined)


@some
@given(st.lists(payloads(odd=False, most=2), min_size=1, max_size=2), st.randoms(use_true_random=False))
def test_batches_may_be_composed_of_composed_ones(parts: list[list[bytes]], random: object) -> None:
    joined = Concat([decode(part).batch for part in parts])
    rows = list(range(joined.count(Level.SPAN)))
    random.shuffle(rows)  # type: ignore[attr-defined]
    chosen = Selection(joined, np.array(rows, np.int64))
    again = Concat([chosen, joined])
    assert span_rows(again) == [span_rows(joined)[row] for row in rows] + span_rows(joined)


@some
@given(payloads(odd=False), st.data())
def test_whole_traces_are_what_a_selection_of_all_their_spans_is(requests: list[bytes], data: st.DataObject) -> None:
    batch = decode(requests).batch
    count = batch.count(Level.TRACE)
    wanted = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)), np.bool_)
    few, same = WholeTraces(batch, wanted), Selection(batch, np.flatnonzero(wanted[batch.trace_of_span()]))
    assert everything(few) == everything(same)
    assert few.traces.tolist() == np.flatnonzero(wanted).tolist()
    assert few.parent_of_span().tolist() == same.parent_of_span().tolist()
    assert few.file_order().tolist() == same.file_order().tolist()
    for name in DERIVED:
        assert few.column(Level.SPAN, name).tolist() == same.column(Level.SPAN, name).tolist()
        assert getattr(few.nesting(), name).tolist() == getattr(same.nesting(), name).tolist()
    for field in fields(same.summary()):
        wanted_column = getattr(same.summary(), field.name).tolist()
        assert few.column(Level.TRACE, field.name).tolist() == wanted_column
        assert getattr(few.summary(), field.name).tolist() == wanted_column


@some
@given(payloads(odd=False))
def test_what_is_derived_is_the_same_for_a_composed_batch(requests: list[bytes]) -> None:
    batch = decode(requests).batch
    for composed in (Selection(batch, np.arange(batch.count(Level.SPAN))), Concat([batch]), materialise(batch)):
        for name in DERIVED:
            assert composed.column(Level.SPAN, name).tolist() == batch.column(Level.SPAN, name).tolist()
        for name in ("start", "end", "root_name", "has_root"):
            assert composed.column(Level.TRACE, name).tolist() == batch.column(Level.TRACE, name).tolist()
        assert composed.parent_of_span().tolist() == batch.parent_of_span().tolist()


@some
@given(payloads(odd=False))
def test_rows_lead_from_every_level_to_those_above(requests: list[bytes]) -> None:
    batch = decode(requests).batch
    scope = batch.scope_of_span()
    assert batch.rows(Level.SPAN, Level.RESOURCE).tolist() == batch.resource_of_scope()[scope].tolist()
    for level in (Level.EVENT, Level.LINK):
        span = [row for row, count in enumerate(np.diff(batch.offsets(level))) for _ in range(count)]
        assert batch.rows(level, Level.SPAN).tolist() == span
        assert batch.rows(level, Level.SCOPE).tolist() == scope[span].tolist()
        assert batch.rows(level, Level.TRACE).tolist() == batch.trace_of_span()[span].tolist()
    assert batch.rows(Level.SPAN, Level.SPAN).tolist() == list(range(batch.count(Level.SPAN)))


def test_no_level_lies_above_the_top() -> None:
    with pytest.raises(ValueError, match="no TRACE above RESOURCE"):
        decode([]).batch.rows(Level.RESOURCE, Level.TRACE)


def test_columns_are_composed_once() -> None:
    batch = decode([]).batch
    chosen = Selection(batch, np.array([], np.int64))
    assert chosen.stored(Level.SPAN, "name") is chosen.stored(Level.SPAN, "name")
    assert chosen.attributes(Level.SPAN) is chosen.attributes(Level.SPAN)
