"""Merging blocks changes no answer: not before, not after, not at any moment between, and not after a stop in the middle."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import pytempo
from pytempo import StoreOptions, Unavailable
from pytempo.block import BlockMeta, filenames
from pytempo.block.lineage import arrived_of, sources_of
from pytempo.block.sequence import sequence_of
from pytempo.block.writer import BlockOptions
from pytempo.limits import LimitOptions
from pytempo.maintenance import CompactionOptions, CompactionStep, FlushOptions, Job, Progress, block_id
from pytempo.maintenance.compaction_worker import Worker
from pytempo.model import Level
from tests.building import BASE, SECOND, request, span
from tests.conftest import ROOT
from tests.maintenance.compacting import HERE, QUESTIONS, SMALL, TRACES, answers, compact_steps, fill, open_store, runs, torn
from tests.oracle import payload
from tests.oracle.generate import Generator
from tests.oracle.questions import Questions
from tests.states import Stores, abandon, matched, seal
from tests.waiting import wait_for

PIECES = 4
ROUNDS = int(os.environ.get("PYTEMPO_COMPACTION_ROUNDS", "2"))
"""Random data sets; the long form asks for some hundred."""
GROUPS = BlockOptions(row_group_spans=20)
STEPS = 3 + PIECES
"""Written, published, switched to, and each source retired."""
HOUR = 3600 * SECOND


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_random_spans_in_random_blocks_give_the_same_answers_when_merged(seed: int, tmp_path: Path) -> None:
    """Merged bit by bit: random runs of neighbours, some of them merged before, then all that is left."""
    chance = random.Random(seed)
    asked = Questions(chance, ["ab"])
    with open_store(tmp_path, block=GROUPS) as store:
        fill(store, *(payload.request(spans) for spans in Generator(seed).requests(chance.randint(2, 5))))
        questions = [*QUESTIONS, *(text for text in (asked.query() for _ in range(3)) if is_answered(store, text))]
        wanted = answers(store, questions=questions)
        assert wanted["{}"]
        while len(blocks := store._sources.of("single-tenant")) > 1:
            first = chance.randrange(len(blocks) - 1)
            chosen = {source.name for source in blocks[first : first + chance.randint(2, 4)]}
            others = frozenset(source.name for source in blocks) - chosen
            store._upkeep._waiting = lambda tenant, others=others: others
            store._upkeep._options = replace(HERE, compaction_window=2**62)
            store._upkeep._rules = lambda tenant: pytempo.maintenance.CompactionRules(2**62)
            assert len(store.compact()) <= 2
            if len(store.blocks()) == len(blocks):  # of too different sizes
                break
            assert answers(store, questions=questions) == wanted
    with open_store(tmp_path, read_only=True) as reader:
        assert answers(reader, questions=questions) == wanted


def is_answered(store: pytempo.Store, text: str) -> bool:
    try:
        store.search(text)
    except pytempo.BadQuery:
        return False
    return True


def test_traces_are_joined_and_spans_that_were_sent_again_are_there_once(tmp_path: Path) -> None:
    """S61, over blocks."""
    with open_store(tmp_path) as store:
        fill(store, *torn(PIECES))
        (merged,) = store.compact()
        assert (merged.traces, merged.spans) == (TRACES, TRACES * PIECES)
        assert merged.compaction_level == 1
        assert matched(store) == sorted(f"{piece}" for piece in range(PIECES) for _ in range(TRACES))
        assert store.registry.get_sample_value("tempodb_compaction_blocks_total", {"level": "0"}) == PIECES
        assert store.registry.get_sample_value("tempodb_compaction_objects_combined_total", {"level": "0"}) == TRACES * (PIECES - 1)
        assert store.compact() == ()


def test_a_merged_block_says_what_it_was_made_of(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        fill(store, *torn(3))
        before = sorted(store.blocks(), key=sequence_of)
        (merged,) = store.compact()
        assert sources_of(merged) == tuple(meta.block_id for meta in before)
        assert sequence_of(merged) == sequence_of(before[0])
        assert arrived_of(merged) == max(map(arrived_of, before))
        folder = tmp_path / "blocks" / "single-tenant"
        assert BlockMeta.from_bytes((folder / merged.block_id / "meta.json").read_bytes(), "meta.json") == merged
        assert all((folder / meta.block_id / "meta.compacted.json").is_file() for meta in before)
        assert not list((tmp_path / "compacting").iterdir())


def test_progress_is_told_up_to_the_last_row(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        fill(store, *torn(3))
        told: list[Progress] = []
        store.compact(report=told.append)
        assert told[-1] == Progress("single-tenant", 3, 3 * TRACES, 3 * TRACES)


# Stopped in the middle


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    opened = Stores(tmp_path / "data", options=StoreOptions(flush=FlushOptions(block=SMALL), compaction=HERE))
    yield opened
    opened.close()


@pytest.mark.parametrize("steps", range(STEPS + 1))
def test_stopped_after_any_step_no_span_is_missing_and_none_is_there_twice(stores: Stores, steps: int) -> None:
    fill(stores.store, *torn(PIECES))
    wanted = answers(stores.store)
    compaction = compact_steps(stores.store)
    done = [next(compaction).step for _ in range(steps)]
    assert answers(stores.store) == wanted
    compaction.close()
    published = CompactionStep.PUBLISHED in done
    with open_store(stores.folder, read_only=True) as reader:
        assert answers(reader) == wanted
        assert len(reader.blocks()) == (1 if published else PIECES)
    stores.kill()
    assert answers(stores.store) == wanted
    assert len(stores.store.blocks()) == (1 if published else PIECES)
    stores.store.expire()
    assert len(list(stores.folder.glob("blocks/*/*/meta.json"))) == (1 if published else PIECES)
    assert not list(stores.folder.glob("compacting/*"))
    stores.store.compact()
    assert answers(stores.store) == wanted
    assert len(stores.store.blocks()) == 1


def test_what_was_published_and_then_failed_is_published_by_the_next_attempt(stores: Stores) -> None:
    fill(stores.store, *torn(PIECES))
    wanted = answers(stores.store)
    first = compact_steps(stores.store)
    assert [next(first).step for _ in range(2)] == [CompactionStep.WRITTEN, CompactionStep.PUBLISHED]
    first.close()
    assert [done.step for done in compact_steps(stores.store)].count(CompactionStep.RETIRED) == PIECES
    assert answers(stores.store) == wanted
    assert len(stores.store.blocks()) == 1


def test_what_was_written_and_could_not_be_removed_is_written_anew_by_the_next_attempt(stores: Stores) -> None:
    fill(stores.store, *torn(PIECES))
    wanted = answers(stores.store)
    first = compact_steps(stores.store)
    assert next(first).step is CompactionStep.WRITTEN
    first.close()
    assert list(stores.folder.glob("compacting/*/*/meta.json"))
    assert [done.step for done in compact_steps(stores.store)].count(CompactionStep.RETIRED) == PIECES
    assert answers(stores.store) == wanted
    assert len(stores.store.blocks()) == 1


def test_a_block_whose_segment_is_still_in_the_log_is_not_merged(stores: Stores) -> None:
    """Its presence tells the next start that the segment need not be read again."""
    store = stores.store
    fill(store, *torn(2))
    store.export(torn(1)[0])
    seal(store)
    (segment,) = store._wal.segments()
    kept = segment.path.read_bytes()
    store.flush()
    segment.path.write_bytes(kept)
    stores.kill()
    store = stores.store  # the start deletes the segment, since its block is there
    assert not list(stores.folder.glob("wal/*.wal"))
    wanted = answers(store)
    store.compact()
    abandon(store)
    stores._store = None
    segment.path.write_bytes(kept)  # and now it is there again, though its block was compacted
    assert answers(stores.store) == wanted
    assert len(stores.store._sources.of("single-tenant")) == 1
    assert str(block_id(segment.id, "single-tenant")) in sources_of(stores.store.blocks()[0])


def test_a_segment_that_waits_keeps_its_block_from_being_merged(stores: Stores) -> None:
    store = stores.store
    fill(store, *torn(3))
    store.export(torn(1)[0])
    seal(store)
    store._flusher.stop()
    (segment,) = store._wal.segments()
    assert str(block_id(segment.id, "single-tenant")) in store._upkeep._waiting("single-tenant")
    assert store._upkeep._waiting("single-tenant").isdisjoint(meta.block_id for meta in store.blocks())


def test_a_source_that_goes_while_it_is_merged_makes_the_merge_void(stores: Stores) -> None:
    fill(stores.store, *torn(PIECES))
    compaction = compact_steps(stores.store)
    next(compaction)
    gone = stores.store.blocks()[0]
    stores.store._retention._retire(gone, "for the test")
    with pytest.raises(pytempo.NotFound, match=gone.block_id):
        next(compaction)
    assert len(stores.store.blocks()) == PIECES - 1
    assert not list(stores.folder.glob("compacting/*"))


def test_a_damaged_block_is_left_out_and_the_others_are_merged(stores: Stores) -> None:
    fill(stores.store, *torn(PIECES))
    damaged = stores.store.blocks()[1]
    stores.close()
    path = stores.folder / "blocks" / "single-tenant" / damaged.block_id / filenames.DATA
    content = bytearray(path.read_bytes())
    content[100:3000] = bytes(2900)
    path.write_bytes(content)
    (merged,) = stores.store.compact()
    assert len(sources_of(merged)) == PIECES - 1
    assert stores.store.left_out() == (damaged.block_id,)
    assert path.read_bytes() == content


# Beside queries and ingest


def test_a_query_that_began_before_a_merge_ends_after_the_deletion_of_its_blocks(tmp_path: Path) -> None:
    """It has its sources and has opened none of them: it finds them gone, and asks again."""
    with open_store(tmp_path, replace(HERE, compacted_block_retention=0)) as store:
        fill(store, *torn(PIECES))
        wanted = answers(store)
        before = store._sources.of("single-tenant")
        opened = before[:1]
        assert len(opened[0].trace_ids()) == TRACES
    with open_store(tmp_path, replace(HERE, compacted_block_retention=0)) as store:
        sources = [store._sources.of("single-tenant")]
        read = store._read
        store._read = lambda tenant: sources.pop() if sources else read(tenant)  # type: ignore[method-assign]
        store.compact()
        store.expire()
        assert len(list((tmp_path / "blocks" / "single-tenant").iterdir())) == 1
        assert matched(store) == sorted(f"{piece}" for piece in range(PIECES) for _ in range(TRACES))
        assert sources == []
        assert answers(store) == wanted


def test_a_reader_of_another_process_follows_what_the_writer_merges_and_deletes(tmp_path: Path) -> None:
    with open_store(tmp_path, replace(HERE, compacted_block_retention=0)) as store:
        fill(store, *torn(PIECES))
        with open_store(tmp_path, read_only=True) as reader:
            wanted = answers(store)
            store.compact()
            store.expire()
            assert answers(reader) == wanted


def test_queries_and_exports_go_on_beside_merges(tmp_path: Path) -> None:
    """A trace that every export adds a span to: each answer holds all that was acknowledged before, each span once."""
    busy = CompactionOptions(compaction_cycle=SECOND // 1000, compacted_block_retention=0, worker_process=False, min_input_blocks=2)
    with open_store(tmp_path, busy) as store:
        acknowledged, enough = [0], threading.Event()

        def export() -> None:
            for number in range(1, 20):
                store.export(request(span("x", trace=7, id=number), span("y", trace=1000 + number)).SerializeToString())
                acknowledged[0] = number
                store.flush()
            enough.set()

        thread = threading.Thread(target=export)
        thread.start()
        while not enough.is_set():
            least = acknowledged[0]
            found = store.trace("7")
            count = 0 if found is None else found.batch.count(Level.SPAN)
            assert least <= count <= acknowledged[0] + 1
            assert len(matched(store, '{ name = "x" }')) >= least
        thread.join()
        wait_for(lambda: len(store.blocks()) < 10)
        assert len(matched(store)) == 2 * 19


# The worker


def test_the_worker_writes_what_this_process_would(tmp_path: Path) -> None:
    with open_store(tmp_path / "here") as store:
        fill(store, *torn(3))
        wanted = answers(store)
    with open_store(tmp_path / "here", replace(HERE, worker_process=True)) as store:
        told: list[Progress] = []
        (merged,) = store.compact(report=told.append)
        assert told[-1].merged == told[-1].traces == 3 * TRACES
        assert answers(store) == wanted
        assert merged.spans == 3 * TRACES


def test_a_worker_that_dies_leaves_the_blocks_as_they_were_and_the_next_job_gets_another(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        fill(store, *torn(3))
        job = Job.of(sorted(store.blocks(), key=sequence_of), SMALL)
        with Worker(store._sources.blocks) as worker:

            def kill(rows: int) -> None:
                assert worker._process is not None
                worker._process.send_signal(signal.SIGKILL)
                worker._process.wait()

            big = replace(job, options=replace(SMALL, row_group_spans=1))
            process = worker._running()
            process.kill()
            process.wait()
            with pytest.raises(Unavailable, match="ended with status -9"):
                worker.carry_out(big, kill)
            assert worker.carry_out(job, lambda rows: None).spans == 3 * TRACES
        assert len(store.blocks()) == 3


PARENT = """
import sys
from pathlib import Path
from tests.maintenance.compacting import *
from pytempo.maintenance.compaction_worker import Worker
with open_store(Path(sys.argv[1])) as store:
    worker = Worker(store._sources.blocks)
    print(worker._running().pid, flush=True)
    sys.stdin.read()
"""


def test_the_worker_does_not_outlive_its_parent(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    wait_for(lambda: not is_running(worker))


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended; nobody may have asked for its status yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


# Which blocks


def at(hour: int, *, trace: int | None = None) -> bytes:
    return request(span("x", start=BASE // HOUR * HOUR + hour * HOUR, trace=trace)).SerializeToString()


def test_blocks_of_one_window_are_merged_and_those_of_another_are_not(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        fill(store, at(0), at(0), at(1), at(1), at(2))
        order = [source.name for source in store._sources.of("single-tenant")]
        assert sorted(map(sorted, runs(store))) == sorted([sorted(order[:2]), sorted(order[2:4])])


def test_a_tenant_may_have_a_window_of_its_own_or_none_at_all(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.limits.replace({"wide": LimitOptions(compaction_window=2**62), "still": LimitOptions(compaction_disabled=True)})
        for tenant in ("wide", "still", "single-tenant"):
            fill(store, at(0), at(1), tenant=tenant)
        assert [meta.tenant for meta in store.compact()] == ["wide"]
        assert store._upkeep._is_off("still")


def test_a_window_that_still_fills_waits_for_enough_blocks(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        fill(store, at(0), at(0), at(0))
        filling = {"now": BASE // HOUR * HOUR + HOUR // 2, "everything": False}
        assert runs(store, **filling) == []
        fill(store, at(0))
        assert [len(run) for run in runs(store, **filling)] == [4]
        assert [len(run) for run in runs(store, now=BASE + 2 * HOUR, everything=False)] == [4]


def test_blocks_move_past_another_only_where_they_share_no_trace(tmp_path: Path) -> None:
    with open_store(tmp_path / "apart") as store:
        fill(store, at(0), at(5), at(0))
        assert [len(run) for run in runs(store)] == [2]
    with open_store(tmp_path / "shared") as store:
        fill(store, at(0), at(5, trace=3), at(0, trace=3))
        assert runs(store) == []


def test_a_large_block_is_not_written_again_for_a_small_one(tmp_path: Path) -> None:
    large = request(*(span("x", attributes={"filler": os.urandom(200).hex()}) for _ in range(600))).SerializeToString()
    with open_store(tmp_path) as store:
        fill(store, large, *torn(1))
        assert runs(store) == []


def test_a_block_with_a_flag_is_never_merged(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        fill(store, *torn(3))
        flagged = sorted(store.blocks(), key=sequence_of)[0]
        (tmp_path / "blocks" / "single-tenant" / flagged.block_id / filenames.NO_COMPACT).touch()
        (merged,) = store.compact()
        assert flagged.block_id not in sources_of(merged)
        assert flagged in store.blocks()


def test_limits_on_bytes_and_traces_are_kept(tmp_path: Path) -> None:
    with open_store(tmp_path, replace(HERE, max_compaction_objects=2 * TRACES)) as store:
        fill(store, *torn(5))
        assert sorted(len(run) for run in runs(store)) == [2, 2]
