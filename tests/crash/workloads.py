"""What a process does in a round of the crash matrix, and what must be found afterwards.

`ingest` exports, flushes, replays and repairs; `upkeep` merges blocks twice over and drops others by age and by size; `convert` rewrites a
block of another format. Whatever the disk refuses is tried again, as senders and the background do. Merges are made in the process itself
(`CompactionOptions.worker_process`), where a fault meets them: a worker makes the same calls, by the same function.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytempo
from pytempo import Store, StoreOptions
from pytempo.block.writer import BlockOptions
from pytempo.blocklist import BlockList, bytes_below
from pytempo.directory import DataDirectory
from pytempo.errors import BadConfig, Unavailable
from pytempo.maintenance import CompactionOptions, FlushOptions, RetentionOptions
from pytempo.maintenance.repair import repair
from tests.block.golden import GOLDEN
from tests.building import BASE, DAY, HOUR, MINUTE, SECOND, request, span
from tests.clocks import Clock
from tests.wal.conftest import LOGGER

SPANS_A_TRACE = 3
SHORTLY, SOON = MINUTE, 10 * MINUTE
"""The clock of `upkeep` starts so long after `BASE`; the folder of a retired block stays so long."""

BY_AGE, BY_SIZE = 8, 9
"""The traces that `upkeep` lets retention drop."""
STARTS = {BY_AGE: BASE - 2 * HOUR, BY_SIZE: BASE - HOUR // 2}
"""The other traces start at `BASE` plus their number in seconds."""

OLD, RECORDED = "vParquet5", 1_795_564_800 * SECOND
"""The format of the block that `convert` finds, and the day of its spans."""

OPTIONS = StoreOptions(flush=FlushOptions(block=BlockOptions(row_group_spans=6)))
MOST_TRIES = 30

T = TypeVar("T")
Tell = Callable[[int], object]
"""Hears of every trace that was acknowledged, and with a minus of each that retention may drop from now on."""


@dataclass(frozen=True)
class Workload:
    """`prepare` lays out the data directory and meets no fault, `work` does."""

    work: Callable[[Path, Tell], None]
    traces: tuple[int, ...] = ()
    """The numbers of those it exports."""
    times: tuple[int, int] = (BASE - 3 * HOUR, BASE + HOUR)
    """In these lie all spans, unix nanoseconds."""
    prepare: Callable[[Path], object] = lambda data: None
    short: int = 8
    """Its faults in the short form, about."""


def payload(number: int) -> bytes:
    """The request of a number: a trace of spans whose ids follow from it."""
    start = STARTS.get(number, BASE + number * SECOND)
    spans = (span(name, trace=number, id=10 * number + place, start=start) for place, name in enumerate(names(number)))
    return request(*spans).SerializeToString()


def names(number: int) -> list[str]:
    """The names of the spans of a trace."""
    return [f"{number} {place}" for place in range(SPANS_A_TRACE)]


def ingest(data: Path, tell: Tell) -> None:
    """Ingest, flush, replay, and repair in both of its ways."""
    store = again(lambda: pytempo.open(data, options=OPTIONS, logger=LOGGER))
    for number in range(1, 7):
        export(store, number, tell=tell)
        if number in (3, 5):
            again(store.flush)
    again(lambda: store.export(payload(1)))  # once more, as after an answer that was lost
    store.close()
    store = again(lambda: pytempo.open(data, options=OPTIONS, logger=LOGGER))
    export(store, 7, tell=tell)
    again(store.flush)
    store.close()
    for name in ("bloom-0", "meta.json"):
        damage(sorted(data.glob(f"blocks/*/*/{name}"))[0])
        again(lambda: mend(data))


def upkeep(data: Path, tell: Tell) -> None:
    """Compaction of blocks, one of them merged already; retention by age and by size; the folders of all that goes."""
    clock = Clock(BASE + SHORTLY)
    store = again(lambda: open_with(data, clock, RetentionOptions(block_retention=HOUR)))
    for block in ((1, 2), (3, 4)):
        export(store, *block, tell=tell)
        again(lambda: store.export(payload(1)))  # so that a merge drops a copy
        again(store.flush)
    again(store.compact)
    export(store, 5, tell=tell)
    again(store.flush)
    again(store.compact)
    tell(-BY_AGE)
    export(store, BY_AGE, tell=tell)
    again(store.flush)
    again(store.expire)
    clock.now += SOON
    again(store.expire)
    export(store, BY_SIZE, tell=tell)
    again(store.flush)
    store.close()
    tell(-BY_SIZE)
    listed = sum(bytes_below(path.parent) for path in data.glob("blocks/*/*/meta.json"))
    small = RetentionOptions(max_bytes_on_disk=listed - 1)
    store = again(lambda: open_with(data, clock, small))
    again(store.expire)
    store.close()


def convert(data: Path, tell: Tell) -> None:
    """A block of another format is rewritten, and its folder goes."""
    clock = Clock(BASE + SHORTLY)
    store = again(lambda: open_with(data, clock, RetentionOptions()))
    again(lambda: list(store.convert()))
    clock.now += SOON
    again(store.expire)
    store.close()


def open_with(data: Path, clock: Clock, retention: RetentionOptions) -> Store:
    """A store that merges when asked, in this process."""
    compaction = CompactionOptions(worker_process=False, disabled=True, compaction_cycle=HOUR, compacted_block_retention=SOON)
    options = StoreOptions(flush=OPTIONS.flush, compaction=compaction, retention=retention)
    return pytempo.open(data, options=options, logger=LOGGER, clock=clock)


def export(store: Store, *numbers: int, tell: Tell) -> None:
    """Store traces, and tell so."""
    for number in numbers:
        again(lambda number=number: store.export(payload(number)))  # type: ignore[misc]
        tell(number)


def damage(path: Path) -> None:
    """Flip a bit in the middle of a file. The faults meet this, too, and it is not what is tested."""
    place = path.stat().st_size // 2
    content = path.read_bytes()[place] ^ 1
    for _ in range(MOST_TRIES):
        with suppress(OSError), path.open("r+b", buffering=0) as file:
            file.seek(place)
            file.write(bytes([content]))
            return
    raise AssertionError(f"{path} cannot be damaged")


def mend(data: Path) -> list[str]:
    """Repair whatever is not sound; the steps that were made."""
    with DataDirectory(data, read_only=False) as directory:
        blocks = BlockList.open(directory.blocks, directory.damaged, LOGGER)
        return [step.step for step in repair(blocks, OPTIONS.flush.block) if step.step != "read"]


def again(action: Callable[[], T]) -> T:
    """Do something until the disk does not refuse it."""
    for _ in range(MOST_TRIES):
        try:
            return action()
        except (Unavailable, BadConfig) as error:
            refused = error
    raise refused


WORKLOADS = {
    "ingest": Workload(ingest, tuple(range(1, 8))),
    "upkeep": Workload(upkeep, (1, 2, 3, 4, 5, BY_AGE, BY_SIZE)),
    "convert": Workload(
        convert,
        times=(RECORDED, RECORDED + DAY),
        prepare=lambda data: shutil.copytree(GOLDEN / OLD, data / "blocks"),
        short=3,  # a round takes four times as long as one of the others
    ),
}
