"""A block is written whole or not at all, with everything that Tempo asks of it."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pytempo.backend import LocalBackend
from pytempo.block import BlockMeta, BloomShard, RowIndex, filenames, id_bloom
from pytempo.block.writer import FAR, BlockOptions, main_range, write_block
from pytempo.errors import Unavailable
from pytempo.model import Level, MemoryBatch
from tests.block.samples import BASE, SMALL_GROUPS, TENANT, batch_of, block_of, the_corpus

ID = uuid.UUID("126ac82b-35fc-49b6-af18-d886ee1be3a9")


class StoppingBackend(LocalBackend):
    """Fails when the file `stop` is to be written."""

    def __init__(self, root: Path, stop: str) -> None:
        super().__init__(root)
        self.stop = stop

    def writer(self, key):  # type: ignore[no-untyped-def]
        if key.endswith("/" + self.stop):
            raise Unavailable(f"{key}: the disk is full")
        return super().writer(key)


def write(backend: LocalBackend, batch: MemoryBatch, options: BlockOptions = SMALL_GROUPS) -> BlockMeta:
    return write_block(backend, TENANT, ID, batch, options=options, sequence=17)


def test_a_block_has_the_files_of_tempos_layout(tmp_path: Path) -> None:
    meta = write(LocalBackend(tmp_path), the_corpus())

    names = sorted(path.name for path in (tmp_path / TENANT / str(ID)).iterdir())
    assert names == ["bloom-0", "checksums", "data.parquet", "index", "meta.json"]
    assert BlockMeta.from_bytes((tmp_path / TENANT / str(ID) / "meta.json").read_bytes(), "meta.json") == meta


def test_the_metadata_says_what_tempo_needs_of_the_file(tmp_path: Path) -> None:
    write(LocalBackend(tmp_path), the_corpus())
    folder = tmp_path / TENANT / str(ID)
    content, document = (folder / "data.parquet").read_bytes(), json.loads((folder / "meta.json").read_bytes())
    footer = pq.read_metadata(folder / "data.parquet")

    assert document["format"] == "vParquet4"
    assert (document["blockID"], document["tenantID"]) == (str(ID), TENANT)
    assert document["replicationFactor"] == 1
    assert document["size"] == len(content)
    assert document["footerSize"] == int.from_bytes(content[-8:-4], "little") == footer.serialized_size
    assert document["totalRecords"] == footer.num_row_groups > 10
    assert document["totalObjects"] == footer.num_rows == 260
    assert document["bloomShards"] == 1
    assert document["dedicatedColumns"] == [{"s": "resource", "n": "host.name"}, {"n": "user.id"}]


def test_the_metadata_has_the_times_of_the_spans(tmp_path: Path) -> None:
    batch = the_corpus()

    meta = write(LocalBackend(tmp_path), batch)

    summary = batch.summary()
    assert (meta.start, meta.end) == (summary.start.min(), summary.end.max())
    assert meta.spans == batch.count(Level.SPAN)
    assert all(meta.overlaps(start, end) for start, end in zip(summary.start.tolist(), summary.end.tolist(), strict=True))


def test_a_clock_that_was_never_set_does_not_stretch_the_block(tmp_path: Path) -> None:
    def in_1970(span, number):  # type: ignore[no-untyped-def]
        if span.trace_id[-1] == 9:
            span.start_time_unix_nano, span.end_time_unix_nano = 5, 7

    meta = write(LocalBackend(tmp_path), batch_of({1: 2, 2: 2, 9: 1}, in_1970))

    assert meta.start == BASE + 10**9
    assert meta.overlaps(6, 6)
    assert not meta.overlaps(8, BASE)


def test_the_main_range_is_that_of_most_traces_and_what_is_not_far_from_them() -> None:
    month = 30 * 86_400 * 10**9
    ranges = [(0, 5), (BASE - month, BASE - month), (BASE, BASE + 9), (BASE + 2 * FAR, BASE + 3 * FAR)]
    starts = np.array([0, 2, BASE - month, BASE, BASE + 2, BASE + 2 * FAR], np.uint64)

    assert main_range(ranges, starts) == (BASE - month, BASE + 9)


def test_every_trace_is_in_its_bloom_shard_and_the_index_has_the_last_ids(tmp_path: Path) -> None:
    options = BlockOptions(row_group_spans=100, bloom_shard_size_bytes=64)
    meta = write(LocalBackend(tmp_path), the_corpus(), options)
    folder, ids = tmp_path / TENANT / str(ID), the_corpus().trace_ids().to_bytes()

    assert meta.bloom_shards > 3
    for number in range(meta.bloom_shards):
        shard = BloomShard.from_bytes((folder / filenames.bloom(number)).read_bytes(), "bloom")
        assert shard.might_hold(ids[id_bloom.shard_of(ids, meta.bloom_shards) == number]).all()
    rows = np.cumsum([group.num_rows for group in row_groups(folder / "data.parquet")])
    assert RowIndex.from_bytes((folder / "index").read_bytes(), "index").last_ids == tuple(bytes(ids[row - 1]) for row in rows)


@pytest.mark.parametrize("stop", ["data.parquet", "bloom-0", "index", "checksums", "meta.json"])
def test_a_write_that_is_cut_short_is_not_seen_and_can_be_made_again(tmp_path: Path, stop: str) -> None:
    with pytest.raises(Unavailable):
        write(StoppingBackend(tmp_path, stop), the_corpus())
    assert not (tmp_path / TENANT / str(ID) / "meta.json").exists()

    meta = write(LocalBackend(tmp_path), the_corpus())

    assert meta.traces == 260


def test_what_an_earlier_attempt_left_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / TENANT / str(ID)
    folder.mkdir(parents=True)
    for name in ("data.parquet", "bloom-7", "data.parquet.1234.pytempo-tmp"):
        (folder / name).write_bytes(b"left over")

    write(LocalBackend(tmp_path), the_corpus())

    assert sorted(path.name for path in folder.iterdir()) == ["bloom-0", "checksums", "data.parquet", "index", "meta.json"]


def test_a_published_block_is_not_written_over(tmp_path: Path) -> None:
    write(LocalBackend(tmp_path), the_corpus())
    before = (tmp_path / TENANT / str(ID) / "data.parquet").stat()

    with pytest.raises(ValueError, match="published already"):
        write(LocalBackend(tmp_path), batch_of({1: 1}))
    assert (tmp_path / TENANT / str(ID) / "data.parquet").stat() == before


def test_a_batch_without_spans_makes_no_block(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without spans"):
        write(LocalBackend(tmp_path), batch_of({}))
    assert list(tmp_path.iterdir()) == []


def test_row_groups_are_cut_between_traces_near_their_size(tmp_path: Path) -> None:
    backend, meta = block_of(tmp_path, batch_of({number: 1 + number % 7 for number in range(1, 200)}), BlockOptions(row_group_spans=50))
    spans = [spans_of(group) for group in row_groups(backend.local_path(f"{TENANT}/{meta.block_id}/data.parquet"))]

    assert sum(spans) == meta.spans
    assert all(40 <= count <= 60 for count in spans)


def test_a_giant_trace_is_one_row_group(tmp_path: Path) -> None:
    backend, meta = block_of(tmp_path, batch_of({1: 30, 2: 500, 3: 30}), BlockOptions(row_group_spans=50))
    spans = [spans_of(group) for group in row_groups(backend.local_path(f"{TENANT}/{meta.block_id}/data.parquet"))]

    assert max(spans) >= 500
    assert sum(spans) == 560


def row_groups(path: Path) -> list[pq.RowGroupMetaData]:
    footer = pq.read_metadata(path)
    return [footer.row_group(number) for number in range(footer.num_row_groups)]


def spans_of(group: pq.RowGroupMetaData) -> int:
    columns = (group.column(number) for number in range(group.num_columns))
    return next(column.num_values for column in columns if column.path_in_schema.endswith(".SpanID"))
