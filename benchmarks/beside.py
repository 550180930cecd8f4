"""What the mix of questions takes while spans come in, against the same questions of the same store while none do.

Another process sends the spans, at a rate and whether or not it is answered, and they start when they are sent: the questions' window holds
them too. One client asks all kinds over HTTP, one after the other, again and again.

python -m benchmarks beside --spans 2500000 --load 50000 --seconds 60
"""

from __future__ import annotations

import itertools
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from benchmarks import spool
from benchmarks.data import Corpus
from benchmarks.load import Template
from benchmarks.machine import Peak
from benchmarks.peers.present import stores
from benchmarks.peers.pytempo import Pytempo
from benchmarks.peers.run import AGO, wait_until_calm
from benchmarks.peers.store import Running
from benchmarks.plot import bars
from benchmarks.questions import KINDS, ROUNDS
from benchmarks.report import Report, Rows
from benchmarks.sending import Sent, Submit, at_rate, closed
from benchmarks.spool import Spool

SIZE, CLIENTS = 512, 4
DIFFERENT = 40
"""Questions of a kind."""

ALL = "all kinds together"

Times = dict[str, list[float]]
"""Seconds by kind."""


def run(spans: int, load: float, seconds: float) -> Report:
    """Measure each store that there is."""
    rows = dict[str, dict[str, float]]()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Corpus(spans, SIZE, base=time.time_ns() - AGO)
        spooled = spool.write(Path(folder) / "requests", corpus)
        for store in stores():
            data = Path(folder) / store.name
            data.mkdir()
            with store.running(data) as running:
                for row, figures in measure(running, spooled, load, seconds).items():
                    rows.setdefault(row, {}).update({f"{store.name}, {name}" if name else store.name: n for name, n in figures.items()})
    how = f"{seconds:g} s of questions over HTTP, idle and beside it, ms on a clock"
    return Report("beside", f"{spans} spans of benchmarks/data.py, then {load:g} a second; {how}", rows, plot(rows))


def plot(rows: Rows) -> str:
    """What 99 % of the questions take: of each store while spans come in, and of pytempo without."""
    ends = {", p99, idle": " idle", ", p99, beside": ""}
    columns = {
        f"{name.removesuffix(end)}{short}": {row: figures[name] for row, figures in rows.items() if name in figures}
        for end, short in ends.items()
        for name in rows[ALL]
        if name.endswith(end) and (short == "" or name.startswith(Pytempo.name))
    }
    return bars("Questions beside ingest, 99 % within", columns, "ms")


def measure(running: Running, spooled: Spool, load: float, seconds: float) -> dict[str, dict[str, float]]:
    """The figures of one store, by kind and by name of the column."""
    corpus = spooled.corpus
    with Peak(running.pid) as peak:
        with running.sender() as submit:
            closed(submit, spooled, CLIENTS)
        running.settle(sum(part.traces for part in spooled.corpora))
        wait_until_calm(running.pid)
        idle = ask(running, corpus, seconds)
        with pressure(running, load) as sent:
            beside = ask(running, corpus, seconds)
        rows = {kind: _compared(idle[kind], beside[kind]) for kind in idle}
        rows[ALL] = _compared([*itertools.chain(*idle.values())], [*itertools.chain(*beside.values())])
        rows["spans a second that were acknowledged"] = {"": SIZE * len(sent.times) / sent.seconds}
        rows["requests that were not"] = {"": len(sent.failures)}
        rows["99 % were acknowledged within ms"] = {"": sent.percentile(99)}
        rows["largest memory, MiB"] = {"": peak.mib}
    return rows


def ask(running: Running, corpus: Corpus, seconds: float) -> Times:
    """Ask all kinds in turn for so long, and each once at least; one round before that does not count."""
    times = Times()
    kinds = [kind for kind in KINDS if kind in running.questions]
    for kind in kinds:
        running.questions[kind](corpus, ROUNDS)
    started = time.perf_counter()
    number = 0
    while not number or time.perf_counter() - started < seconds:
        for kind in kinds:
            began = time.perf_counter()
            running.questions[kind](corpus, number % DIFFERENT)
            times.setdefault(kind, []).append(time.perf_counter() - began)
        number += 1
    return times


def _compared(idle: list[float], beside: list[float]) -> dict[str, float]:
    before, after = (np.percentile(times, (50, 99)) * 1e3 for times in (idle, beside))
    return {
        "p50, idle": before[0],
        "p50, beside": after[0],
        "p99, idle": before[1],
        "p99, beside": after[1],
        "p99, times idle": after[1] / before[1],
    }


@contextmanager
def pressure(running: Running, spans_per_second: float) -> Iterator[Sent]:
    """Spans that come in from another process; what came of them is there when it is over."""
    context, sent = multiprocessing.get_context("spawn"), Sent()
    here, there = context.Pipe()
    process = context.Process(target=_press, args=(running.sender, spans_per_second, there))
    process.start()
    there.close()
    here.recv()
    try:
        yield sent
    finally:
        here.send("over")
        sent.seconds, sent.times, failures = here.recv()
        sent.failures.extend(map(RuntimeError, failures))
        process.join()


def _press(sender: Callable[[], AbstractContextManager[Submit]], spans_per_second: float, pipe: Connection) -> None:
    """Send until something comes out of the pipe, and say there what came of it."""
    template = Template(SIZE, seed=7)
    with sender() as submit:
        pipe.send("begun")
        requests = (template.make(number, time.time_ns()) for number in itertools.count())
        sent = at_rate(submit, requests, spans_per_second / template.spans, pipe.poll)
    pipe.send((sent.seconds, sent.times, [str(failure) for failure in sent.failures]))
