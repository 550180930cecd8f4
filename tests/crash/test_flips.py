"""Flipped bits and cut files anywhere in a data directory: no crash, no wrong span, at most one record or block is lost, and it is said.

The short form makes 36 injuries; `PYTEMPO_FLIPS=1000` makes so many flips, and a third as many cuts on top.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import pytempo
from pytempo import StoreOptions
from pytempo.block.writer import BlockOptions
from pytempo.maintenance import FlushOptions
from tests.building import BASE, SECOND, event, link, request, span
from tests.conftest import ROOT

pytestmark = pytest.mark.crash

FLIPS = int(os.environ.get("PYTEMPO_FLIPS", "27"))
BLOCKS, SEGMENTS, RECORDS, SPANS = 3, 2, 4, 5
"""What the directory holds: blocks and segments, records of each, each record a trace of so many spans."""


def payload(number: int) -> bytes:
    attributes = {"request.id": f"r-{number:08x}", "n": number, "ratio": number / 3, "ok": number % 2 == 0, "list": ["a", f"{number}"]}
    spans = [
        span(
            f"op {place}",
            trace=number,
            id=100 * number + place,
            parent=100 * number if place else b"",
            start=BASE + number * SECOND + place,
            attributes=attributes,
            events=[event(f"event {number}", attributes={"e": place})],
            links=[link(number, place + 1)],
        )
        for place in range(SPANS)
    ]
    return request(*spans, service=f"service {number}").SerializeToString()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("sound") / "data"
    options = StoreOptions(flush=FlushOptions(block=BlockOptions(row_group_spans=10, bloom_shard_size_bytes=64)))
    number = 0
    with pytempo.open(data, options=options) as store:
        for part in range(BLOCKS + SEGMENTS):
            for _ in range(RECORDS):
                number += 1
                store.export(payload(number))
            if part < BLOCKS:
                store.flush()
            elif part < BLOCKS + SEGMENTS - 1:
                store._seal()
                store._flusher.stop()  # what is sealed stays so
    return data


def injuries(sound: Path) -> list[dict[str, Any]]:
    """Flips at places drawn evenly over all kinds of files, so that a file of 80 bytes is met as often as one of 80,000; then cuts."""
    dice, kinds = random.Random(2), dict[str, list[Path]]()
    for path in sorted(sound.rglob("*")):
        if path.is_file() and path.name != "lock":
            kinds.setdefault(path.suffix if path.suffix == ".wal" else path.name, []).append(path)
    kinds["data.parquet again"] = kinds["data.parquet"]  # there is most to hit
    out: list[dict[str, Any]] = []
    for number in range(FLIPS + FLIPS // 3):
        kind = list(kinds.values())[number % len(kinds)]
        path = dice.choice(kind)
        size = path.stat().st_size
        injury = {"place": dice.randrange(size), "bit": dice.randrange(8)} if number < FLIPS else {"length": dice.randrange(size)}
        out.append({"file": path.relative_to(sound).as_posix(), **injury})
    return out


def test_no_flipped_bit_and_no_cut_is_a_crash_or_a_lie(sound: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.crash.flipping", sound, tmp_path]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    outcomes: Counter[str] = Counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"spans": (BLOCKS + SEGMENTS) * RECORDS * SPANS}
        for injury in injuries(sound):
            process.stdin.write(json.dumps(injury) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            assert answer, f"the interpreter crashed over {injury}"
            outcomes[judged(injury, json.loads(answer))] += 1
        process.stdin.close()
    print(dict(outcomes))
    assert outcomes["one record lost"] > 0
    assert outcomes["one block lost"] > 0


def judged(injury: dict[str, Any], found: dict[str, Any]) -> str:
    """What became of an injury, in words; fails where it must not have."""
    told = f"{injury}: {found}"
    assert found["error"] == "", told
    assert found["wrong"] == [], told
    if injury["file"].startswith("blocks/") and not injury["file"].endswith("meta.json"):  # the name of a checksum is covered by none
        assert found["verified"], told
    missing = Counter(found["missing"])
    assert set(missing.values()) <= {SPANS}, told
    torn = "length" in injury and injury["file"].endswith(".wal")
    if not missing:
        return "nothing lost"
    assert found["told"] or torn or injury["file"].endswith(".wal"), told
    if injury["file"].startswith("blocks/"):
        assert len(missing) == RECORDS, told
        assert found["verified"], told
        return "one block lost"
    assert torn or len(missing) == 1, told
    return "one record lost" if len(missing) == 1 else "a tail lost"
