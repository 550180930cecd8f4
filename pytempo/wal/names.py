"""The names of files and folders in a write-ahead log; no other module spells them.

    DATA/wal/
      0000000000000007-5f3a…e1.wal          a segment: its sequence number, its uuid in hex
      damaged/                              what could not be read; never deleted by pytempo
        0000000000000003-9b0c…42.wal.8231   the damaged bytes of a segment, from this offset on
        0000000000000004-77d1…0a.wal        a whole file: not one record could be read from it
        *.copying                           a copy that was not finished; made again

Everything else in these folders (`lost+found`, `.DS_Store` …) is left alone.
"""

from __future__ import annotations

import re
from uuid import UUID

SEGMENT_SUFFIX = ".wal"

DAMAGED_FOLDER = "damaged"

COPYING_SUFFIX = ".copying"

_SEGMENT = re.compile(r"([0-9]{16,})-([0-9a-f]{32})\.wal")


def segment_name(sequence: int, segment_id: UUID) -> str:
    """The file name of a segment; names sort as their sequence numbers do."""
    return f"{sequence:016d}-{segment_id.hex}{SEGMENT_SUFFIX}"


def parse_segment_name(name: str) -> tuple[int, UUID] | None:
    """The sequence number and uuid that `segment_name` put into a name; None for the name of anything else."""
    match = _SEGMENT.fullmatch(name)
    return (int(match[1]), UUID(hex=match[2])) if match else None


def damaged_bytes_name(segment: str, offset: int) -> str:
    """The name under `damaged/` of the bytes of a segment that were unreadable from `offset` on."""
    return f"{segment}.{offset}"
