"""Blocks that a real Tempo wrote, one of each format, answer as a Tempo did.

A normal run asks each block a sixth of the recorded cases, another sixth each, and all that it cannot answer. With PYTEMPO_ALL_CASES=1 in
the environment every block is asked every case (30 s each).
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.conformance import conformance
from tests.conformance.test_conformance import SEED, Case, cases, differences, report
from tests.servers import serve

pytestmark = pytest.mark.conformance

GOLDEN = Path(__file__).parents[1] / "golden"

BASE = 1_795_593_600 * 10**9
"""The time of the corpus in the golden blocks."""

LOST_IN_VPARQUET3 = {
    "vParquet3 has no columns for the attributes of scopes": {
        ("search", '{ instrumentation.lib.tier = "gold" }'),
        ("search", "{ instrumentation.lib.level = 3 }"),
        ("search", "{ instrumentation.lib.tier = nil }"),
        ("values", "instrumentation.lib.tier"),
        ("tags", ""),
        ("tags", "scope=instrumentation"),
        ("tags", "scope=none"),
    },
    "Tempo drops bytes when it writes vParquet3": {
        ("search", "{ .blob != nil }"),
        ("trace", "2cce360d6053add5fb6677a9f5991e49"),
        ("trace", "5f8c97f77ae79c7e9dacb1970d29e158"),
        ("trace", "c3f51e83718d1f04a9a0a6a371a8e5ca"),
        ("trace", "284b674692a6426577365e4a39e638ff"),
        ("trace", "db286f4a98206b7d0128135907b48c04"),
        ("trace", "448dfb78fd5737709211c87c75f5a71d"),
        ("trace", "95c6ef48e2c7c38165e5240a5624d955"),
        ("trace", "6569d88674e582ec263ffc7c40074470"),
        ("trace", "a1089d38299656bc9f7eb0b5615a7312"),
    },
    "the numbers follow the order of arrival, which was another one for this block": {
        ("search", "{ nestedSetParent >= 0 }"),
        ("search", "{ nestedSetLeft = 1 }"),
        ("search", "{ nestedSetRight > 10 }"),
        ("search", "{} | select(nestedSetLeft, nestedSetRight, nestedSetParent)"),
    },
}
"""The cases that the vParquet3 block answers differently, by reason; every other case it answers as recorded."""

PARTS = 6
"""A normal run asks one part of so many."""

LOST: dict[str, set[tuple[str, str]]] = {
    "vParquet3": set().union(*LOST_IN_VPARQUET3.values()),
    "vParquet4": set(),
    "vParquet5": set(),
}


def store_of(format: str, data_dir: Path) -> Path:
    """A data directory with the golden block of a format."""
    shutil.copytree(GOLDEN / format, data_dir / "blocks")
    return data_dir


def asked(format: str) -> list[Case]:
    """The cases that a block of this format is asked."""
    first = list(LOST).index(format)
    every = bool(os.environ.get("PYTEMPO_ALL_CASES"))
    return [case for number, case in enumerate(cases()) if every or number % PARTS == first or name(case) in LOST[format]]


def name(case: Case) -> tuple[str, str]:
    return case["kind"], case["q"]


@pytest.mark.parametrize("format", LOST)
def test_a_block_of_a_real_tempo_answers_the_recorded_cases(format: str, tmp_path: Path) -> None:
    data_dir = store_of(format, tmp_path / "data")
    (meta,) = (json.loads(path.read_bytes()) for path in data_dir.glob("blocks/single-tenant/*/meta.json"))
    assert meta["format"] == format
    conformance.name_data(BASE, SEED)
    with serve(data_dir, "--block-retention", "0s") as server:
        different = differences(asked(format), lambda case: conformance.ask(server.http_url, BASE, case))
    unexpected = [(case, got) for case, got in different if name(case) not in LOST[format]]
    if unexpected:
        pytest.fail(report(asked(format), unexpected), pytrace=False)
    assert {name(case) for case, _ in different} == LOST[format], "a case is answered that is listed as lost"
