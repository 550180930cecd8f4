"""Metrics over many spans: totals that no step moves, exact quantiles, exemplars, limits; live, in blocks, and torn between both."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pytempo import Store, StoreOptions
from pytempo.errors import BadQuery
from pytempo.query.options import MetricsOptions
from pytempo.query.series_results import InstantResult, SeriesResult, TimeSeries
from pytempo.traceql import series_keys
from tests.building import BASE, HOUR, MILLISECOND, MINUTE, SECOND, request, span
from tests.states import State, Stores

START = BASE - BASE % HOUR
NAMES = ("GET /", "GET /cart", "query")


def random_spans(count: int, length: int, seed: int = 1) -> list[tuple[str, int, int]]:
    """Name, start and duration of spans in (START, START + length], each third of them on a full minute."""
    chance = random.Random(seed)
    starts = (chance.randint(1, length) if number % 3 else chance.randint(1, length // MINUTE) * MINUTE for number in range(count))
    return [(chance.choice(NAMES), START + start, int(chance.lognormvariate(17, 2))) for start in starts]


def held(stores: Stores, state: State, spans: Sequence[tuple[str, int, int]]) -> Store:
    """A store with these spans, ten to a trace."""
    made = [
        span(name, trace=number // 10 + 1, start=start, duration=duration, attributes={"bytes": 1, "number": number})
        for number, (name, start, duration) in enumerate(spans)
    ]
    return stores.hold(state, request(*made))


def total(result: SeriesResult | InstantResult) -> float:
    return sum(value for series in result for value in ([series.value] if isinstance(result, InstantResult) else series.values.tolist()))


def values(series: TimeSeries) -> dict[int, float]:
    return dict(series.samples)


def test_totals_are_the_number_of_spans_for_every_step(stores: Stores) -> None:
    """S47: 600 spans over half an hour, in four blocks and the live part."""
    spans = random_spans(600, 30 * MINUTE)
    for piece in range(5):
        if piece:
            stores.store.flush()
        held(stores, State.LIVE, spans[piece::5])
    assert len(stores.store.blocks()) == 4
    for step in (30 * MINUTE, 7 * MINUTE, MINUTE, 11 * SECOND, None):
        for query in ("sum_over_time(span.bytes)", "count_over_time()", "count_over_time() by (name)", "histogram_over_time(duration)"):
            found = stores.store.query_range(f"{{ }} | {query}", start=START, end=START + 30 * MINUTE, step=step)
            assert total(found) == 600, (query, step)


def test_instant_and_range_queries_have_the_same_totals(stores: Stores, state: State) -> None:
    """S48: ten minutes at once, by the minute, and in ten questions; spans on the edges count once."""
    store, end = held(stores, state, random_spans(300, 10 * MINUTE)), START + 10 * MINUTE
    query = "{ } | count_over_time()"
    assert total(store.query_instant(query, start=START, end=end)) == 300
    for step in (MINUTE, 10 * MINUTE):
        assert total(store.query_range(query, start=START, end=end, step=step)) == 300
    minutes = [store.query_instant(query, start=START + minute * MINUTE, end=START + (minute + 1) * MINUTE) for minute in range(10)]
    assert sum(map(total, minutes)) == 300
    (by_minute,) = store.query_range(query, start=START, end=end, step=MINUTE)
    assert by_minute.values.tolist() == [0, *map(total, minutes)]


def test_quantiles_are_those_of_the_sorted_durations(stores: Stores, state: State) -> None:
    spans = random_spans(500, 10 * MINUTE)
    store, quantiles = held(stores, state, spans), (0, 0.1, 0.5, 0.99, 1)
    query = f"{{ }} | quantile_over_time(duration, {', '.join(map(str, quantiles))}) by (name)"
    found = store.query_range(query, start=START, end=START + 10 * MINUTE, step=5 * MINUTE)
    assert len(found) == len(quantiles) * len(NAMES)
    for series in found:
        labels = dict(series.labels)
        for time, value in series.samples:
            inside = [
                duration
                for name, start, duration in spans
                if name == labels["name"] and time * MILLISECOND - 5 * MINUTE < start <= time * MILLISECOND
            ]
            assert value == pytest.approx(np.quantile(inside, labels["p"]) / SECOND, rel=1e-12)


def test_sending_spans_again_changes_no_number(stores: Stores) -> None:
    spans = random_spans(50, 10 * MINUTE)
    query, window = "{ } | sum_over_time(span.bytes) by (name)", {"start": START, "end": START + 10 * MINUTE, "step": MINUTE}
    made = request(
        *(span(name, trace=1, id=number + 1, start=start, attributes={"bytes": 1}) for number, (name, start, _) in enumerate(spans))
    )
    stores.export(made)
    before = [values(series) for series in stores.store.query_range(query, **window)]
    stores.store.flush()
    stores.export(made)
    assert [values(series) for series in stores.store.query_range(query, **window)] == before
    stores.store.flush()
    assert [values(series) for series in stores.store.query_range(query, **window)] == before


def test_the_same_exemplars_come_whatever_the_state(stores: Stores, state: State, tmp_path: Path) -> None:
    spans = random_spans(200, 10 * MINUTE)
    store = held(stores, state, spans)
    window = {"start": START, "end": START + 10 * MINUTE, "step": MINUTE, "exemplars": 7}
    found = store.query_range("{ } | max_over_time(duration) by (name)", **window)
    told = [exemplar for series in found for exemplar in series.exemplars]
    assert len(told) == 7
    measured = {(start // MILLISECOND, duration / SECOND) for _, start, duration in spans}
    for exemplar in told:
        assert (exemplar.time, exemplar.value) in measured
        found_trace = store.trace(dict(exemplar.labels)["trace:id"])
        assert found_trace is not None
    again = Stores(tmp_path / "again")
    same = held(again, State.LIVE, spans).query_range("{ } | max_over_time(duration) by (name)", **window)
    assert [exemplar.time for series in same for exemplar in series.exemplars] == [exemplar.time for exemplar in told]
    again.close()


def test_spans_of_one_trace_and_moment_are_exemplars_by_their_ids(stores: Stores, state: State) -> None:
    spans = [span(trace=1, id=number, start=START + 1) for number in random.Random(4).sample(range(1, 1000), 40)]
    (series,) = stores.hold(state, request(*spans)).query_range("{ } | rate()", start=START, end=START + MINUTE, exemplars=3)
    ids = sorted(each.span_id.hex() for each in spans)
    assert [dict(exemplar.labels)["span:id"] for exemplar in series.exemplars] == ids[:3]


def test_exemplars_of_spans_that_are_only_counted_lie_on_the_line(stores: Stores) -> None:
    store = held(stores, State.LIVE, random_spans(100, 10 * MINUTE))
    (series,) = store.query_range("{ } | rate()", start=START, end=START + 10 * MINUTE, step=MINUTE, exemplars=5)
    points = values(series)
    for exemplar in series.exemplars:
        assert exemplar.value == points[-(-exemplar.time // 60_000) * 60_000]


@pytest.mark.parametrize(
    ("hint", "asked", "expected"), [("", 3, 3), ("", 0, 0), ("false", 3, 0), ("4", 0, 4), ("true", 0, 10), ("99", 0, 10)]
)
def test_the_hint_decides_how_many_exemplars_come(stores: Stores, hint: str, asked: int, expected: int) -> None:
    settings = Stores(stores.folder, options=StoreOptions(metrics=MetricsOptions(max_exemplars=10)))
    store = held(settings, State.LIVE, random_spans(50, 10 * MINUTE))
    query = "{ } | rate()" + (f" with (exemplars={hint})" if hint else "")
    (series,) = store.query_range(query, start=START, end=START + 10 * MINUTE, exemplars=asked)
    assert len(series.exemplars) == expected
    settings.close()


def test_series_beyond_the_limit_are_left_out_and_the_answer_says_so(stores: Stores) -> None:
    store = held(stores, State.LIVE, random_spans(50, 10 * MINUTE))
    query, window = "{ } | count_over_time() by (span.number)", {"start": START, "end": START + 10 * MINUTE}
    whole = store.query_range(query, **window)
    assert (len(whole), whole.partial, whole.message) == (50, False, None)
    for found in (store.query_range(query, max_series=3, **window), store.query_instant(query, max_series=3, **window)):
        assert [dict(series.labels)["span.number"] for series in found] == [0, 1, 2]
        assert found.partial
        assert found.message == "the answer has 50 series, beyond the limit of 3; the first 3 by their labels are shown"


def test_more_points_than_fit_into_memory_are_refused_with_the_limit(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    store = held(stores, State.LIVE, random_spans(50, 10 * MINUTE))
    monkeypatch.setattr(series_keys, "MAX_POINTS", 200)
    with pytest.raises(BadQuery, match="more than 18 series of 11 points each, beyond the limit of 200 points"):
        store.query_range("{ } | rate() by (span.number)", start=START, end=START + 10 * MINUTE, step=MINUTE)


def test_a_window_of_no_spans_has_no_series(stores: Stores, state: State) -> None:
    store = held(stores, state, random_spans(20, 10 * MINUTE))
    later = {"start": START + HOUR, "end": START + 2 * HOUR}
    assert len(store.query_range("{ } | rate() by (name)", **later)) == 0
    assert len(store.query_instant("{ } | compare({ name = `query` })", **later)) == 0


def test_comparing_counts_values_on_both_sides_and_totals(stores: Stores, state: State) -> None:
    failed = [span("slow", trace=1, status="error", start=START + SECOND, attributes={"size": 1, "odd": {"a": 1}}) for _ in range(3)]
    others = [span("fast", trace=2, start=START + SECOND, attributes={"size": size}) for size in (1, 2, 2, 3)]
    store = stores.hold(state, request(*failed, *others))
    found = store.query_instant("{ } | compare({ status = error }, 2)", start=START, end=START + MINUTE)
    by_label = {tuple(value for _, value in series.labels): series.value for series in found if "span.size" in dict(series.labels)}
    assert by_label == {
        ("baseline", 1): 1,
        ("baseline", 2): 2,
        ("baseline_total", "nil"): 4,
        ("selection", 1): 3,
        ("selection_total", "nil"): 3,
    }
    odd = {tuple(value for _, value in series.labels): series.value for series in found if "span.odd" in dict(series.labels)}
    assert odd == {("selection_total", "nil"): 3}


def test_an_attribute_with_too_many_values_is_only_counted(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytempo.traceql.comparison.MAX_VALUES", 10)
    store = held(stores, State.SPLIT, random_spans(50, 10 * MINUTE))
    found = store.query_instant("{ } | compare({ name = `query` })", start=START, end=START + 10 * MINUTE)
    told = [dict(series.labels) for series in found if "span.number" in dict(series.labels)]
    assert {"__meta_error": "__too_many_values__", "span.number": "nil"} in told
    assert {labels["__meta_type"] for labels in told if "__meta_type" in labels} == {"baseline_total", "selection_total"}


def test_answers_become_tables(stores: Stores) -> None:
    store = held(stores, State.LIVE, random_spans(30, 10 * MINUTE))
    query, window = "{ } | count_over_time() by (name)", {"start": START, "end": START + 10 * MINUTE}
    points = store.query_range(query, step=5 * MINUTE, **window).to_arrow()
    assert points.column_names == ["labels", "time", "value"]
    assert points.schema.field("time").type == pa.timestamp("ms", "UTC")
    assert points.num_rows == 3 * len(NAMES)
    numbers = store.query_instant(query, **window).to_arrow()
    assert [dict(labels)["name"] for labels in numbers["labels"].to_pylist()] == list(NAMES)
    assert sum(numbers["value"].to_pylist()) == 30
    empty = store.query_range("{ name = `never` } | rate()", **window).to_arrow()
    assert empty.num_rows == 0
