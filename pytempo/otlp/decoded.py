"""What came of some requests: the good spans as one batch, and for each request what was left out and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytempo.model.arrays import Bools, Ints, byte_ranges
from pytempo.model.batch import MemoryBatch
from pytempo.model.selection import Selection, materialise
from pytempo.otlp.marks import marked

FIXED = 64
"""Bytes of a span beside its texts and lists: ids, times, kind, status and what frames them, as most senders write it."""


@dataclass(frozen=True)
class Arrival:
    """The spans [m] of some requests as they came, good or not, in the order of the wire."""

    spans: Any
    """The columns of the wire."""
    payload: Ints
    """[m] which request each came in."""

    def sizes(self) -> NDArray[np.int64]:
        """[m] OTLP bytes of each, but for its resource and scope, within a few."""
        out = np.full(len(self.payload), FIXED, np.int64)
        offsets, _ = byte_ranges(self.spans.field("name"))
        out += offsets[1:] - offsets[:-1]
        for name in ("attributes", "events", "links"):
            lists = self.spans.field(name)
            bounds = np.asarray(lists.offsets)
            if bounds[0] != bounds[-1]:
                offsets, _ = byte_ranges(lists.values)
                out += (offsets[bounds[1:]] - offsets[bounds[:-1]]) + 2 * (bounds[1:] - bounds[:-1])
        return out


@dataclass(frozen=True)
class Decoded:
    """What came of some requests [n]."""

    batch: MemoryBatch
    """The good spans of all requests, in order of arrival."""
    spans: NDArray[np.int64]
    """[n] good spans of each request."""
    rejected: dict[str, NDArray[np.int64]]
    """By reason (a key of REASONS): spans of each request [n] that were left out."""
    arrival: Arrival
    good: Ints
    """The rows of the good spans in the arrival."""
    forged: Bools
    """[n] requests that came with a mark of ours (otlp/marks.py)."""
    refused: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    """Rows in the arrival of spans that are good and were refused."""

    def sizes(self) -> NDArray[np.int64]:
        """OTLP bytes of each good span, but for its resource and scope, within a few."""
        return self.arrival.sizes()[self.good]

    def without(self, refused: Mapping[str, Bools]) -> Decoded:
        """The same without these good spans, by reason."""
        if not refused:
            return self
        payload, count = self.arrival.payload[self.good], len(self.spans)
        out: Bools = np.logical_or.reduce(list(refused.values()))
        return replace(
            self,
            batch=materialise(Selection(self.batch, np.flatnonzero(~out))),
            spans=np.bincount(payload[~out], minlength=count),
            rejected=self.rejected | {reason: np.bincount(payload[mask], minlength=count) for reason, mask in refused.items()},
            good=self.good[~out],
            refused=np.concatenate([self.refused, self.good[out]]),
        )

    def to_log(self, payloads: Sequence[bytes]) -> list[bytes]:
        """What a log must hold of these requests [n] so that reading it gives the same spans; nothing of those refused altogether."""
        if not len(self.refused) and not self.forged.any():
            return list(payloads)
        there = np.zeros(len(self.arrival.payload), np.bool_)
        there[self.refused] = True
        ends = np.searchsorted(self.arrival.payload, np.arange(1, len(payloads) + 1))
        masks = np.split(there, ends[:-1])
        logged = zip(payloads, masks, self.spans.tolist(), self.forged.tolist(), strict=True)
        return [
            marked(payload, mask) if forged or mask.any() else payload for payload, mask, kept, forged in logged if kept or not mask.any()
        ]
