"""What verify finds, and what repair makes of it: flawed blocks are sound again, damaged ones keep what was sound, nothing is deleted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import pytempo
from pytempo import StoreOptions
from pytempo.block.writer import BlockOptions
from pytempo.blocklist import BlockList
from pytempo.maintenance import FlushOptions
from pytempo.maintenance.repair import Repaired, repair
from pytempo.maintenance.verify import Report, verify
from pytempo.wal import WalView
from tests.block.golden import GOLDEN
from tests.building import BASE, SECOND, request, span
from tests.states import matched
from tests.wal.conftest import LOGGER, files_in

TRACES = 60
OPTIONS = StoreOptions(flush=FlushOptions(block=BlockOptions(row_group_spans=10)))
NAMES = sorted(f"span {number:02d}" for number in range(TRACES))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a block of six row groups."""
    data = tmp_path_factory.mktemp("sound")
    spans = [span(f"span {number:02d}", trace=number + 1, id=number + 1, start=BASE + number * SECOND) for number in range(TRACES)]
    with pytempo.open(data, options=OPTIONS) as store:
        store.export(request(*spans).SerializeToString())
        store.flush()
    return data


@pytest.fixture
def data(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "data"))


def block_in(data: Path) -> Path:
    (folder,) = data.glob("blocks/*/*")
    return folder


def found_by(data: Path) -> list[tuple[str, str]]:
    """The kind and cause of everything that verify finds."""
    report = Report()
    blocks = BlockList.open(data / "blocks", data / "damaged", LOGGER, read_only=True)
    assert sum(verify(blocks, WalView(data / "wal", logger=LOGGER), report)) >= 0
    return [(finding.kind, finding.cause) for finding in report.findings]


def repaired(data: Path) -> list[Repaired]:
    blocks = BlockList.open(data / "blocks", data / "damaged", LOGGER)
    return [step for step in repair(blocks, OPTIONS.flush.block) if step.step != "read"]


def names_in(data: Path) -> list[str]:
    with pytempo.open(data, read_only=True) as store:
        return matched(store)


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 0x10
    path.write_bytes(content)


def test_a_sound_store_has_no_findings_and_nothing_to_repair(data: Path) -> None:
    before = files_in(data)
    assert found_by(data) == []
    assert repaired(data) == []
    assert files_in(data) == before


FLAWS: dict[str, Callable[[Path], None]] = {
    "filter flipped": lambda block: flip(block / "bloom-0", 5000),
    "filter missing": lambda block: (block / "bloom-0").unlink(),
    "index flipped": lambda block: flip(block / "index", 30),
    "index missing": lambda block: (block / "index").unlink(),
    "checksums flipped": lambda block: flip(block / "checksums", 70),
    "checksums missing": lambda block: (block / "checksums").unlink(),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flawed_block_answers_as_before_and_is_made_sound_in_place(data: Path, sound: Path, flaw: str) -> None:
    FLAWS[flaw](block_in(data))
    ((kind, cause),) = found_by(data)
    assert kind == "flawed"
    assert flaw.split()[0].replace("filter", "bloom-0") in cause
    assert names_in(data) == NAMES
    assert [step.step for step in repaired(data)] == ["rewritten"]
    assert found_by(data) == []
    content = {name: bytes for name, (bytes, _) in files_in(block_in(data)).items()}
    assert content == {name: bytes for name, (bytes, _) in files_in(block_in(sound)).items()}


def test_a_page_that_is_damaged_costs_its_row_group_and_the_original_is_kept(data: Path) -> None:
    rows = block_in(data) / "data.parquet"
    group = pq.read_metadata(rows).row_group(5)
    column = group.column(0)
    flip(rows, column.data_page_offset + column.total_compressed_size - 1)
    damaged = rows.read_bytes()
    (block_in(data) / "checksums").unlink()  # as in a block of Tempo: page checksums are all there is
    assert tuple(sorted(kind for kind, _ in found_by(data))) == ("damaged", "flawed")
    steps = repaired(data)
    assert [step.step for step in steps] == ["moved", "saved", "lost"]
    assert "1 of 6 row groups" in steps[-1].detail
    assert names_in(data) == NAMES[:50]
    (aside,) = data.glob("damaged/*/*")
    assert (aside / "data.parquet").read_bytes() == damaged
    assert found_by(data) == []
    assert repaired(data) == []


def test_metadata_that_is_damaged_costs_nothing(data: Path) -> None:
    flip(block_in(data) / "meta.json", 400)
    with pytempo.open(data) as store:
        assert matched(store) == []
    assert [kind for kind, _ in found_by(data)] == ["set aside"]
    assert [step.step for step in repaired(data)] == ["saved", "marked"]
    assert names_in(data) == NAMES
    assert found_by(data) == []


def test_names_of_attributes_survive_the_loss_of_the_metadata(tmp_path: Path) -> None:
    """The footer repeats which attribute has which column."""
    spans = [span(trace=number, id=number, start=BASE, attributes={"color": "red", "shape": f"s{number}"}) for number in range(1, 30)]
    with pytempo.open(tmp_path, options=OPTIONS) as store:
        store.export(request(*spans).SerializeToString())
        store.flush()
        assert [column.name for column in store.blocks()[0].dedicated_columns] == ["color", "shape"]
    flip(block_in(tmp_path) / "meta.json", 400)
    assert [step.step for step in repaired(tmp_path)] == ["saved", "marked"]
    with pytempo.open(tmp_path, read_only=True) as store:
        assert len(store.search('{ span.color = "red" }', limit=100).traces) == 29
        assert len(store.search('{ span.shape = "s7" }').traces) == 1


def test_a_footer_that_is_damaged_is_lost_and_said(data: Path) -> None:
    rows = block_in(data) / "data.parquet"
    flip(rows, rows.stat().st_size - 100)
    assert {kind for kind, _ in found_by(data)} == {"damaged"}
    assert [step.step for step in repaired(data)] == ["moved", "lost"]
    assert [kind for kind, _ in found_by(data)] == ["set aside"]
    assert list(data.glob("damaged/*/*/data.parquet"))


@pytest.mark.parametrize("stop", range(5))
def test_a_repair_that_is_stopped_after_any_step_goes_on_and_nothing_is_there_twice(data: Path, stop: int) -> None:
    flip(block_in(data) / "meta.json", 400)
    blocks = BlockList.open(data / "blocks", data / "damaged", LOGGER)
    steps = repair(blocks, OPTIONS.flush.block)
    for _ in range(stop):
        next(steps, None)
    repaired(data)
    assert names_in(data) == NAMES
    assert found_by(data) == []


def test_damage_in_the_log_is_found(data: Path) -> None:
    with pytempo.open(data) as store:
        store.export(request(span("logged")).SerializeToString())
        store.export(request(span("logged, too")).SerializeToString())
    (segment,) = data.glob("wal/*.wal")
    flip(segment, 70)
    ((kind, cause),) = found_by(data)
    assert (kind, cause.split(":")[0]) == ("damaged", "at byte 40")


def test_the_commands_tell_by_their_status_and_speak_json(data: Path) -> None:
    def run(*args: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "pytempo", "blocks", *args, "--data", str(data)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return ended.returncode, ended.stdout

    flip(block_in(data) / "bloom-0", 4000)
    status, told = run("verify", "--json")
    report = json.loads(told)
    assert (status, report["blocks"], [each["kind"] for each in report["findings"]]) == (1, 1, ["flawed"])
    status, told = run("repair")
    assert (status, told.split()[0]) == (0, "rewritten")
    assert run("verify") == (0, f"1 blocks ({report['bytes']} bytes) and 0 WAL segments read, 0 findings\n")


@pytest.mark.parametrize("format", ["vParquet3", "vParquet5"])
def test_of_a_block_in_another_format_every_page_is_read(format: str, tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / format, tmp_path / "blocks")
    assert found_by(tmp_path) == []
    (path,) = tmp_path.glob("blocks/*/*/data.parquet")
    column = pq.read_metadata(path).row_group(0).column(0)
    flip(path, column.data_page_offset + column.total_compressed_size - 1)
    assert [kind for kind, _ in found_by(tmp_path)] == ["damaged"]
