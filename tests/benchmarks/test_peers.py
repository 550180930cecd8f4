"""Peers are those that the environment names; they are started, waited for and ended; pairs are told from what is missing."""

from __future__ import annotations

import os
import signal
import sys
import xml.etree.ElementTree
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks import beside
from benchmarks.data import Corpus
from benchmarks.peers import run
from benchmarks.peers.present import PEERS, stores
from benchmarks.peers.store import free_ports, get, process
from benchmarks.peers.victoria import RANGES, SEARCHES, VALUES
from benchmarks.questions import KINDS, filled

THREE = {
    "pytempo": {"trace by id": 4.0, "found: trace by id": 8, "from acknowledged to found, ms": 0.0, "tag names": 2.0},
    "tempo": {"trace by id": 6.0, "found: trace by id": 8, "from acknowledged to found, ms": 9000.0, "tag names": 1.0},
    "victoria-traces": {"trace by id": 1.0, "found: trace by id": 7, "from acknowledged to found, ms": 1000.0},
}
STUBBORN = """
import http.server, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind="127.0.0.1")
"""


def test_a_store_is_there_for_each_variable_that_names_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, _ in PEERS:
        monkeypatch.delenv(variable, raising=False)
    assert [store.name for store in stores()] == ["pytempo"]
    monkeypatch.setenv("VICTORIA_TRACES_BIN", sys.executable)
    assert [store.name for store in stores()] == ["pytempo", "victoria-traces"]
    monkeypatch.setenv("TEMPO_BIN", "/nowhere/tempo")
    with pytest.raises(FileNotFoundError, match="TEMPO_BIN"):
        stores()


def test_a_process_is_there_when_it_says_so_and_gone_afterwards_even_if_it_ignores_signals(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/"
    with process([sys.executable, "-c", STUBBORN, str(port)], tmp_path, url, ended_by=signal.SIGKILL) as pid:
        assert b"log" in get(url)
        with pytest.raises(RuntimeError, match="404"):
            get(f"{url}missing", query="{ }")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_process_that_ends_before_it_is_ready_tells_why(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with (
        pytest.raises(RuntimeError, match="no such option"),
        process([sys.executable, "-c", "import sys; sys.exit('no such option')"], tmp_path, f"http://127.0.0.1:{port}/"),
    ):
        pass


def test_pairs_have_ratios_where_both_have_a_figure_and_there_is_something_to_divide_by() -> None:
    rows = run.paired(THREE)
    assert rows.keys() == {"trace by id", "from acknowledged to found, ms", "tag names"}
    assert rows["trace by id"] == {
        **{"pytempo": 4.0, "tempo": 6.0, "victoria-traces": 1.0, "tempo / pytempo": 1.5, "victoria-traces / pytempo": 0.25},
        **{"found, pytempo": 8, "found, tempo": 8, "found, victoria-traces": 7},
    }
    assert rows["tag names"] == {"pytempo": 2.0, "tempo": 1.0, "tempo / pytempo": 0.5}
    assert rows["from acknowledged to found, ms"] == {"pytempo": 0.0, "tempo": 9000.0, "victoria-traces": 1000.0}


def test_plots_have_room_for_three_stores() -> None:
    compared = beside._compared([0.1, 0.2], [0.2, 0.4])
    assert compared["p99, times idle"] == pytest.approx(2)
    rows = {kind: {f"{store}, {name}": value for store in THREE for name, value in compared.items()} for kind in ("{ }", beside.ALL)}
    for plot in (run.plot(THREE), beside.plot(rows)):
        assert xml.etree.ElementTree.fromstring(plot).tag.endswith("svg")


def test_questions_in_logsql_are_of_the_kinds_that_all_are_asked_and_leave_nothing_to_fill_in() -> None:
    corpus = Corpus(8, trace_ids=["1"], request_ids=["2"])
    assert {*SEARCHES, *RANGES, *VALUES} < KINDS.keys()
    assert not any("$" in filled(question.text, corpus, number) for question in KINDS.values() for number in range(60))
    assert not any("$" in filled(text, corpus, 3).replace("$nanoseconds", "") for text in (*SEARCHES.values(), *RANGES.values()))


def test_traces_are_counted_as_they_are_made() -> None:
    for spans, size in ((1000, 512), (1000, 64), (50, 1), (20, 16), (1003, 100)):
        corpus = Corpus(spans, size)
        made = [ExportTraceServiceRequest.FromString(request).resource_spans for request in corpus.requests()]
        spans_made = [span for entries in made for entry in entries for scope in entry.scope_spans for span in scope.spans]
        assert corpus.traces == len({span.trace_id for span in spans_made})
