"""What questions cost in process: the median of several of each kind, on live spans and on spans in blocks.

Milliseconds are CPU time of the whole process, which other work on the machine does not spoil; a question that runs on one thread takes
as long on a clock.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import pytempo
from benchmarks import spool
from benchmarks.data import SECOND, Corpus
from benchmarks.plot import bars
from benchmarks.questions import KINDS, ROUNDS, Question
from benchmarks.report import Report
from benchmarks.spool import PIECE
from pytempo.maintenance import FlushOptions


def ask(store: pytempo.Store, question: Question, corpus: Corpus, number: int) -> object:
    """The answer of a store to the question with this number, of a kind."""
    text = question.filled(corpus, number)
    match question.way:
        case "trace":
            return store.trace(text)
        case "search":
            return store.search(text, limit=20)
        case "range":
            return store.query_range(text, start=corpus.base, end=corpus.base + 100 * SECOND, step=SECOND)
        case "tags":
            return store.tags()
        case "values":
            return store.tag_values(text)


def run(spans: int) -> Report:
    """Ask every kind."""
    rows = measure(spans)
    columns = {state: {kind: times[state] for kind, times in rows.items()} for state in ("live", "block")}
    blocks = f"{min(spans, PIECE)} of them live, all of them in blocks of at most {PIECE}"
    data = f"{spans} spans of benchmarks/data.py, {blocks}; median of {ROUNDS} after one not counted, ms of CPU"
    return Report("query", data, rows, bars("Questions, median of a kind", columns, "ms of CPU"))


def measure(spans: int) -> dict[str, dict[str, float]]:
    """Milliseconds of CPU by kind, `live` and `block`."""
    found = dict[str, dict[str, float]]()
    options = pytempo.StoreOptions(flush=FlushOptions(max_block_bytes=2**40, max_live_bytes=2**40))
    with tempfile.TemporaryDirectory() as folder:
        data, spooled = Path(folder) / "data", spool.write(Path(folder) / "requests", Corpus(spans))
        with pytempo.open(data, options=options) as store:
            for number, piece in enumerate(spooled.pieces()):
                for request in piece:
                    store.export(request)
                if number == 0:
                    _time(store, spooled.first, "live", found)
                store.flush()
        with pytempo.open(data) as store:
            _time(store, spooled.corpus, "block", found)
    return found


def _time(store: pytempo.Store, corpus: Corpus, state: str, found: dict[str, dict[str, float]]) -> None:
    for kind, question in KINDS.items():
        ask(store, question, corpus, ROUNDS)  # what is read once and kept is not counted
        times = []
        for number in range(ROUNDS):
            began = time.process_time()
            ask(store, question, corpus, number)
            times.append(time.process_time() - began)
        found.setdefault(kind, {})[state] = statistics.median(times) * 1000
