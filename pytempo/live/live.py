"""What is acknowledged and in no block yet, by WAL segment and tenant, searchable from the moment it is added.

Batches come in as they were committed, often small. Small ones are merged as they pile up, so that many requests of one span
cost no more memory than few large ones; a query that finds many sources merges them once for all that follow. Merging never
holds up the ingest. Large ones let go of the messages that they were read from (model/owned.py), which take 1.5 times as much again.
Requests that come undecoded are decoded together: when there are enough of them, or before anybody looks.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pytempo.live.pending import Decode, Pending
from pytempo.live.source import LiveSource
from pytempo.model.batch import MemoryBatch
from pytempo.model.levels import Level
from pytempo.model.merge import merge
from pytempo.model.moved import merge_moving
from pytempo.model.owned import owned

SMALL_BATCH = 512
"""Spans below which a batch counts as small: its fixed cost (some 15 kB of array headers) outweighs its content."""

SMALL_BATCHES = 32
"""How many small batches in a row are merged into one."""

MOST_SOURCES = 6
"""Sources of one segment beyond which a query merges them: each costs a query about a millisecond."""


@dataclass
class _Part:
    """The spans of one tenant in one segment."""

    sources: list[LiveSource | Pending] = field(default_factory=list)
    bytes: int = 0


class Live:
    """The live spans of a store. Every method may be called from any thread."""

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
        self._parts: dict[UUID, dict[str, _Part]] = {}
        self._lock = threading.Lock()
        self._sequence = 0
        self._due: set[str] = set()

    def add(self, segment: UUID, created: int, tenant: str, batch: MemoryBatch, size: int) -> None:
        """Take in spans that are durable in `segment` (made at `created`, unix nanoseconds); `size` is their OTLP bytes."""
        if batch.count(Level.SPAN) >= SMALL_BATCH:
            batch = owned(batch)
        with self._lock:
            part = self._part(segment, created, tenant, size)
            part.sources.append(LiveSource(batch, self._sequence))
            tail = _decoded(part.sources[-SMALL_BATCHES:])
            pile = len(tail) == SMALL_BATCHES and all(source.spans < SMALL_BATCH for source in tail)
        if pile:
            self._merge(segment, tenant, tail)

    def add_undecoded(self, segment: UUID, created: int, tenant: str, payloads: Sequence[bytes], traces: int) -> None:
        """As `add`, of requests that `decode` will find all good, with so many traces."""
        with self._lock:
            part = self._part(segment, created, tenant, sum(map(len, payloads)))
            last = part.sources[-1] if part.sources else None
            if not isinstance(last, Pending) or not last.open:
                last = Pending(tenant, self._sequence)
                part.sources.append(last)
            last.add(payloads, traces)
            if not last.open:
                self._due.add(tenant)

    def _part(self, segment: UUID, created: int, tenant: str, more: int) -> _Part:
        """Where something goes that comes now, and has so many bytes; the caller holds the lock."""
        self._sequence = max(self._sequence + 1, created)
        part = self._parts.setdefault(segment, {}).setdefault(tenant, _Part())
        part.bytes += more
        return part

    def settle(self, tenant: str, *, full: bool = False) -> None:
        """Decode what came undecoded until now; only where there is enough for a call if it is to be `full`."""
        if full and tenant not in self._due:
            return
        with self._lock:
            self._due.discard(tenant)
            parts = [tenants[tenant] for tenants in self._parts.values() if tenant in tenants]
            found = [(part, source) for part in parts for source in part.sources if isinstance(source, Pending)]
            found = [(part, pending) for part, pending in found if not (full and pending.open)]
            for _, pending in found:
                pending.open = False
        for part, pending in found:
            source = pending.source(self._decode)
            with self._lock:
                if pending in part.sources:  # otherwise somebody else has done so
                    part.sources[part.sources.index(pending)] = source

    def sources(self, tenant: str) -> tuple[LiveSource, ...]:
        """The sources of a tenant, in order of arrival: all that had come by now."""
        self.settle(tenant)
        for segment, crowded in self._crowded(tenant):
            self._merge(segment, tenant, crowded)
        with self._lock:
            return tuple(source for parts in self._parts.values() for source in _decoded(parts.get(tenant, _Part()).sources))

    def merged(self, segment: UUID, tenant: str) -> MemoryBatch:
        """All that a segment holds of a tenant, in order of arrival, each span once; the segment takes no more records.

        From then on it is the tenant's one source of that segment, so that its spans are not in memory twice while their block is written.
        """
        self.settle(tenant)
        with self._lock:
            sources = _decoded(self._parts[segment][tenant].sources)
        whole = sources[0]
        if len(sources) > 1 or not whole.is_clean:
            whole = LiveSource(merge_moving([source.raw for source in sources]), sources[0].sequence, clean=True)
            with self._lock:
                self._parts[segment][tenant].sources[:] = [whole]
        return whole.raw

    def tenants(self, segment: UUID | None = None) -> tuple[str, ...]:
        """Tenants with live spans, of one segment or of all, sorted."""
        with self._lock:
            parts = self._parts.values() if segment is None else [self._parts.get(segment, {})]
            return tuple(sorted({tenant for part in parts for tenant in part}))

    def drop(self, segment: UUID, tenant: str) -> None:
        """Forget spans that are in a block now."""
        with self._lock:
            parts = self._parts.get(segment, {})
            parts.pop(tenant, None)
            if not parts:
                self._parts.pop(segment, None)

    def bytes(self, segment: UUID | None = None) -> int:
        """OTLP bytes held, of one segment or of all."""
        with self._lock:
            parts = self._parts.values() if segment is None else [self._parts.get(segment, {})]
            return sum(part.bytes for tenants in parts for part in tenants.values())

    def bytes_of(self, tenant: str) -> int:
        """OTLP bytes held of one tenant."""
        with self._lock:
            return sum(tenants[tenant].bytes for tenants in self._parts.values() if tenant in tenants)

    def traces(self, tenant: str) -> int:
        """Traces that have live spans; one that arrived in pieces may count more than once."""
        with self._lock:
            parts = [tenants[tenant] for tenants in self._parts.values() if tenant in tenants]
            sources = [source for part in parts for source in part.sources]
            return sum(source.traces if isinstance(source, Pending) else source.raw.count(Level.TRACE) for source in sources)

    def _crowded(self, tenant: str) -> list[tuple[UUID, list[LiveSource]]]:
        """By segment the newest sources to merge: so many that each is left alone until as much again has come."""
        with self._lock:
            parts = [(segment, _decoded(tenants[tenant].sources)) for segment, tenants in self._parts.items() if tenant in tenants]
            return [(segment, _newest_small(sources)) for segment, sources in parts if len(sources) > MOST_SOURCES]

    def _merge(self, segment: UUID, tenant: str, sources: Sequence[LiveSource]) -> None:
        merged = LiveSource(merge([source.raw for source in sources]), sources[0].sequence, clean=True)
        with self._lock:
            part = self._parts.get(segment, {}).get(tenant)
            if part is None or sources[0] not in part.sources:
                return  # cut into a block, or merged by somebody else meanwhile
            first = part.sources.index(sources[0])
            if part.sources[first : first + len(sources)] == list(sources):  # not if something in between is not decoded yet
                part.sources[first : first + len(sources)] = [merged]


def _decoded(sources: Sequence[LiveSource | Pending]) -> list[LiveSource]:
    return [source for source in sources if isinstance(source, LiveSource)]


def _newest_small(sources: Sequence[LiveSource]) -> list[LiveSource]:
    """The newest sources, as far back as the one before is not larger than twice all of them together."""
    first, total = len(sources) - 1, sources[-1].spans
    while first > 0 and (sources[first - 1].spans <= 2 * total or len(sources) - first < 2):
        first -= 1
        total += sources[first].spans
    return list(sources[first:])
