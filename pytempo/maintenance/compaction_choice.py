"""Which blocks are merged: neighbours in the order of arrival whose ends lie in one window, and of about one size.

Answers must not change by a merge, and two things in them follow the order in which spans arrived: the order of a trace's spans by id, and
nested-set numbers. A merged block has one place in that order, that of its first input. So its inputs are blocks between which no other
source lies, or only sources that share no trace with the inputs that move past them.

Who merges one large block with a few small ones again and again writes the same rows many times. So the largest input may have no more
than 1.5 times the size that each would have if all were equal: with four inputs, three eighths of the whole, and each span is written once
for every fourfold growth. In a window that is over two blocks will do, and the larger may have three quarters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from pytempo.block.meta import BlockMeta
from pytempo.block.source import BlockSource
from pytempo.block.versions import WRITTEN
from pytempo.maintenance.compaction_options import CompactionOptions
from pytempo.model.scan import Source

MOST_UNEQUAL = 1.5
"""The largest input of a merge, in shares of equal parts."""


@dataclass(frozen=True, slots=True)
class Run:
    """Blocks to merge, in order of arrival."""

    inputs: tuple[BlockSource, ...]

    @property
    def size(self) -> int:
        """Bytes of all inputs: what the merged block takes, at most."""
        return sum(source.meta.size for source in self.inputs)

    @property
    def order(self) -> tuple[int, int, int]:
        """Most blocks first, then the cheapest, then the newest."""
        return (-len(self.inputs), self.size, -self.inputs[-1].sequence)


def choose(
    sources: Sequence[Source], options: CompactionOptions, *, window: int, now: int, everything: bool, may: Callable[[BlockMeta], bool]
) -> list[Run]:
    """Runs that are worth a merge, none with a block of another, the best first.

    `sources` are all those of a tenant, live ones included, in order of arrival. `may` tells of each block whether it may be an input.
    `everything` takes every window for one that is over. Raises Damaged, NotFound and Unavailable for a block whose ids cannot be read.
    """
    blocks = [source for source in sources if isinstance(source, BlockSource) and source.meta.format == WRITTEN and may(source.meta)]
    runs: list[Run] = []
    for _, group in groupby(sorted(blocks, key=lambda block: _kind(block.meta, window)), key=lambda block: _kind(block.meta, window)):
        alike = list(group)
        fewest = 2 if everything or _is_over(alike[0].meta, window, now) else options.min_input_blocks
        runs += _of_group(alike, sources, options, max(fewest, 2))
    return sorted(runs, key=lambda run: run.order)


def _kind(meta: BlockMeta, window: int) -> tuple[int, int]:
    """Blocks that differ in it are not merged: the window of the end, copies of each span."""
    return (meta.end // window, meta.replication_factor)


def _is_over(meta: BlockMeta, window: int, now: int) -> bool:
    return (meta.end // window + 1) * window <= now


def _of_group(blocks: Sequence[BlockSource], sources: Sequence[Source], options: CompactionOptions, fewest: int) -> Iterator[Run]:
    """Disjoint runs of one group, the best first."""
    taken: set[str] = set()
    for run in sorted(_candidates(blocks, options, fewest), key=lambda run: run.order):
        names = {source.name for source in run.inputs}
        if not names & taken and _keeps_answers(run, sources):
            taken |= names
            yield run


def _candidates(blocks: Sequence[BlockSource], options: CompactionOptions, fewest: int) -> Iterator[Run]:
    for first in range(len(blocks)):
        size = traces = largest = 0
        for end in range(first + 1, min(first + options.max_input_blocks, len(blocks)) + 1):
            meta = blocks[end - 1].meta
            size, traces, largest = size + meta.size, traces + meta.traces, max(largest, meta.size)
            if size > options.max_block_bytes or traces > options.max_compaction_objects:
                break
            if end - first >= fewest and largest * fewest <= MOST_UNEQUAL * size:
                yield Run(tuple(blocks[first:end]))


def _keeps_answers(run: Run, sources: Sequence[Source]) -> bool:
    """Whether nothing lies between the inputs that shares a trace with one of them that moves before it."""
    names = {source.name for source in run.inputs}
    first, last = run.inputs[0].sequence, run.inputs[-1].sequence
    between = [source for source in sources if first <= source.sequence <= last and source.name not in names]
    return not any(other.sequence <= moved.sequence and _share_a_trace(other, moved) for other in between for moved in run.inputs[1:])


def _share_a_trace(one: Source, other: Source) -> bool:
    few, many = sorted((one.trace_ids(), other.trace_ids()), key=len)
    return bool((many.find(few) >= 0).any())
