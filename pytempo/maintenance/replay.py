"""From the segments that a start finds to live spans: what was acknowledged is searchable again before the store says that it is ready."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from pytempo.errors import BadRequest
from pytempo.live import Live
from pytempo.otlp import Decoded, decode
from pytempo.wal import Record, SegmentInfo

GROUP_BYTES = 4 * 1024 * 1024
"""OTLP bytes decoded in one call; nobody waits for the interpreter during a replay."""


def replay(
    segment: SegmentInfo,
    records: Iterable[Record],
    live: Live,
    is_published: Callable[[str], bool],
    logger: logging.Logger,
    admit: Callable[[str, Decoded], Decoded] = lambda tenant, decoded: decoded,
) -> int:
    """Make a segment's records live again, but for those of tenants whose block is published; returns the records read.

    `admit` sees what is made live, and may shorten it.

    A record that is sound by its checksum and yet no OTLP request is named in the log and passed over: it was never acknowledged.
    """
    count = 0
    for tenant, group in _groups(records):
        count += len(group)
        if is_published(tenant):
            continue
        try:
            decoded = admit(tenant, decode([record.payload for record in group], from_log=True))
        except BadRequest:
            for record in group:
                _replay_one(segment, record, live, logger, admit)
            continue
        if decoded.spans.any():
            live.add(segment.id, segment.created, tenant, decoded.batch, sum(len(record.payload) for record in group))
    return count


def _replay_one(segment: SegmentInfo, record: Record, live: Live, logger: logging.Logger, admit: Callable[[str, Decoded], Decoded]) -> None:
    try:
        decoded = admit(record.tenant, decode([record.payload], from_log=True))
    except BadRequest as error:
        logger.error("WAL segment %s: a record of tenant %s is passed over: %s", segment.path, record.tenant, error)
        return
    if decoded.spans.any():
        live.add(segment.id, segment.created, record.tenant, decoded.batch, len(record.payload))


def _groups(records: Iterable[Record]) -> Iterator[tuple[str, list[Record]]]:
    """Neighbouring records of one tenant, at most GROUP_BYTES together (a larger record stands alone)."""
    for tenant, run in groupby(records, key=lambda record: record.tenant):
        group: list[Record] = []
        size = 0
        for record in run:
            if group and size + len(record.payload) > GROUP_BYTES:
                yield tenant, group
                group, size = [], 0
            group.append(record)
            size += len(record.payload)
        yield tenant, group
