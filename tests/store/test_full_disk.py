"""A disk that is really full (S58): refusals that may be sent again, answers all the while, nothing lost, and healing without a restart."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

import grpc
import httpx
import pytest

import pytempo
from pytempo import BadConfig, StoreOptions, Unavailable
from pytempo.blocklist import BlockList
from pytempo.maintenance import CompactionOptions
from pytempo.maintenance.verify import Report, verify
from pytempo.wal import WalView
from tests.server.conftest import EXPORT
from tests.servers import serve
from tests.store.conftest import OpenStore, found, metric, named
from tests.waiting import wait_for

DISK_BYTES = 4 << 20
RESERVE_BYTES = 5 << 19
PAYLOAD_BYTES = 100_000
MERGED_BLOCKS = 4


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a small file system: {mounted.stderr.strip()}")
    yield folder
    gc.collect()  # errors that were looked at hold what was open when they were raised
    subprocess.run(["umount", str(folder)], check=True)  # fails while a file is open


@pytest.fixture
def free_room(disk: Path) -> Callable[[], None]:
    """More than half of the disk is taken up by a file of somebody else; the call deletes it."""
    reserve = disk / "reserve"
    reserve.write_bytes(os.urandom(RESERVE_BYTES))
    return reserve.unlink


@pytest.fixture
def data(disk: Path, free_room: Callable[[], None]) -> Path:
    """The data directory, with less than half of the disk to itself."""
    return disk / "data"


def large(number: int) -> tuple[str, bytes]:
    """A name, and a request with one span of that name which no compression makes much smaller."""
    name = f"{number:03d}"
    return name, named(name, filler=os.urandom(PAYLOAD_BYTES // 2).hex())


def fill(export: Callable[[bytes], object]) -> list[str]:
    """Export until the disk takes no more, in ever smaller pieces; returns what was acknowledged."""
    acknowledged: list[str] = []
    for number in range(1000):
        name, payload = large(number)
        try:
            export(payload)
        except (Unavailable, grpc.RpcError, httpx.HTTPStatusError):
            return acknowledged
        acknowledged.append(name)
    raise AssertionError("the disk is never full")


def test_exports_are_refused_and_writing_heals_by_itself(open_store: OpenStore, free_room: Callable[[], None]) -> None:
    store = open_store()
    acknowledged = fill(store.export)
    for _ in range(3):
        with pytest.raises(Unavailable, match=r"No space left on device \(ENOSPC\); nothing was kept, send it again later"):
            store.export(large(999)[1])
    assert len(acknowledged) > 10
    assert found(store) == acknowledged
    free_room()
    store.export(named("after"))
    assert found(store) == [*acknowledged, "after"]
    store.close()
    assert found(open_store()) == [*acknowledged, "after"]


def test_a_block_that_does_not_fit_is_cut_when_there_is_room(data: Path, open_store: OpenStore, free_room: Callable[[], None]) -> None:
    store = open_store()
    acknowledged = fill(store.export)
    with pytest.raises(Unavailable, match="No space left on device"):
        store.flush()
    assert found(store) == acknowledged
    assert store.blocks() == ()
    free_room()
    wait_for(store.blocks)  # by itself
    wait_for(lambda: not list((data / "wal").glob("*.wal")))
    assert found(store) == acknowledged
    assert [block.traces for block in store.blocks()] == [len(acknowledged)]
    store.export(named("after"))
    assert found(store) == [*acknowledged, "after"]


def test_a_start_on_a_full_disk_serves_what_is_there(data: Path, open_store: OpenStore, free_room: Callable[[], None]) -> None:
    store = open_store()
    acknowledged = fill(store.export)
    store.close()
    take_what_is_left(data.parent)
    again = open_store()
    assert again.not_ready() is None
    assert found(again) == acknowledged
    with pytest.raises(Unavailable):
        again.export(large(999)[1])
    wait_for(lambda: metric(again, "tempo_ingester_failed_flushes_total"))
    free_room()
    again.flush()
    again.export(named("after"))
    assert found(again) == [*acknowledged, "after"]
    assert findings(data) == []


def test_a_merge_that_does_not_fit_fails_and_is_made_when_there_is_room(
    data: Path, open_store: OpenStore, free_room: Callable[[], None]
) -> None:
    store = open_store(options=StoreOptions(compaction=CompactionOptions(disabled=True)))
    acknowledged = []
    for number in range(MERGED_BLOCKS):
        name, payload = large(number)
        store.export(payload)
        store.flush()
        acknowledged.append(name)
    before = store.blocks()
    take_what_is_left(data.parent, leave=PAYLOAD_BYTES)
    for attempt in (1, 2):
        with pytest.raises(Unavailable, match="No space left on device"):
            store.compact()
        assert metric(store, "tempodb_compaction_errors_total") == attempt
        assert (store.blocks(), found(store)) == (before, acknowledged)
        assert not list((data / "compacting").glob("**/*.parquet*"))
    assert findings(data) == []
    free_room()
    (merged,) = store.compact()
    assert (store.blocks(), merged.traces) == ((merged,), MERGED_BLOCKS)
    assert found(store) == acknowledged
    store.close()
    assert found(open_store()) == acknowledged
    assert findings(data) == []


def test_a_new_directory_on_a_full_disk_is_refused_with_the_reason(disk: Path, free_room: Callable[[], None]) -> None:
    take_what_is_left(disk)
    with pytest.raises(BadConfig, match="No space left on device"):
        pytempo.open(disk / "new")
    free_room()
    pytempo.open(disk / "new").close()


def test_a_server_refuses_retryably_over_grpc_and_http(data: Path, free_room: Callable[[], None]) -> None:
    with serve(data) as server, grpc.insecure_channel(server.otlp_grpc_address) as channel, httpx.Client(timeout=30) as http:
        call = channel.unary_unary(EXPORT, request_serializer=None, response_deserializer=None)

        def export_over_http(payload: bytes) -> httpx.Response:
            return http.post(f"{server.otlp_http_url}/v1/traces", content=payload, headers={"content-type": "application/x-protobuf"})

        def names() -> list[str]:
            found = http.get(f"{server.http_url}/api/search", params={"q": "{}", "limit": 1000}).raise_for_status()
            return sorted(trace["rootTraceName"] for trace in found.json()["traces"])

        acknowledged = fill(lambda payload: call(payload, timeout=30))
        with pytest.raises(grpc.RpcError) as raised:
            call(large(999)[1], timeout=30)
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "No space left" in raised.value.details()
        refused = export_over_http(large(999)[1])
        assert refused.status_code == 503
        assert b"No space left" in refused.content
        assert http.post(f"{server.http_url}/flush").status_code == 503
        assert http.get(f"{server.http_url}/ready").status_code == 200
        assert names() == acknowledged
        free_room()
        assert export_over_http(named("over http")).status_code == 200
        call(named("over grpc"), timeout=30)
        assert http.post(f"{server.http_url}/flush").is_success
        assert names() == [*acknowledged, "over grpc", "over http"]
        server.kill()
    with pytempo.open(data) as store:
        assert found(store) == [*acknowledged, "over grpc", "over http"]
    assert findings(data) == []


def findings(data: Path) -> list[str]:
    """What `pytempo blocks verify` finds in a data directory."""
    report, logger = Report(), logging.getLogger("pytempo.test")
    blocks = BlockList.open(data / "blocks", data / "damaged", logger, read_only=True)
    for _ in verify(blocks, WalView(data / "wal", logger=logger), report):
        continue
    return [finding.cause for finding in report.findings]


def take_what_is_left(folder: Path, leave: int = 0) -> None:
    """Fill a disk to its last byte, or but for so many."""
    with open(folder / "last bytes", "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            with pytest.raises(OSError, match="No space left"):
                write_for_ever(file, b"x" * size)
        file.truncate(file.tell() - leave)


def write_for_ever(file: FileIO, piece: bytes) -> None:
    """Write until an error ends it."""
    while True:
        file.write(piece)
