"""Which blocks exist, tenant by tenant; what is in them is the business of `block`, making and removing them that of maintenance."""

from __future__ import annotations

from pytempo.blocklist.block_list import BlockList
from pytempo.blocklist.retired import Retired, bytes_below, clear, is_retired, retire, retired, stamp
from pytempo.blocklist.scan import LeftOut, LeftOutReason
from pytempo.blocklist.set_aside import set_aside

__all__ = [
    "BlockList",
    "LeftOut",
    "LeftOutReason",
    "Retired",
    "bytes_below",
    "clear",
    "is_retired",
    "retire",
    "retired",
    "set_aside",
    "stamp",
]
