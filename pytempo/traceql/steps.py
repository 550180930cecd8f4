"""The intervals of a metrics query: where they begin and end, which one a span falls into, and which step suits a range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytempo.model.arrays import Array, Bools

SECOND = 1_000_000_000
"""Nanoseconds, as all times and durations here."""

MILLISECOND = 1_000_000
MINUTE = 60 * SECOND

POINTS = 240
"""About how many points a range has when no step is asked for."""

ROUND_STEPS = (3600 * SECOND, 5 * MINUTE, MINUTE, 15 * SECOND, 5 * SECOND, SECOND)
"""A step that nobody chose is a multiple of the largest of these that fits."""

FINEST_STEP = 50 * MILLISECOND
"""The granularity of steps for ranges under a minute."""


@dataclass(frozen=True, slots=True)
class Steps:
    """`count` intervals of `step` nanoseconds from `first` on; each leaves out its begin and includes its end, the time of its point."""

    first: int
    step: int
    count: int

    @staticmethod
    def aligned(start: int, end: int, step: int) -> Steps:
        """Whole steps whose points cover [start, end]: a point at the step at or before `start`, the last one at or after `end`."""
        first = start - start % step - step
        last = end + -end % step
        return Steps(first, step, (last - first) // step)

    @staticmethod
    def whole(start: int, end: int) -> Steps:
        """One interval over the whole range."""
        return Steps(start, end - start, 1)

    @property
    def last(self) -> int:
        """The end of the last interval, unix nanoseconds."""
        return self.first + self.step * self.count

    @property
    def seconds(self) -> float:
        """The length of an interval."""
        return self.step / SECOND

    @property
    def times(self) -> NDArray[np.int64]:
        """The time of every point [count], unix milliseconds."""
        times: NDArray[np.int64] = (self.first + self.step * np.arange(1, self.count + 1, dtype=np.int64)) // MILLISECOND
        return times

    def inside(self, starts: Array) -> Bools:
        """Which spans fall into an interval, by their start (uint64 [n], unix nanoseconds)."""
        if self.last < 0:
            return np.zeros(len(starts), np.bool_)
        before_end = starts <= np.uint64(self.last)
        out: Bools = before_end if self.first < 0 else before_end & (starts > np.uint64(self.first))
        return out

    def places(self, starts: Array) -> NDArray[np.int64]:
        """The interval of every span, by its start; all of them must be inside."""
        since = starts - np.uint64(self.first + 1) if self.first >= 0 else starts + np.uint64(-self.first - 1)
        since //= np.uint64(self.step)
        return since.view(np.int64)


def default_step(start: int, end: int) -> int:
    """The step of a range for which none is asked: about 240 points at round times, all in nanoseconds."""
    length = end - start
    share = length // POINTS
    if length < MINUTE:
        return max(share - share % FINEST_STEP, FINEST_STEP)
    unit = next((unit for unit in ROUND_STEPS if unit <= share), SECOND)
    return max(share - share % unit, SECOND)
