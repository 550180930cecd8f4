"""The benchmarks run, tell what they are to tell, and leave it in a file and a plot; never how fast."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path
from typing import Any

import pytest

from benchmarks.query import KINDS


def figures(folder: Path, command: str, *options: str) -> Any:
    """What a benchmark leaves, after a look at how it says it was made and at its plot."""
    run = [sys.executable, "-m", "benchmarks", command, "--folder", str(folder), *options]
    printed = subprocess.run(run, capture_output=True, check=True, text=True, timeout=120).stdout
    left = json.loads((folder / f"{command}.json").read_text())
    assert left.keys() == {"command", "data", "machine", "versions", "figures"}
    assert all(f"| {name.replace('|', chr(92) + '|')} |" in printed for name in left["figures"])
    assert xml.etree.ElementTree.parse(folder / f"{command}.svg").getroot().tag.endswith("svg")
    return left["figures"]


def test_questions_are_timed_by_kind_live_and_in_a_block(tmp_path: Path) -> None:
    found = figures(tmp_path, "query", "--spans", "3000")
    assert found.keys() == KINDS.keys()
    assert all(times.keys() == {"live", "block"} for times in found.values())


@pytest.mark.parametrize("mix", ["plain", "wide"])
def test_ingest_is_measured_by_size_of_requests(mix: str, tmp_path: Path) -> None:
    found = figures(tmp_path, "ingest", "--spans", "2000", "--requests", "64", "512", "--mix", mix)
    assert found.keys() == {"64", "512"}
    assert all(row["cpu_us_per_span_to_block"] >= row["cpu_us_per_span_to_ack"] > 0 for row in found.values())
    assert all((row["otlp_bytes_per_span"] > 400) == (mix == "wide") for row in found.values())


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
