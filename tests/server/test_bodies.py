"""Compressed bodies are opened with a bound."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
import zstandard

from pytempo.errors import BadRequest, RequestTooLarge
from pytempo.server.receivers.bodies import inflate, inflate_message

LIMIT = 100_000
BODY = bytes(range(256)) * 100

Compress = Callable[[bytes], bytes]


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def zstd_of_unknown_size(data: bytes) -> bytes:
    compressor = zstandard.ZstdCompressor().compressobj()
    return compressor.compress(data) + compressor.flush()


def two_members(data: bytes) -> bytes:
    return gzip.compress(data[:99]) + gzip.compress(data[99:])


WAYS = [
    ("gzip", gzip.compress),
    ("GZIP", gzip.compress),
    ("x-gzip", gzip.compress),
    ("gzip", two_members),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("zlib", zlib.compress),
    ("zstd", zstandard.compress),
    ("zstd", zstd_of_unknown_size),
]

ways = pytest.mark.parametrize(("encoding", "compress"), WAYS, ids=[f"{encoding}-{compress.__name__}" for encoding, compress in WAYS])


@ways
def test_a_body_comes_back(encoding: str, compress: Compress) -> None:
    assert inflate(compress(BODY), encoding, LIMIT) == BODY


@ways
def test_a_body_of_the_largest_size_comes_back(encoding: str, compress: Compress) -> None:
    assert len(inflate(compress(bytes(LIMIT)), encoding, LIMIT)) == LIMIT


@ways
def test_one_byte_more_is_refused_with_the_limit_and_the_setting(encoding: str, compress: Compress) -> None:
    with pytest.raises(RequestTooLarge, match=r"100001.*max_request_bytes|100000.*max_request_bytes"):
        inflate(compress(bytes(LIMIT + 1)), encoding, LIMIT)


@ways
def test_a_body_that_is_cut_off_is_refused(encoding: str, compress: Compress) -> None:
    with pytest.raises(BadRequest):
        inflate(compress(BODY)[:-5], encoding, LIMIT)


@ways
def test_a_body_that_is_something_else_is_refused(encoding: str, compress: Compress) -> None:
    with pytest.raises(BadRequest):
        inflate(b"\xff" + compress(BODY), encoding, LIMIT)


@ways
def test_an_empty_body_is_refused(encoding: str, compress: Compress) -> None:
    with pytest.raises(BadRequest):
        inflate(b"", encoding, LIMIT)


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_a_plain_body_stays(encoding: str) -> None:
    assert inflate(BODY, encoding, LIMIT) == BODY


@pytest.mark.parametrize("encoding", ["br", "snappy", "gzip, gzip", "gzip;q=1"])
def test_other_encodings_are_refused_by_name(encoding: str) -> None:
    with pytest.raises(BadRequest, match="deflate, gzip, identity"):
        inflate(BODY, encoding, LIMIT)


@ways
def test_a_bomb_takes_no_more_memory_than_the_limit(encoding: str, compress: Compress) -> None:
    bomb = compress(bytes(50_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(RequestTooLarge):
            inflate(bomb, encoding, LIMIT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * LIMIT + len(bomb)


def test_a_body_of_countless_members_is_refused() -> None:
    with pytest.raises(BadRequest, match="gzip members"):
        inflate(gzip.compress(b"") * 1000, "gzip", LIMIT)


def test_a_grpc_message_is_inflated_by_its_first_bytes() -> None:
    message = b"\x0a\x02\x12\x00"
    assert inflate_message(message, LIMIT) == message
    assert inflate_message(gzip.compress(message), LIMIT) == message
    assert inflate_message(zlib.compress(message), LIMIT) == message
    assert inflate_message(b"", LIMIT) == b""
