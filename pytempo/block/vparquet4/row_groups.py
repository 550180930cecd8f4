"""Where a block's rows are cut into row groups: by spans, at traces; small groups are what makes single searches cheap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SPANS_PER_ROW_GROUP = 10_000
"""Spans of a row group. 10,000 instead of 256,000 cost 4 % of size, and reading one whole group takes 3-5 ms instead of 80-98 ms."""


def row_group_bounds(spans: NDArray[np.integer], target: int = SPANS_PER_ROW_GROUP) -> NDArray[np.int64]:
    """First row of each row group and, last, the number of rows: shape (groups + 1,), for rows of `spans` spans each, shape (rows,).

    The groups hold about equally many spans, near `target`; a trace is never divided, so a very large one makes a larger group.
    No rows give no groups: the result is [0].
    """
    rows = len(spans)
    if rows == 0:
        return np.zeros(1, np.int64)
    through = np.cumsum(spans, dtype=np.int64)
    before, total = through - spans.astype(np.int64), int(through[-1])
    groups = max(1, round(total / target))
    group = before * groups // max(total, 1)
    return np.concatenate(([0], np.flatnonzero(np.diff(group)) + 1, [rows])).astype(np.int64)
