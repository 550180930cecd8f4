"""Which times a block covers: a few disjoint intervals around its traces, and the question whether a search can meet them.

One span dated 1970 (or 2500) among today's must not make every search open the block, so a block keeps up to four intervals
instead of one. Times are unix nanoseconds, intervals closed at both ends.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

MOST_RANGES = 4
"""Intervals kept for a block: each costs some 45 bytes of its meta.json; clocks that are wrong are wrong in few ways (0, future, past)."""

Range = tuple[int, int]
"""First and last nanosecond of an interval."""


def cover(starts: NDArray[np.uint64], ends: NDArray[np.uint64], most: int = MOST_RANGES) -> list[Range]:
    """At most `most` disjoint ascending intervals that hold [start, end] of every trace, split at the widest gaps between them.

    `starts` and `ends` have shape (traces,), in nanoseconds and any order; an end before its start counts as the start.
    No traces give no intervals. Of equally wide gaps the earlier is split.
    """
    if len(starts) == 0:
        return []
    order = np.argsort(starts, kind="stable")
    begin = starts[order]
    reach = np.maximum.accumulate(np.maximum(begin, ends[order]))
    apart = np.flatnonzero(begin[1:] > reach[:-1])
    gaps = begin[apart + 1] - reach[apart]
    # Unsigned numbers cannot be negated, so the widest come first by their complement.
    widest = np.sort(apart[np.argsort(~gaps, kind="stable")[: most - 1]])
    firsts = begin[np.concatenate(([0], widest + 1))]
    lasts = reach[np.concatenate((widest, [len(begin) - 1]))]
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def overlaps(ranges: Iterable[Range], start: int, end: int) -> bool:
    """Whether any interval shares a nanosecond with [start, end]."""
    return any(first <= end and start <= last for first, last in ranges)


def are_disjoint(ranges: Iterable[Range]) -> bool:
    """Whether the intervals ascend, none ending before it begins, no two sharing a nanosecond."""
    edges = [edge for interval in ranges for edge in interval]
    firsts, lasts = edges[::2], edges[1::2]
    return all(first <= last for first, last in zip(firsts, lasts, strict=True)) and all(
        last < first for last, first in zip(lasts, firsts[1:], strict=False)
    )
