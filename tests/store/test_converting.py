"""Blocks of other formats become vParquet4, the same spans in them, whatever moment the work is stopped at."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import pytempo
from pytempo.errors import BadConfig
from pytempo.maintenance.convert import converted_id
from tests.block.golden import GOLDEN
from tests.cli.test_commands import command


def data_dir_of(format: str, tmp_path: Path) -> Path:
    shutil.copytree(GOLDEN / format, tmp_path / "data" / "blocks")
    return tmp_path / "data"


def answers(store: pytempo.Store) -> list[object]:
    """What some questions find, by trace."""
    questions = ["{ status = error }", '{ span.tags = "blue" }', "{ event.attempt > 1 }", '{ link.link.kind = "caused" }']
    found: list[object] = []
    for question in questions:
        traces = store.search(question, limit=1000).traces
        assert traces
        found.append(sorted((trace.trace_id, trace.root_name) for trace in traces))
    return found


@pytest.mark.parametrize("format", ["vParquet3", "vParquet5"])
def test_a_converted_block_gives_the_same_answers(format: str, tmp_path: Path) -> None:
    with pytempo.open(data_dir_of(format, tmp_path)) as store:
        (old,), before = store.blocks(), answers(store)
        (done,) = store.convert()
        (new,) = store.blocks()
        assert (done.old, done.new, new.format) == (old, new, "vParquet4")
        assert (new.traces, new.spans) == (260, 1711)
        assert answers(store) == before
    with pytempo.open(tmp_path / "data", read_only=True) as store:
        assert store.blocks() == (new,)
        assert answers(store) == before


def test_the_old_block_stays_out_of_use_as_it_was(tmp_path: Path) -> None:
    data = data_dir_of("vParquet5", tmp_path)
    (meta,) = data.glob("blocks/*/*/meta.json")
    content = meta.read_bytes()
    with pytempo.open(data) as store:
        list(store.convert())
    assert not meta.exists()
    assert meta.with_name("meta.compacted.json").read_bytes() == content
    assert meta.with_name("data.parquet").exists()


def test_stopped_before_the_old_block_is_set_aside_nothing_shows_twice_and_the_next_run_ends_it(tmp_path: Path) -> None:
    data = data_dir_of("vParquet5", tmp_path)
    (meta,) = data.glob("blocks/*/*/meta.json")
    with pytempo.open(data) as store:
        before = answers(store)
        list(store.convert())
    meta.with_name("meta.compacted.json").rename(meta)  # as it was before the last step

    with pytempo.open(data) as store:
        assert len(store.blocks()) == 2
        assert answers(store) == before
        (done,) = store.convert()
        assert (str(converted_id(done.old)), len(store.blocks())) == (done.new.block_id, 1)
        assert answers(store) == before


def test_a_block_that_an_attempt_published_before_the_disk_failed_it_is_written_anew(tmp_path: Path) -> None:
    data = data_dir_of("vParquet5", tmp_path / "first")
    with pytempo.open(data) as store:
        before = answers(store)
        (done,) = store.convert()
    again = data_dir_of("vParquet5", tmp_path / "again")
    with pytempo.open(again) as store:
        place = Path("blocks", "single-tenant", done.new.block_id)
        shutil.copytree(data / place, again / place)  # it is on the disk and not in the list
        assert [each.new.block_id for each in store.convert()] == [done.new.block_id]
        assert (len(store.blocks()), answers(store)) == (1, before)


def test_our_own_blocks_are_left_alone(tmp_path: Path) -> None:
    with pytempo.open(data_dir_of("vParquet4", tmp_path)) as store:
        assert (store.outdated_blocks(), list(store.convert())) == ((), [])


def test_a_read_only_store_converts_nothing(tmp_path: Path) -> None:
    with pytempo.open(data_dir_of("vParquet5", tmp_path), read_only=True) as store, pytest.raises(BadConfig, match="read-only"):
        list(store.convert())


def test_the_command_line_converts_a_data_directory(tmp_path: Path) -> None:
    data = data_dir_of("vParquet3", tmp_path)
    told = json.loads(command("blocks", "convert", "--data", str(data), "--json").stdout)
    (done,) = told["converted"]
    assert done["format"] == "vParquet3"
    assert (data / "blocks" / "single-tenant" / done["to"] / "meta.json").exists()
