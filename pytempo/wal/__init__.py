"""The write-ahead log: opaque checksummed records in segments, durable before they are acknowledged. Knows no spans.

`names` → `record`, `segment` (bytes) → `reader` (replay) → `view` (looking) and `files` → `writer`, `damaged` → `wal` (all of it).
"""

from pytempo.wal.files import Files
from pytempo.wal.reader import Damage, TornTail, read_segment
from pytempo.wal.record import MAXIMUM_PAYLOAD_BYTES, MAXIMUM_TENANT_BYTES, Record
from pytempo.wal.segment import SegmentInfo
from pytempo.wal.view import WalView
from pytempo.wal.wal import Position, Wal, WalStats

__all__ = [
    "MAXIMUM_PAYLOAD_BYTES",
    "MAXIMUM_TENANT_BYTES",
    "Damage",
    "Files",
    "Position",
    "Record",
    "SegmentInfo",
    "TornTail",
    "Wal",
    "WalStats",
    "WalView",
    "read_segment",
]
