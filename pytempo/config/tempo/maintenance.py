"""Keys about blocks after they were written: `compactor` of 2.x, `backend_worker` and `backend_scheduler` of 3.x."""

from __future__ import annotations

from dataclasses import replace

from pytempo.config.keys import Key, no_effect, same, used, whole_sections
from pytempo.config.kinds import BOOLEAN, COUNT, DURATION, POSITIVE, POSITIVE_DURATION, SECOND, SIZE, TEXT

HOUR = 3600 * SECOND

COMPACTOR, WORKER = "compactor.compaction", "backend_worker.compaction"
PROVIDER = "backend_scheduler.provider.compaction"

_ALONE = "One process works through its tenants in turn."
_NO_SCHEDULER = "One process needs nobody to hand out its work."

_COMPACTION: tuple[Key, ...] = (
    used(
        f"{COMPACTOR}.block_retention",
        DURATION,
        336 * HOUR,
        "Age of its newest span at which a block goes; 0s keeps all.",
        option="store.retention.block_retention",
    ),
    used(
        f"{COMPACTOR}.compacted_block_retention",
        DURATION,
        HOUR,
        "How long the folders of merged and expired blocks stay.",
        option="store.compaction.compacted_block_retention",
    ),
    used(
        f"{COMPACTOR}.compaction_window",
        POSITIVE_DURATION,
        HOUR,
        "Blocks are merged whose ends lie in the same window.",
        option="store.compaction.compaction_window",
    ),
    used(
        f"{COMPACTOR}.compaction_cycle",
        POSITIVE_DURATION,
        30 * SECOND,
        "How often to look for blocks to merge or to drop.",
        option="store.compaction.compaction_cycle",
    ),
    used(
        f"{COMPACTOR}.max_block_bytes",
        SIZE,
        100 * 1024**3,
        "Bytes of the inputs of one merge together, at most.",
        option="store.compaction.max_block_bytes",
    ),
    used(
        f"{COMPACTOR}.max_compaction_objects",
        COUNT,
        6_000_000,
        "Traces of the inputs of one merge together, at most.",
        option="store.compaction.max_compaction_objects",
    ),
    *no_effect(COMPACTOR, _ALONE, retention_concurrency=COUNT, max_time_per_tenant=DURATION),
    *no_effect(
        COMPACTOR, "Settings of formats before Parquet.", v2_in_buffer_bytes=SIZE, v2_out_buffer_bytes=SIZE, v2_prefetch_traces_count=COUNT
    ),
)


def _of_worker(key: Key) -> Key:
    """The key of 3.x that means the same."""
    path = key.path.replace(COMPACTOR, WORKER)
    return same(path, key) if key.option else replace(key, path=path)


KEYS: tuple[Key, ...] = (
    *_COMPACTION,
    used("compactor.disabled", BOOLEAN, False, "Whether blocks are left as they are.", option="store.compaction.disabled"),
    *whole_sections("One process has no ring.", "compactor.ring", "backend_worker.ring"),
    *no_effect("compactor", "One process has no ring.", override_ring_key=TEXT),
    *map(_of_worker, _COMPACTION),
    *no_effect(
        "backend_worker",
        _NO_SCHEDULER,
        backend_scheduler_addr=TEXT,
        finish_on_shutdown_timeout=DURATION,
        override_ring_key=TEXT,
    ),
    *whole_sections(_NO_SCHEDULER, "backend_worker.backoff"),
    used(
        f"{PROVIDER}.min_input_blocks",
        POSITIVE,
        4,
        "Blocks of about one size that a window which still fills must have for a merge (Tempo: 2).",
        option="store.compaction.min_input_blocks",
    ),
    used(
        f"{PROVIDER}.max_input_blocks", POSITIVE, 8, "Blocks of one merge, at most (Tempo: 4).", option="store.compaction.max_input_blocks"
    ),
    *no_effect(
        PROVIDER,
        _NO_SCHEDULER,
        max_jobs_per_tenant=COUNT,
        measure_interval=DURATION,
        min_cycle_interval=DURATION,
        max_compaction_level=COUNT,
    ),
    *whole_sections(f"The same settings are read at `{COMPACTOR}`.", f"{PROVIDER}.compaction", f"{PROVIDER}.backoff"),
    *whole_sections(
        _NO_SCHEDULER, "backend_scheduler.provider.retention", "backend_scheduler.provider.redaction", "backend_scheduler.work"
    ),
    *no_effect(
        "backend_scheduler",
        _NO_SCHEDULER,
        maintenance_interval=DURATION,
        backend_flush_interval=DURATION,
        job_timeout=DURATION,
        local_work_path=TEXT,
    ),
)
