"""An answer as the messages of a stream: parts that a client puts together, none larger than a stock client takes.

Every part but the first adds to those before it. What is not a list (metrics, status) is the same in each: that of the whole answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pytempo.errors import BadQuery
from pytempo.server.api import tempopb

PACKET = 1024 * 1024
"""Bytes that a message is filled up to (Tempo: `query_frontend.max_grpc_streaming_packet_size`)."""

LARGEST = 4 * 1024 * 1024
"""Bytes of a message that a gRPC client takes by default."""

SAMPLES = 10_000
"""Points of one series in one part, about 200 KiB."""

OVERHEAD = 8
"""Bytes that frame an element within a message, at the most."""

Pieces = Callable[[Any], Iterable[Any]]
"""How to cut one element of an answer's list that is larger than PACKET."""


def uncut(element: Any) -> Iterable[Any]:
    """The pieces of what a client knows only as a whole."""
    return (element,)


def packets(answer: Any, field: str, pieces: Pieces = uncut) -> Iterator[bytes]:
    """The parts of an answer, cut between the elements of its one long list, `field`; at least one.

    Raises BadQuery where one element alone is larger than LARGEST.
    """
    elements = getattr(answer, field)
    if answer.ByteSize() <= PACKET:
        yield answer.SerializeToString()
        return
    rest = {other.name: value for other, value in answer.ListFields() if other.name != field}
    for group in _groups(piece for element in elements for piece in (pieces(element) if _size(element) > PACKET else (element,))):
        packet = type(answer)(**rest, **{field: group}).SerializeToString()
        if len(packet) > LARGEST:
            raise BadQuery(
                f"an element of {field} has more than the {LARGEST} bytes of a gRPC message; ask for less of it, or ask the HTTP API"
            )
        yield packet


def scope_pieces(scope: Any) -> Iterator[Any]:
    """Some of the names of a scope at a time."""
    for names in _groups(scope.tags):
        yield tempopb.message_class("SearchTagsV2Scope")(name=scope.name, tags=names)


def series_pieces(series: Any) -> Iterator[Any]:
    """Some of the points of a series at a time; its exemplars come with the first."""
    for first in range(0, max(len(series.samples), 1), SAMPLES):
        exemplars = () if first else series.exemplars
        samples = series.samples[first : first + SAMPLES]
        yield tempopb.message_class("TimeSeries")(labels=series.labels, samples=samples, exemplars=exemplars)


def whole(answer: Any, field: str) -> bytes:
    """An answer that a client replaces by the next one, in one message: where that would be too large, cut and marked as PARTIAL."""
    if answer.ByteSize() <= LARGEST:
        packet: bytes = answer.SerializeToString()
        return packet
    elements, shown, size = getattr(answer, field), 0, LARGEST // 64  # room for what is not in the list
    while size + _size(elements[shown]) <= LARGEST:
        size += _size(elements[shown])
        shown += 1
    cut = f"the answer has {len(elements)} {field}, more than a gRPC message holds; the first {shown} are shown, the HTTP API has them all"
    del elements[shown:]
    answer.status, answer.message = 1, "; ".join(filter(None, (answer.message, cut)))
    return bytes(answer.SerializeToString())


def _groups(elements: Iterable[Any]) -> Iterator[list[Any]]:
    """Neighbours that fit into one packet; an element that does not fit into any stands alone."""
    group: list[Any] = []
    size = 0
    for element in elements:
        if group and size + _size(element) > PACKET:
            yield group
            group, size = [], 0
        group.append(element)
        size += _size(element)
    if group:
        yield group


def _size(element: Any) -> int:
    return OVERHEAD + (len(element.encode()) if isinstance(element, str) else int(element.ByteSize()))
