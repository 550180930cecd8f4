"""Large export requests as several smaller ones with the same spans in the same order, so that only a piece is open at a time.

A request is cut between ResourceSpans, and one of these that is large itself between its ScopeSpans, where each piece repeats the
resource. What cannot be cut so stays whole: a scope with many spans, and a request that holds anything else or is not framed well.
Source: protobuf's encoding; opentelemetry/proto/trace/v1/trace.proto.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

RESOURCE_SPANS, SCOPE_SPANS = 1, 2
"""The fields of ExportTraceServiceRequest and of ResourceSpans that are cut between."""

LENGTH_DELIMITED = 2
"""The wire type of all fields of both."""

Part: TypeAlias = bytes | memoryview
"""Fields of a message. Nothing is copied before its piece is read."""


class _NotToBeCut(Exception):
    """The bytes are not framed as they should be, or hold other fields."""


def in_pieces(requests: Sequence[bytes], most: int) -> Iterator[tuple[list[int], list[bytes]]]:
    """The requests again, or pieces of them, in groups of about `most` bytes; with each the number of the request that it is of."""
    numbers: list[int] = []
    group: list[bytes] = []
    size = 0
    for number, request in enumerate(requests):
        for piece in _pieces(request, most):
            message = b"".join(piece) if len(piece) > 1 else bytes(piece[0])
            if group and size + len(message) > most:
                yield numbers, group
                numbers, group, size = [], [], 0
            numbers.append(number)
            group.append(message)
            size += len(message)
    yield numbers, group


def varint(number: int) -> bytes:
    """A number as protobuf writes it."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes((*out, number))


def _pieces(request: bytes, most: int) -> Iterable[list[Part]]:
    if len(request) <= most:
        return [[request]]
    try:
        return _runs(list(_entries(memoryview(request), most)), most)
    except _NotToBeCut:
        return [[request]]


def _entries(request: memoryview, most: int) -> Iterator[Part]:
    """The ResourceSpans of a request, the large ones in parts, with their tags."""
    for number, begin, content, end in _fields(request):
        if number != RESOURCE_SPANS:
            raise _NotToBeCut
        if end - begin > most:
            yield from _parted(request[content:end], most)
        else:
            yield request[begin:end]


def _parted(entry: memoryview, most: int) -> Iterator[bytes]:
    """One ResourceSpans as several."""
    above: list[Part] = []
    scopes: list[Part] = []
    for number, begin, _, end in _fields(entry):
        (scopes if number == SCOPE_SPANS else above).append(entry[begin:end])
    for run in _runs(scopes, most) or [[]]:
        content = b"".join(above + run)
        yield varint(RESOURCE_SPANS << 3 | LENGTH_DELIMITED) + varint(len(content)) + content


def _runs(parts: list[Part], most: int) -> list[list[Part]]:
    """Neighbours, together at most `most` bytes; a larger one stands alone."""
    runs: list[list[Part]] = []
    size = most
    for part in parts:
        if size + len(part) > most:
            runs.append([])
            size = 0
        runs[-1].append(part)
        size += len(part)
    return runs


def _fields(message: memoryview) -> Iterator[tuple[int, int, int, int]]:
    """Of each field its number, and where its tag, its content and what follows begin."""
    at = 0
    while at < len(message):
        tag, content = _read_varint(message, at)
        length, content = _read_varint(message, content)
        if tag & 7 != LENGTH_DELIMITED or content + length > len(message):
            raise _NotToBeCut
        yield tag >> 3, at, content, content + length
        at = content + length


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number that begins here, and where it ends."""
    number = 0
    for place in range(at, min(at + 10, len(message))):
        number |= (message[place] & 127) << 7 * (place - at)
        if message[place] < 128:
            return number, place + 1
    raise _NotToBeCut
