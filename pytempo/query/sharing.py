"""Which trace ids two or more sources have. Sources are immutable: it is worked out once for blocks, and anew for what came since."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary, ref

import numpy as np

from pytempo.model import Source, TraceIds

MAX_BYTES = 64 * 1024 * 1024
"""Of the ids of all blocks that are remembered, 16 bytes a trace; those of the blocks that were asked last stay in any case."""


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """The ids of some blocks, ascending and distinct, and those that several of the blocks have."""

    all: TraceIds
    shared: TraceIds


Together: TypeAlias = tuple[ref[Source], ...]

NOTHING = _Known(TraceIds.concat([]), TraceIds.concat([]))

_lock = threading.Lock()
_known: OrderedDict[Together, _Known] = OrderedDict()
_met: WeakKeyDictionary[Source, tuple[_Known, TraceIds]] = WeakKeyDictionary()


def shared_ids(sources: Sequence[Source]) -> TraceIds:
    """The ids that two or more of the sources have, ascending. Raises what reading the ids of a source raises."""
    if len(sources) < 2:
        return NOTHING.shared
    live = [source for source in sources if not source.size]
    known = _of_blocks([source for source in sources if source.size])
    found = [known.shared, *(_met_by(source, known) for source in live)]
    for place, source in enumerate(live):
        found += [_common(source.trace_ids(), other.trace_ids()) for other in live[place + 1 :]]
    found = [ids for ids in found if len(ids)]
    return TraceIds.concat(found).distinct()[0] if found else NOTHING.shared


def forget_gone(known: OrderedDict[Together, Any]) -> None:
    """Drop what is known of sources of which one is gone: nobody can ask for it."""
    for gone in [sources for sources in known if any(source() is None for source in sources)]:
        del known[gone]


def _of_blocks(blocks: Sequence[Source]) -> _Known:
    """What is known of these blocks; that of fewer of them is added to, that of others of no use."""
    key = tuple(ref(block) for block in blocks)
    with _lock:
        if key in _known:
            _known.move_to_end(key)
            return _known[key]
        wanted = set(key)
        before = next((each for each in reversed(_known) if wanted.issuperset(each)), ())
        known = _known.get(before, NOTHING)
    there = set(before)
    known = _with(known, [block.trace_ids() for block, each in zip(blocks, key, strict=True) if each not in there])
    with _lock:
        forget_gone(_known)
        _known.pop(before, None)
        _known[key] = known
        while len(_known) > 1 and sum(16 * len(each.all) for each in _known.values()) > MAX_BYTES:
            _known.popitem(last=False)
    return known


def _with(known: _Known, more: list[TraceIds]) -> _Known:
    """What is known, with the ids of more blocks."""
    if len(more) == 1 and len(known.all):
        (ids,) = more
        is_new = known.all.find(ids) < 0
        shared = TraceIds.concat([known.shared, ids.take(~is_new)]).distinct()[0]
        return _Known(_merged(known.all, ids.take(is_new)), shared)
    together, place = TraceIds.concat([known.all, *more]).distinct()
    several = np.bincount(place, minlength=len(together)) > 1
    return _Known(together, TraceIds.concat([known.shared, together.take(several)]).distinct()[0])


def _merged(many: TraceIds, few: TraceIds) -> TraceIds:
    """Ids that have none in common, each ascending, as one; without sorting all of them."""
    place = np.searchsorted(many.high, few.high)
    merged = TraceIds(np.insert(many.high, place, few.high), np.insert(many.low, place, few.low))
    if (merged.high[1:] == merged.high[:-1]).any():  # the second half decides
        return merged.take(merged.order())
    return merged


def _met_by(live: Source, known: _Known) -> TraceIds:
    """The ids of what is live that blocks have, too."""
    with _lock:
        before, met = _met.get(live, (NOTHING, NOTHING.all))
    if before is not known:
        ids = live.trace_ids()
        met = ids.take(known.all.find(ids) >= 0)
        with _lock:
            _met[live] = known, met
    return met


def _common(one: TraceIds, other: TraceIds) -> TraceIds:
    few, many = sorted((one, other), key=len)
    return few.take(many.find(few) >= 0)
