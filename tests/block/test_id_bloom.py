"""The id bloom filter: Tempo's bytes, no false negative, the hash equal to the one of the reference library."""

from __future__ import annotations

import math
from pathlib import Path

import mmh3
import numpy as np
import pytest

from pytempo.block import id_bloom
from pytempo.block.id_bloom import BloomShard, Ids, build, shard_of
from pytempo.errors import Damaged

GOLDEN = Path(__file__).parents[1] / "golden"
GOLDEN_BLOCK = next((GOLDEN / "vParquet4" / "single-tenant").iterdir())
PATH = "t/b/bloom-0"


def random_ids(count: int, seed: int = 0) -> Ids:
    return np.random.default_rng(seed).integers(0, 256, (count, 16), np.uint8)


def golden_ids() -> Ids:
    return np.frombuffer(bytes.fromhex((GOLDEN / "vparquet4-trace-ids.txt").read_text()), np.uint8).reshape(-1, 16)


def words_by_definition(id: bytes) -> list[int]:
    return [*mmh3.hash64(id, 0, True, signed=False), *mmh3.hash64(id + b"\x01", 0, True, signed=False)]


def bits_by_definition(id: bytes, m: int, k: int) -> list[int]:
    h = words_by_definition(id)
    return [(h[i % 2] + i * h[2 + ((i + i % 2) % 4) // 2]) % 2**64 % m for i in range(k)]


def fnv1(id: bytes) -> int:
    hash = 2166136261
    for byte in id:
        hash = hash * 16777619 % 2**32 ^ byte
    return hash


def test_the_file_of_a_real_tempo_is_made_again_byte_for_byte() -> None:
    assert build(golden_ids()) == [(GOLDEN_BLOCK / "bloom-0").read_bytes()]


def test_a_real_tempos_file_holds_its_ids_and_hardly_another() -> None:
    shard = BloomShard.from_bytes((GOLDEN_BLOCK / "bloom-0").read_bytes(), PATH)

    assert (shard.m, shard.k) == (819200, 7)
    assert shard.might_hold(golden_ids()).all()
    assert not shard.might_hold(random_ids(1000)).any()


def test_hashes_on_arrays_equal_the_reference_for_16_and_17_bytes() -> None:
    ids = np.vstack([random_ids(2000), np.zeros((1, 16), np.uint8), np.full((1, 16), 255, np.uint8)])

    expected = [words_by_definition(id.tobytes()) for id in ids]

    assert id_bloom._hashes(ids).tolist() == expected


@pytest.mark.parametrize("k", [1, 2, 3, 4, 7, 10])
def test_bits_on_arrays_equal_the_definition(k: int) -> None:
    ids = random_ids(200)

    assert id_bloom._bits(ids, 819200, k).tolist() == [bits_by_definition(id.tobytes(), 819200, k) for id in ids]


def test_the_shard_of_an_id_is_its_fnv1_hash() -> None:
    ids = random_ids(500)

    assert shard_of(ids, 7).tolist() == [fnv1(id.tobytes()) % 7 for id in ids]


def test_ids_are_spread_over_as_many_shards_as_their_number_needs() -> None:
    ids = random_ids(20_000)
    bits = math.ceil(-20_000 * math.log(0.01) / math.log(2) ** 2)

    files = build(ids, shard_bytes=8192)

    assert len(files) == math.ceil(bits / (8192 * 8))
    shards = [BloomShard.from_bytes(file, PATH) for file in files]
    of_id = shard_of(ids, len(files))
    for number, shard in enumerate(shards):
        assert shard.might_hold(ids[of_id == number]).all()


def test_about_one_absent_id_in_a_hundred_might_be_there() -> None:
    ids, absent = random_ids(6800), random_ids(20_000, seed=1)  # fills a shard of 8 KiB
    (file,) = build(ids, shard_bytes=8192)

    assert BloomShard.from_bytes(file, PATH).might_hold(absent).mean() < 0.02


def test_a_block_without_traces_has_one_empty_shard() -> None:
    (file,) = build(random_ids(0))

    assert len(file) == 24 + id_bloom.SHARD_BYTES
    assert not BloomShard.from_bytes(file, PATH).might_hold(random_ids(100)).any()


def test_ids_need_not_be_contiguous() -> None:
    wide = random_ids(100).repeat(2, axis=0)[::2]

    assert build(wide) == build(np.ascontiguousarray(wide))


def test_one_id_is_asked_like_many() -> None:
    ids = random_ids(10)
    shard = BloomShard.from_bytes(build(ids)[0], PATH)

    assert shard.might_hold(ids[3:4]).tolist() == [True]


def header(m: int, k: int, length: int) -> bytes:
    return np.array([m, k, length], ">u8").tobytes()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        header(64, 7, 64),
        header(64, 7, 128) + bytes(8),
        header(0, 7, 0),
        header(64, 0, 64) + bytes(8),
        header(64, 7, 64) + bytes(9),
    ],
)
def test_a_file_that_contradicts_its_header_is_damage(content: bytes) -> None:
    with pytest.raises(Damaged, match=f"^{PATH}"):
        BloomShard.from_bytes(content, PATH)


def test_ids_may_come_piece_by_piece() -> None:
    ids = np.random.default_rng(3).integers(0, 256, (5000, 16), np.uint8)
    builder = id_bloom.BloomBuilder(len(ids), 1024)
    for piece in np.array_split(ids, 7):
        builder.add(piece)
    assert builder.files() == id_bloom.build(ids, 1024)
