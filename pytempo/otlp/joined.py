"""What came of a request's pieces, as if it had been decoded whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pytempo.model.arrays import Ints
from pytempo.model.merge import share_parents
from pytempo.model.owned import owned
from pytempo.model.selection import Concat, materialise
from pytempo.otlp.decoded import Arrival, Decoded


@dataclass(frozen=True)
class _Measured(Arrival):
    """Spans whose columns are gone, and whose sizes were taken before."""

    known: NDArray[np.int64]

    def sizes(self) -> NDArray[np.int64]:
        return self.known


def joined(decoded: Iterable[tuple[Sequence[int], Decoded]], requests: int) -> Decoded:
    """One of the decoded pieces of so many requests; with each comes which request each of its pieces is of.

    They are asked for one by one, and what was read from the wire is let go of before the next.
    """
    parts = [_as_of_requests(one, np.asarray(numbers), requests) for numbers, one in decoded]
    if len(parts) == 1:
        return parts[0]
    arrivals = [part.arrival for part in parts]
    first = np.cumsum([0, *(len(arrival.payload) for arrival in arrivals[:-1])])
    return Decoded(
        batch=share_parents(materialise(Concat([part.batch for part in parts]))),
        spans=sum((part.spans for part in parts), np.zeros(requests, np.int64)),
        rejected=_added([part.rejected for part in parts]),
        arrival=_measured(np.concatenate([arrival.payload for arrival in arrivals]), [arrival.sizes() for arrival in arrivals]),
        good=np.concatenate([part.good + start for part, start in zip(parts, first, strict=True)]),
        forged=np.logical_or.reduce([part.forged for part in parts]),
    )


def _as_of_requests(one: Decoded, numbers: Ints, requests: int) -> Decoded:
    """The decoded pieces, counted by request instead of by piece, and without the columns of the wire."""

    def counted(counts: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(numbers, counts, requests).astype(np.int64)

    return replace(
        one,
        batch=owned(one.batch),
        spans=counted(one.spans),
        rejected={reason: counted(counts) for reason, counts in one.rejected.items()},
        arrival=_measured(numbers[one.arrival.payload], [one.arrival.sizes()]),
        forged=np.bincount(numbers, one.forged, requests) > 0,
    )


def _measured(payload: Ints, sizes: list[NDArray[np.int64]]) -> Arrival:
    return _Measured(None, payload, np.concatenate(sizes))


def _added(rejected: list[dict[str, NDArray[np.int64]]]) -> dict[str, NDArray[np.int64]]:
    out: dict[str, NDArray[np.int64]] = {}
    for counts in rejected:
        for reason, column in counts.items():
            out[reason] = out[reason] + column if reason in out else column
    return out
