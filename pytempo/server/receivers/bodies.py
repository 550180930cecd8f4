"""Compressed request bodies, opened with a bound: no input, however it was made, yields more bytes than the limit."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable

import zstandard

from pytempo.errors import BadRequest, RequestTooLarge
from pytempo.server.errors import BodyTooLarge
from pytempo.server.options import REQUEST_LIMIT

GZIP, ZLIB, RAW_DEFLATE = 31, 15, -15
"""zlib's window bits: which wrapping it expects."""

ZSTD_WINDOW = 8 * 1024 * 1024
"""Bytes of history that a zstd frame may ask for; RFC 8878 asks every decoder for this much."""

MOST_MEMBERS = 64
"""Gzip members of one body. Each costs a copy of all that follows it."""

_AFTER = "after decompression"


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """The bytes behind `body` and its Content-Encoding.

    Raises RequestTooLarge beyond `limit` bytes, BadRequest for a broken body and for an encoding that is not known.
    """
    name = encoding.strip().lower()
    if name not in _DECODERS:
        raise BadRequest(f"Content-Encoding {encoding[:40]!r} is not read here; send one of {', '.join(sorted(filter(None, _DECODERS)))}")
    return _DECODERS[name](body, limit)


def inflate_message(message: bytes, limit: int) -> bytes:
    """The bytes of a gRPC message that was received as it was sent, compressed or not.

    No OTLP request begins like a gzip or zlib stream: 0x1f and 0x78 would be its fields 3 and 15.
    """
    if message[:2] == b"\x1f\x8b":
        return _gzip(message, limit)
    return _zlib(message, limit, ZLIB) if is_compressed(message) else message


def is_compressed(message: bytes) -> bool:
    """Whether `inflate_message` takes it for a stream of gzip or zlib."""
    return message[:2] == b"\x1f\x8b" or (message[:1] == b"\x78" and int.from_bytes(message[:2]) % 31 == 0)


def _identity(body: bytes, limit: int) -> bytes:
    return body


def _gzip(body: bytes, limit: int) -> bytes:
    """All members of a gzip file, one after the other."""
    out = b""
    for _ in range(MOST_MEMBERS):
        inflater = zlib.decompressobj(GZIP)
        out += _run(inflater, body, len(out), limit, "gzip")
        body = inflater.unused_data
        if not body.strip(b"\0"):  # padding with zeros is common
            return out
    raise BadRequest(f"the body has more than {MOST_MEMBERS} gzip members")


def _deflate(body: bytes, limit: int) -> bytes:
    """RFC 9110 means a zlib stream; some clients send one without its two bytes of header."""
    looks_wrapped = len(body) >= 2 and body[0] & 15 == 8 and int.from_bytes(body[:2]) % 31 == 0
    return _zlib(body, limit, ZLIB if looks_wrapped else RAW_DEFLATE)


def _zlib(body: bytes, limit: int, window: int) -> bytes:
    return _run(zlib.decompressobj(window), body, 0, limit, "deflate")


def _run(inflater: zlib._Decompress, body: bytes, before: int, limit: int, name: str) -> bytes:
    """What one stream holds, where `before` bytes of `limit` are used up."""
    room = limit - before
    try:
        out = inflater.decompress(body, room + 1)
    except zlib.error as error:
        raise BadRequest(f"the body is not {name}: {error}") from error
    if len(out) > room:
        raise BodyTooLarge(before + len(out), limit, REQUEST_LIMIT, _AFTER)
    if not inflater.eof:
        raise BadRequest(f"the body is cut off: its {name} stream does not end")
    return out


def _zstd(body: bytes, limit: int) -> bytes:
    try:
        size = zstandard.frame_content_size(body)
        if size > limit:
            raise RequestTooLarge(size, limit, REQUEST_LIMIT)
        decompressor = zstandard.ZstdDecompressor(max_window_size=max(ZSTD_WINDOW, limit))
        if size >= 0:
            return decompressor.decompress(body, max_output_size=limit, allow_extra_data=False)
        return _zstd_of_unknown_size(decompressor, body, limit)
    except zstandard.ZstdError as error:
        raise BadRequest(f"the body is not one whole zstd frame: {error}") from error


def _zstd_of_unknown_size(decompressor: zstandard.ZstdDecompressor, body: bytes, limit: int) -> bytes:
    with decompressor.stream_reader(io.BytesIO(body)) as reader:
        out = reader.read(limit + 1)
    if len(out) > limit:
        raise BodyTooLarge(len(out), limit, REQUEST_LIMIT, _AFTER)
    # A reader takes the end of its input for the end of the frame; only this call tells whether the frame is whole.
    return decompressor.decompress(body, max_output_size=max(len(out), 1), allow_extra_data=False)


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "": _identity,
    "identity": _identity,
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "zlib": _deflate,
    "zstd": _zstd,
}
