"""Tempo's bloom filter over trace ids: building the `bloom-N` files of a block and testing ids against one of them.

    bloom-N:  m  | k  | m  | words ...        big-endian u64 each; bit b of the filter is bit (b mod 64) of word (b div 64)
    shard of an id: FNV-1 (32 bit) of its 16 bytes, modulo the number of shards
    bits of an id:  (h1, h2) = MurmurHash3 x64 128 of the id, (h3, h4) = the same of the id and a byte 0x01;
                    for i in 0..k-1: (h[i mod 2] + i * h[2 + ((i + i mod 2) mod 4) div 2]) mod 2^64 mod m

All of it runs on whole arrays of ids. A filter says "maybe" or "certainly not", never "yes".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pytempo.errors import Damaged

Ids = NDArray[np.uint8]
"""Trace ids, shape (traces, 16)."""

SHARD_BYTES = 100 * 1024
"""Size of each shard's bits: Tempo's default. A bigger one means fewer files and more to fetch for one lookup."""

FALSE_POSITIVE_RATE = 0.01
"""Share of absent ids that are answered "maybe"; Tempo's default, its partner is `SHARD_BYTES`."""

MOST_SHARDS = 1000

_HEADER = 24


class BloomBuilder:
    """The `bloom-N` files of a block that takes in its trace ids piece by piece; memory is that of the files."""

    def __init__(self, traces: int, shard_bytes: int = SHARD_BYTES, false_positive_rate: float = FALSE_POSITIVE_RATE) -> None:
        """`traces` is how many distinct ids there will be, at most; fewer cost some bytes and nothing else."""
        self._shards, self._k = _sizes(traces, shard_bytes, false_positive_rate)
        self._m = shard_bytes * 8
        self._bits = np.zeros((self._shards, -(-self._m // 64) * 8), np.uint8)

    def add(self, ids: Ids) -> None:
        """Take in ids, shape (traces, 16)."""
        bits = _bits(ids, self._m, self._k)
        shard = shard_of(ids, self._shards)[:, np.newaxis]
        masks = np.left_shift(np.uint8(1), (bits & np.uint64(7)).astype(np.uint8))
        np.bitwise_or.at(self._bits, (np.broadcast_to(shard, bits.shape), bits >> np.uint64(3)), masks)

    def files(self) -> list[bytes]:
        """The content of `bloom-0`, `bloom-1`, ..., byte for byte as Tempo makes it for so many traces."""
        header = np.array([self._m, self._k, self._m], ">u8").tobytes()
        return [header + shard.view("<u8").astype(">u8").tobytes() for shard in self._bits]


def build(ids: Ids, shard_bytes: int = SHARD_BYTES, false_positive_rate: float = FALSE_POSITIVE_RATE) -> list[bytes]:
    """The content of `bloom-0`, `bloom-1`, ... for the trace ids of a block, shape (traces, 16)."""
    builder = BloomBuilder(len(ids), shard_bytes, false_positive_rate)
    builder.add(ids)
    return builder.files()


def shard_of(ids: Ids, shards: int) -> NDArray[np.uint32]:
    """Which shard each id belongs to, shape (traces,)."""
    if shards == 1:
        return np.zeros(len(ids), np.uint32)
    hash = np.full(len(ids), 2166136261, np.uint32)
    for column in ids.T:
        hash = (hash * np.uint32(16777619)) ^ column
    return hash % np.uint32(shards)


@dataclass(frozen=True, slots=True)
class BloomShard:
    """One `bloom-N` file, ready to be asked."""

    m: int
    """Bits of the filter."""

    k: int
    """Bits set for each id."""

    words: NDArray[np.uint64]
    """The bits, shape (ceil(m / 64),)."""

    @classmethod
    def from_bytes(cls, data: bytes, path: str) -> BloomShard:
        """Read a file's content; raises `Damaged` (naming `path`) if its length and its header do not agree."""
        if len(data) < _HEADER:
            raise Damaged(path, f"{len(data)} bytes are too short for a bloom filter, its header alone has {_HEADER}")
        m, k, length = (int(number) for number in np.frombuffer(data, ">u8", 3))
        words = -(-m // 64)
        if m == 0 or k == 0 or length != m or len(data) != _HEADER + 8 * words:
            raise Damaged(path, f"a bloom filter of {m} bits, {k} an id, does not have {length} bits in {len(data)} bytes", 0)
        return cls(m, k, np.frombuffer(data, ">u8", offset=_HEADER).astype(np.uint64))

    def might_hold(self, ids: Ids) -> NDArray[np.bool_]:
        """For each id of this shard, shape (ids, 16): False when the block certainly does not hold it."""
        bits = _bits(ids, self.m, self.k)
        found = (self.words[bits >> np.uint64(6)] >> (bits & np.uint64(63))) & np.uint64(1)
        return np.asarray(found.all(axis=1))


def _sizes(traces: int, shard_bytes: int, false_positive_rate: float) -> tuple[int, int]:
    """Number of shards and bits per id."""
    traces = max(traces, 1)
    bits = math.ceil(-traces * math.log(false_positive_rate) / math.log(2) ** 2)
    shards = math.ceil(bits / (shard_bytes * 8))
    return min(max(shards, 1), MOST_SHARDS), math.ceil(math.log(2) * bits / traces)


def _bits(ids: Ids, m: int, k: int) -> NDArray[np.uint64]:
    """The bits of each id within its shard, shape (ids, k)."""
    h = _hashes_of_one(ids.tobytes()) if len(ids) == 1 else _hashes(ids)
    step = np.arange(k)
    base = h[:, step % 2]
    factor = h[:, 2 + ((step + step % 2) % 4) // 2]
    return (base + step.astype(np.uint64) * factor) % np.uint64(m)


@lru_cache(64)
def _hashes_of_one(identifier: bytes) -> NDArray[np.uint64]:
    """As `_hashes`; every block is asked for the same id."""
    return _hashes(np.frombuffer(identifier, np.uint8).reshape(1, 16))


def _hashes(ids: Ids) -> NDArray[np.uint64]:
    """MurmurHash3 x64 128, seed 0, of each id and of each id followed by 0x01: shape (ids, 4)."""
    words = np.ascontiguousarray(ids).view("<u8").astype(np.uint64)
    h1, h2 = _murmur_body(words[:, 0], words[:, 1])
    # The seventeenth byte is a tail of its own: mixed as if it were a whole word, into h1 only.
    tail = _rotate(np.array([1], np.uint64) * _C1, 31) * _C2
    return np.column_stack((*_murmur_finish(h1, h2, 16), *_murmur_finish(h1 ^ tail, h2, 17)))


# MurmurHash3 x64 128, by Austin Appleby, in the public domain; multiplications wrap modulo 2^64.
_C1, _C2 = np.uint64(0x87C37B91114253D5), np.uint64(0x4CF5AD432745937F)


def _murmur_body(k1: NDArray[np.uint64], k2: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The state after one block of sixteen bytes, read as two little-endian words."""
    h1 = _rotate(_rotate(k1 * _C1, 31) * _C2, 27) * np.uint64(5) + np.uint64(0x52DCE729)
    h2 = (_rotate(_rotate(k2 * _C2, 33) * _C1, 31) + h1) * np.uint64(5) + np.uint64(0x38495AB5)
    return h1, h2


def _murmur_finish(h1: NDArray[np.uint64], h2: NDArray[np.uint64], length: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    h1, h2 = h1 ^ np.uint64(length), h2 ^ np.uint64(length)
    h1 = h1 + h2
    h2 = h2 + h1
    h1, h2 = _mix(h1), _mix(h2)
    h1 = h1 + h2
    return h1, h2 + h1


def _mix(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    shift = np.uint64(33)
    word = (word ^ (word >> shift)) * np.uint64(0xFF51AFD7ED558CCD)
    word = (word ^ (word >> shift)) * np.uint64(0xC4CEB9FE1A85EC53)
    return word ^ (word >> shift)


def _rotate(word: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    return (word << np.uint64(bits)) | (word >> np.uint64(64 - bits))
