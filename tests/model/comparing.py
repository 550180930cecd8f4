"""Batches as plain Python rows, so that two of them can be compared whatever they are made of."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

from pytempo.model import Batch, Level
from pytempo.model.levels import COLUMNS

STORED_LEVELS = (Level.RESOURCE, Level.SCOPE, Level.SPAN, Level.EVENT, Level.LINK)


ANY_ORDER = (Level.RESOURCE, Level.SCOPE)
"""Levels whose rows are shared by equal ones, whatever the order of their attributes."""


def rows(batch: Batch, level: Level) -> list[str]:
    """Every row of a level with its attributes, as text (in which one NaN equals another)."""
    columns = [batch.stored(level, name).tolist() for name in COLUMNS[level]]
    table = batch.attributes(level)
    keys, kinds, values = table.listed()
    attributes = [list(zip(keys[a:b], kinds[a:b], values[a:b], strict=True)) for a, b in pairwise(table.offsets.tolist())]
    if level in ANY_ORDER:
        attributes = [sorted(row, key=repr) for row in attributes]
    return [repr(row) for row in zip(*columns, attributes, strict=True)]


def span_rows(batch: Batch) -> list[str]:
    """Every span with all that hangs above and below it, in the batch's order."""
    level_rows = {level: rows(batch, level) for level in STORED_LEVELS}
    ids, traces = batch.trace_ids(), batch.trace_of_span().tolist()
    bounds = {level: list(pairwise(batch.offsets(level).tolist())) for level in (Level.EVENT, Level.LINK)}
    out = []
    for row, scope in enumerate(batch.scope_of_span().tolist()):
        below = [level_rows[level][slice(*bounds[level][row])] for level in (Level.EVENT, Level.LINK)]
        resource = int(batch.resource_of_scope()[scope])
        above = (level_rows[Level.SCOPE][scope], level_rows[Level.RESOURCE][resource])
        out.append(repr((ids.hex(traces[row]), level_rows[Level.SPAN][row], below, above)))
    return out


def span_set(batch: Batch) -> Counter[str]:
    """The spans whatever their order."""
    return Counter(span_rows(batch))


def everything(batch: Batch) -> dict[str, Any]:
    """All that a batch says, level by level."""
    return {
        "traces": [batch.trace_ids().hex(row) for row in range(batch.count(Level.TRACE))],
        "counts": [batch.count(level) for level in Level],
        "trace": batch.trace_of_span().tolist(),
        "scope": batch.scope_of_span().tolist(),
        "resource": batch.resource_of_scope().tolist(),
        "offsets": [batch.offsets(level).tolist() for level in (Level.EVENT, Level.LINK)],
        **{level.name: rows(batch, level) for level in STORED_LEVELS},
    }
