"""What keeps a store going: replay at start, blocks cut from what came in, merged and dropped when their time is over."""

from __future__ import annotations

from pytempo.maintenance.compaction import Compacted, CompactionStep, compact, settle
from pytempo.maintenance.compaction_job import Job
from pytempo.maintenance.compaction_options import CompactionOptions
from pytempo.maintenance.convert import Conversion, convert, outdated
from pytempo.maintenance.flush import Cut, Step, block_id, cut, is_published, waiting
from pytempo.maintenance.flusher import Flusher, FlushOptions
from pytempo.maintenance.replay import replay
from pytempo.maintenance.retention import Retention, RetentionOptions
from pytempo.maintenance.sources import Sources
from pytempo.maintenance.upkeep import CompactionRules, Progress, Upkeep
from pytempo.maintenance.upkeep_metrics import UpkeepMetrics

__all__ = [
    "Compacted",
    "CompactionOptions",
    "CompactionRules",
    "CompactionStep",
    "Conversion",
    "Cut",
    "FlushOptions",
    "Flusher",
    "Job",
    "Progress",
    "Retention",
    "RetentionOptions",
    "Sources",
    "Step",
    "Upkeep",
    "UpkeepMetrics",
    "block_id",
    "compact",
    "convert",
    "cut",
    "is_published",
    "outdated",
    "replay",
    "settle",
    "waiting",
]
