"""A block answers scans and ids by the row groups that hold what is wanted, also while it is being deleted and from several threads."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pytempo.backend import LocalBackend
from pytempo.block.checked_file import CheckedFile
from pytempo.block.opened import KeptBlocks, read_checksums
from pytempo.block.source import BlockSource
from pytempo.block.vparquet4 import LEAVES, paths
from pytempo.block.vparquet4.data_file import DataFile
from pytempo.block.writer import BlockOptions
from pytempo.errors import Damaged, NotFound
from pytempo.model import AttributeName, Batch, Condition, Level, Scan, TraceIds
from tests.block.samples import BASE, TENANT, batch_of, block_of, row_groups, source_of, the_corpus
from tests.comparing import as_dicts, plain

ABSENT = TraceIds.of(bytes(15) + b"\x01")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blocks")


@pytest.fixture(scope="module")
def source(root: Path) -> BlockSource:
    return source_of(root, the_corpus())


def fresh(source: BlockSource, root: Path) -> BlockSource:
    """The same block, nothing of it opened yet."""
    return BlockSource(LocalBackend(root), source.meta)


def traces(batches: list[Batch]) -> set[str]:
    return {ids.hex(row) for ids in (batch.trace_ids() for batch in batches) for row in range(len(ids))}


def test_a_source_says_who_it_is(source: BlockSource) -> None:
    assert source.name == source.meta.block_id
    assert source.sequence == 17
    assert source.touches(BASE, BASE + 1800 * 10**9)
    assert not source.touches(0, BASE - 10**9)


def test_a_block_of_another_writer_counts_as_filled_at_its_end(source: BlockSource, root: Path) -> None:
    theirs = replace(source.meta, extra={})

    assert fresh(source, root).sequence == 17
    assert BlockSource(None, theirs).sequence == theirs.end  # type: ignore[arg-type]


def test_only_the_times_of_our_own_blocks_say_that_nothing_is_newer(source: BlockSource, root: Path) -> None:
    """Tempo gives a block the times of its arrival where those of its spans are far from them."""
    assert source.ends_before(source.meta.end + 1)
    assert not source.ends_before(source.meta.end)
    assert not BlockSource(LocalBackend(root), replace(source.meta, exact=False)).ends_before(source.meta.end + 10**18)


def test_all_row_groups_together_are_the_block(source: BlockSource) -> None:
    batches = row_groups(source)

    assert len(batches) == source.meta.row_groups > 10
    assert {key: span for batch in batches for key, span in as_dicts(batch).items()} == as_dicts(the_corpus())


def test_the_ids_of_a_block_ascend(source: BlockSource) -> None:
    ids, wanted = source.trace_ids(), the_corpus().trace_ids()

    assert ids.to_bytes().tobytes() == wanted.to_bytes().tobytes()
    assert source.trace_ids() is ids


@pytest.mark.parametrize("known", [False, True], ids=["ids not read yet", "ids known"])
def test_an_id_is_found_in_its_row_group_only(source: BlockSource, root: Path, known: bool) -> None:
    opened = fresh(source, root)
    if known:
        opened.trace_ids()
    ids = the_corpus().trace_ids()
    for row in range(0, len(ids), 13):
        wanted = ids.take([row])

        (batch,) = opened.batches_of(wanted, Scan())
        (scanned,) = opened.batches(Scan(traces=wanted.to_bytes().tobytes()))

        assert ids.hex(row) in traces([batch]) == traces([scanned])


@pytest.mark.parametrize("known", [False, True], ids=["ids not read yet", "ids known"])
def test_an_absent_id_is_in_no_row_group(source: BlockSource, root: Path, known: bool) -> None:
    opened = fresh(source, root)
    if known:
        opened.trace_ids()

    assert list(opened.batches_of(ABSENT, Scan())) == []
    assert list(opened.batches(Scan(traces=ABSENT.to_bytes().tobytes()))) == []


def test_several_ids_are_found_in_all_their_row_groups(source: BlockSource) -> None:
    ids = the_corpus().trace_ids()
    wanted = TraceIds.concat([ABSENT, ids.take([0, 1, 130, 259])])

    batches = list(source.batches_of(wanted, Scan()))

    assert len(batches) == 3
    assert {ids.hex(row) for row in (0, 1, 130, 259)} <= traces(batches)


def test_ids_are_found_in_a_block_without_its_bloom_filters(tmp_path: Path) -> None:
    backend, meta = block_of(tmp_path, the_corpus())
    (tmp_path / TENANT / meta.block_id / "bloom-0").unlink()
    ids = the_corpus().trace_ids()

    assert len(list(BlockSource(backend, meta).batches_of(ids.take([7]), Scan()))) == 1


@pytest.mark.parametrize("name", ["bloom-0", "checksums"])
@pytest.mark.parametrize("injury", ["missing", "empty", "garbage", "a bit flipped"])
def test_a_damaged_filter_or_file_of_checksums_is_reported_and_costs_no_trace(tmp_path: Path, name: str, injury: str) -> None:
    backend, meta = block_of(tmp_path, the_corpus())
    file = tmp_path / TENANT / meta.block_id / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.unlink()
    if injury != "missing":
        file.write_bytes({"empty": b"", "garbage": b"nothing\n", "a bit flipped": bytes(content)}[injury])
    reported: list[tuple[str, str]] = []
    source = BlockSource(backend, meta, lambda block, error: reported.append((block, error.path)))
    ids = the_corpus().trace_ids()

    assert all(len(list(source.batches_of(ids.take([row]), Scan()))) == 1 for row in range(0, len(ids), 20))
    assert reported == [(meta.block_id, str(file))]


@pytest.mark.parametrize("part", ["footer", "bloom filter", "page header", "page", "page index"])
def test_a_bit_flipped_anywhere_in_the_rows_is_found_and_named(tmp_path: Path, part: str) -> None:
    """Page checksums alone would see one of these."""
    backend, meta = block_of(tmp_path, the_corpus())
    file = tmp_path / TENANT / meta.block_id / "data.parquet"
    chunk = pq.read_metadata(file).row_group(0).column(list(LEAVES).index(paths.SPAN_ATTRIBUTES.value))
    content = bytearray(file.read_bytes())
    place = {
        "footer": len(content) - 500,
        "bloom filter": chunk.bloom_filter_offset + chunk.bloom_filter_length - 1,
        "page header": chunk.data_page_offset + 1,
        "page": chunk.data_page_offset + chunk.total_compressed_size - 1,
        "page index": len(content) - meta.footer_size - 20,
    }[part]
    content[place] ^= 0x20
    file.write_bytes(content)
    scan = Scan(conditions=(Condition(AttributeName(Level.SPAN, "user.id"), "=", "u-7"),), all_conditions=True)

    def read() -> None:
        for batch in BlockSource(backend, meta).batches(scan):
            as_dicts(batch)
        CheckedFile(backend.open(f"{TENANT}/{meta.block_id}/data.parquet"), read_checksums(backend, meta)).read(place, 1)

    with pytest.raises(Damaged, match=r"data\.parquet at byte \d+: the checksum differs"):
        read()


def test_rows_of_another_size_than_their_checksums_are_damaged(tmp_path: Path) -> None:
    backend, meta = block_of(tmp_path, the_corpus())
    file = tmp_path / TENANT / meta.block_id / "data.parquet"
    file.write_bytes(file.read_bytes()[:-1])

    with pytest.raises(Damaged, match=r"data\.parquet: has \d+ bytes, \d+ were written"):
        list(BlockSource(backend, meta).batches(Scan()))


def test_row_groups_outside_of_the_time_range_are_left_out(tmp_path: Path) -> None:
    source = source_of(tmp_path, batch_of(dict.fromkeys(range(1, 41), 10)), BlockOptions(row_group_spans=100))
    second = 10**9

    batches = list(source.batches(Scan(start=BASE + 12 * second, end=BASE + 13 * second)))

    assert len(batches) == 1
    assert f"{12:032x}" in traces(batches)
    assert list(source.batches(Scan(end=BASE))) == []
    assert len(list(source.batches(Scan(start=BASE + 40 * second + 10**6)))) == 1


def test_what_a_scan_names_is_read_in_one_go(source: BlockSource, root: Path) -> None:
    columns = frozenset({(Level.SPAN, "name"), (Level.TRACE, "start")})
    scan = Scan(columns=columns, attributes=frozenset({AttributeName(Level.SPAN, "user.id")}))
    batch = next(iter(fresh(source, root).batches(scan)))
    assert batch.bytes_read == 0  # type: ignore[attr-defined]

    batch.stored(Level.SPAN, "name")
    read = batch.bytes_read  # type: ignore[attr-defined]
    batch.column(Level.TRACE, "start")
    batch.values(Level.SPAN, "user.id")

    assert 0 < read == batch.bytes_read  # type: ignore[attr-defined]
    batch.stored(Level.SPAN, "status_message")
    assert batch.bytes_read > read  # type: ignore[attr-defined]


def test_of_a_row_group_alone_nothing_is_read_that_is_kept_of_all(source: BlockSource, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = frozenset({(Level.TRACE, "start"), (Level.RESOURCE, "service_name"), (Level.SPAN, "name"), (Level.SPAN, "duration")})
    block, scan = BlockSource(LocalBackend(root), source.meta, kept=KeptBlocks()), Scan(columns=columns)

    def shown(batch: Batch) -> list[object]:
        return [*(plain(batch.column(*column)) for column in sorted(columns)), batch.trace_of_span().tolist(), batch.count(Level.SPAN)]

    wanted = block.trace_ids().slice(3, 30)
    expected = [shown(batch) for batch in source.batches_of(wanted, scan)]
    for batch in block.batches(scan):
        shown(batch)

    def refuse(*_: object) -> None:
        raise AssertionError("something is read")

    monkeypatch.setattr(DataFile, "read", refuse)
    assert len(expected) > 1
    assert [shown(batch) for batch in block.batches_of(wanted, scan)] == expected


def test_a_query_goes_on_while_its_block_is_deleted(tmp_path: Path) -> None:
    source = source_of(tmp_path, the_corpus())
    batches = source.batches(Scan())
    first = next(batches)
    first.count(Level.SPAN)

    shutil.rmtree(tmp_path / TENANT)

    found = {key: span for batch in [first, *batches] for key, span in as_dicts(batch).items()}
    assert found == as_dicts(the_corpus())
    assert len(list(source.batches_of(the_corpus().trace_ids().take([3]), Scan()))) == 1


def test_a_block_that_is_gone_before_it_was_opened_is_not_found(tmp_path: Path) -> None:
    source = source_of(tmp_path, the_corpus())
    shutil.rmtree(tmp_path / TENANT)

    with pytest.raises(NotFound, match=r"data\.parquet"):
        list(source.batches(Scan()))
    with pytest.raises(NotFound, match=r"data\.parquet"):
        source.trace_ids()


def test_several_threads_read_one_block(source: BlockSource, root: Path) -> None:
    opened = fresh(source, root)
    wanted = as_dicts(the_corpus())

    def read(first: int) -> bool:
        batches = list(opened.batches(Scan()))[first::5]
        return all(wanted[key] == span for batch in batches for key, span in as_dicts(batch).items())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(read, [0, 1, 0, 1, 2, 2]))


def test_several_threads_read_one_batch(source: BlockSource) -> None:
    batch = next(iter(source.batches(Scan())))

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: as_dicts(batch), range(4)))
    assert all(answer == answers[0] for answer in answers)


def test_only_the_blocks_that_were_read_last_are_kept_open(source: BlockSource, root: Path) -> None:
    kept = KeptBlocks(most=2)
    blocks = [BlockSource(LocalBackend(root), source.meta, kept=kept) for _ in range(4)]

    for block in blocks:
        assert traces(list(block.batches(Scan()))) == traces(list(source.batches(Scan())))

    assert [block.opened is not None for block in blocks] == [False, False, True, True]
    assert len(kept) == 2


def test_a_question_goes_on_when_its_block_is_let_go_of_between_two_row_groups(source: BlockSource, root: Path) -> None:
    kept = KeptBlocks(most=1)
    block, other = (BlockSource(LocalBackend(root), source.meta, kept=kept) for _ in range(2))
    batches = block.batches(Scan())
    first = next(batches)

    assert len(other.trace_ids())
    assert block.opened is None
    assert traces([first, *batches]) == traces(list(source.batches(Scan())))
