"""What questions cost in process: the median of several of each kind, on live spans and on the same spans in one block.

Milliseconds are CPU time of the whole process, which other work on the machine does not spoil; a question that runs on one thread takes
as long on a clock.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytempo
from benchmarks.data import SECOND, SERVICES, Corpus
from benchmarks.plot import bars
from benchmarks.report import Report
from pytempo.maintenance import FlushOptions

ROUNDS = 5

Ask = Callable[[pytempo.Store, Corpus, int], Any]
"""Asks the question of its kind with this number."""


def _search(query: str) -> Ask:
    return lambda store, corpus, number: store.search(_filled(query, corpus, number), limit=20)


def _range(query: str) -> Ask:
    def ask(store: pytempo.Store, corpus: Corpus, number: int) -> Any:
        return store.query_range(_filled(query, corpus, number), start=corpus.base, end=corpus.base + 100 * SECOND, step=SECOND)

    return ask


def _filled(query: str, corpus: Corpus, number: int) -> str:
    known = {"$id": corpus.request_ids[number], "$user": f"u{1000 + number}", "$service": SERVICES[number], "$absent": f"none-{number}"}
    known["$long"] = f"{900 + number}ms"
    for name, value in known.items():
        query = query.replace(name, value)
    return query


KINDS: dict[str, Ask] = {
    "trace by id": lambda store, corpus, number: store.trace(corpus.trace_ids[number]),
    '{ span.request.id = "..." }, one hit': _search('{ span.request.id = "$id" }'),
    '{ .request.id = "..." }': _search('{ .request.id = "$id" }'),
    '{ span.user.id = "..." }': _search('{ span.user.id = "$user" }'),
    "a value that is nowhere": _search('{ span.user.id = "$absent" }'),
    "{ }": _search("{ }"),
    '{ status = error && resource.service.name = "..." }': _search('{ status = error && resource.service.name = "$service" }'),
    "{ duration > 900ms }": _search("{ duration > $long }"),
    "regex on route, with duration": _search('{ span.http.route =~ "/api/v1/resource-1.*" && duration > $long }'),
    '{ resource.service.name = "..." } >> { status = error }': _search('{ resource.service.name = "$service" } >> { status = error }'),
    "{ status = error } | count() > 3": _search("{ status = error } | count() > 3"),
    "{ } | by(resource.service.name) | avg(duration) > 500ms": _search("{ } | by(resource.service.name) | avg(duration) > 500ms"),
    "{ } | rate() by (resource.service.name)": _range("{ } | rate() by (resource.service.name)"),
    "{ } | quantile_over_time(duration, .99) by (name)": _range("{ } | quantile_over_time(duration, .99) by (name)"),
    "{ status = error } | count_over_time() by (span.http.status_code)": _range(
        "{ status = error } | count_over_time() by (span.http.status_code)"
    ),
    "tag names": lambda store, corpus, number: store.tags(),
    "values of resource.service.name": lambda store, corpus, number: store.tag_values("resource.service.name"),
    "values of span.http.route": lambda store, corpus, number: store.tag_values("span.http.route"),
}


def run(spans: int) -> Report:
    """Ask every kind."""
    rows = measure(spans)
    columns = {state: {kind: times[state] for kind, times in rows.items()} for state in ("live", "block")}
    data = f"{spans} spans of benchmarks/data.py, live and in one block; median of {ROUNDS} after one not counted, ms of CPU"
    return Report("query", data, rows, bars("Questions, median of a kind", columns, "ms of CPU"))


def measure(spans: int) -> dict[str, dict[str, float]]:
    """Milliseconds of CPU by kind, `live` and `block`."""
    corpus, found = Corpus(spans), dict[str, dict[str, float]]()
    flush = FlushOptions(max_block_bytes=2**40, max_live_bytes=2**40)
    with tempfile.TemporaryDirectory() as folder:
        with pytempo.open(Path(folder), options=pytempo.StoreOptions(flush=flush)) as store:
            for request in corpus.requests():
                store.export(request)
            _time(store, corpus, "live", found)
            store.flush()
        with pytempo.open(Path(folder)) as store:
            _time(store, corpus, "block", found)
    return found


def _time(store: pytempo.Store, corpus: Corpus, state: str, found: dict[str, dict[str, float]]) -> None:
    for kind, ask in KINDS.items():
        ask(store, corpus, ROUNDS)  # what is read once and kept is not counted
        times = []
        for number in range(ROUNDS):
            began = time.process_time()
            ask(store, corpus, number)
            times.append(time.process_time() - began)
        found.setdefault(kind, {})[state] = statistics.median(times) * 1000
