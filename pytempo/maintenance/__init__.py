"""What keeps a store going: replay at start, and blocks cut from what came in."""

from __future__ import annotations

from pytempo.maintenance.convert import Conversion, convert, outdated
from pytempo.maintenance.flush import Cut, Step, block_id, cut, is_published
from pytempo.maintenance.flusher import Flusher, FlushOptions
from pytempo.maintenance.replay import replay
from pytempo.maintenance.sources import Sources

__all__ = [
    "Conversion",
    "Cut",
    "FlushOptions",
    "Flusher",
    "Sources",
    "Step",
    "block_id",
    "convert",
    "cut",
    "is_published",
    "outdated",
    "replay",
]
