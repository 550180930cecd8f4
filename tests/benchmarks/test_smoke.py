"""The benchmarks run, tell what they are to tell, and leave it in a file and a plot; never how fast."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path
from typing import Any

import pytest

from benchmarks import beside
from benchmarks.peers.present import PEERS
from benchmarks.questions import KINDS


def figures(folder: Path, command: str, *options: str) -> Any:
    """What a benchmark leaves, after a look at how it says it was made and at its plot."""
    run = [sys.executable, "-m", "benchmarks", command, "--folder", str(folder), *options]
    alone = {name: value for name, value in os.environ.items() if name not in dict(PEERS)}
    printed = subprocess.run(run, capture_output=True, check=True, text=True, timeout=120, env=alone).stdout
    left = json.loads((folder / f"{command}.json").read_text())
    assert left.keys() == {"command", "data", "machine", "versions", "figures"}
    assert all(f"| {name.replace('|', chr(92) + '|')} |" in printed for name in left["figures"])
    assert xml.etree.ElementTree.parse(folder / f"{command}.svg").getroot().tag.endswith("svg")
    return left["figures"]


def test_questions_are_timed_by_kind_live_and_in_a_block(tmp_path: Path) -> None:
    found = figures(tmp_path, "query", "--spans", "3000")
    assert found.keys() == KINDS.keys()
    assert all(times.keys() == {"live", "block"} for times in found.values())


@pytest.mark.parametrize(("mix", "sizes"), [("plain", ["64", "512"]), ("wide", ["512"])])
def test_ingest_is_measured_by_size_of_requests(mix: str, sizes: list[str], tmp_path: Path) -> None:
    found = figures(tmp_path, "ingest", "--spans", "2000", "--mix", mix, "--requests", *sizes)
    assert list(found) == sizes
    assert all(row["cpu_us_per_span_to_block"] >= row["cpu_us_per_span_to_ack"] > 0 for row in found.values())
    assert all((row["otlp_bytes_per_span"] > 400) == (mix == "wide") for row in found.values())
    assert all((size == "64") == (row.get("half_load_acknowledged_p99_ms", 0) > 0) for size, row in found.items())


def test_storage_is_weighed_by_state_and_by_column(tmp_path: Path) -> None:
    weights = {name: row["bytes a span"] for name, row in figures(tmp_path, "storage", "--spans", "3000").items()}
    assert weights["sent as OTLP"] > weights["in the log"] > 0
    assert (
        weights["in blocks as they are cut"]
        >= weights["merged"]
        > sum(weight for name, weight in weights.items() if name.startswith("rs."))
    )
    assert weights["rs.ss.Spans.SpanID"] > 7


def test_growth_asks_every_kind_of_each_store(tmp_path: Path) -> None:
    found = figures(tmp_path, "growth", "--sizes", "6000", "12000")
    assert KINDS.keys() < found.keys()
    assert all(row.keys() == {"6000", "12000"} for row in found.values())


def test_a_start_is_measured_over_what_is_on_disk(tmp_path: Path) -> None:
    found = figures(tmp_path, "start", "--blocks", "0", "--wal-mib", "0", "--spans", "3000")
    assert found.keys() == {"empty", "spans"}
    assert found["spans"]["data_mib"] > found["empty"]["data_mib"] == 0
    assert all(row["ready_seconds"] >= row["listening_seconds"] > 0 < row["peak_memory_mib"] for row in found.values())


def test_without_binaries_of_peers_pytempo_is_measured_alone_over_http(tmp_path: Path) -> None:
    found = figures(tmp_path, "peers", "--spans", "3000")
    assert KINDS.keys() < found.keys()
    assert all(row.keys() <= {"pytempo", "found, pytempo"} for row in found.values())
    assert found["trace by id"]["found, pytempo"] == 8
    assert found["{ } | rate() by (resource.service.name)"]["found, pytempo"] == 3000
    assert found["{ } | quantile_over_time(duration, .99) by (name)"]["found, pytempo"] == 30
    assert found["a value that is nowhere"]["found, pytempo"] == 0


def test_questions_are_asked_beside_spans_that_come_in(tmp_path: Path) -> None:
    found = figures(tmp_path, "beside", "--spans", "2000", "--load", "2000", "--seconds", "1")
    assert {*KINDS, beside.ALL} < found.keys()
    assert found["spans a second that were acknowledged"]["pytempo"] > 0 == found["requests that were not"]["pytempo"]
