"""What is acknowledged and in no block yet, by WAL segment and tenant, searchable from the moment it is added.

Batches come in as they were committed, often small. Small ones are merged as they pile up, so that many requests of one span
cost no more memory than few large ones; a query that finds many sources merges them once for all that follow. Merging never
holds up the ingest.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pytempo.live.source import LiveSource
from pytempo.model.batch import MemoryBatch
from pytempo.model.levels import Level
from pytempo.model.merge import merge

SMALL_BATCH = 512
"""Spans below which a batch counts as small: its fixed cost (some 15 kB of array headers) outweighs its content."""

SMALL_BATCHES = 32
"""How many small batches in a row are merged into one."""

MOST_SOURCES = 6
"""Sources of one segment beyond which a query merges them: each costs a query about a millisecond."""


@dataclass
class _Part:
    """The spans of one tenant in one segment."""

    sources: list[LiveSource] = field(default_factory=list)
    bytes: int = 0


class Live:
    """The live spans of a store. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._parts: dict[UUID, dict[str, _Part]] = {}
        self._lock = threading.Lock()
        self._sequence = 0

    def add(self, segment: UUID, created: int, tenant: str, batch: MemoryBatch, size: int) -> None:
        """Take in spans that are durable in `segment` (made at `created`, unix nanoseconds); `size` is their OTLP bytes."""
        with self._lock:
            self._sequence = max(self._sequence + 1, created)
            part = self._parts.setdefault(segment, {}).setdefault(tenant, _Part())
            part.sources.append(LiveSource(batch, self._sequence))
            part.bytes += size
            tail = part.sources[-SMALL_BATCHES:]
            pile = len(tail) == SMALL_BATCHES and all(source.spans < SMALL_BATCH for source in tail)
        if pile:
            self._merge(segment, tenant, tail)

    def sources(self, tenant: str) -> tuple[LiveSource, ...]:
        """The sources of a tenant, in order of arrival."""
        for segment, crowded in self._crowded(tenant):
            self._merge(segment, tenant, crowded)
        with self._lock:
            return tuple(source for parts in self._parts.values() for source in parts.get(tenant, _Part()).sources)

    def batches(self, segment: UUID, tenant: str) -> list[MemoryBatch]:
        """What a segment holds of a tenant, in order of arrival."""
        with self._lock:
            part = self._parts.get(segment, {}).get(tenant, _Part())
            return [source.raw for source in part.sources]

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
            return sum(source.raw.count(Level.TRACE) for part in parts for source in part.sources)

    def _crowded(self, tenant: str) -> list[tuple[UUID, list[LiveSource]]]:
        """By segment the newest sources to merge: so many that each is left alone until as much again has come."""
        with self._lock:
            parts = [(segment, tenants[tenant].sources) for segment, tenants in self._parts.items() if tenant in tenants]
            return [(segment, _newest_small(sources)) for segment, sources in parts if len(sources) > MOST_SOURCES]

    def _merge(self, segment: UUID, tenant: str, sources: Sequence[LiveSource]) -> None:
        merged = LiveSource(merge([source.raw for source in sources]), sources[0].sequence)
        with self._lock:
            part = self._parts.get(segment, {}).get(tenant)
            if part is None or sources[0] not in part.sources:
                return  # cut into a block, or merged by somebody else meanwhile
            first = part.sources.index(sources[0])
            if part.sources[first : first + len(sources)] == list(sources):
                part.sources[first : first + len(sources)] = [merged]


def _newest_small(sources: Sequence[LiveSource]) -> list[LiveSource]:
    """The newest sources, as far back as the one before is not larger than twice all of them together."""
    first, total = len(sources) - 1, sources[-1].spans
    while first > 0 and (sources[first - 1].spans <= 2 * total or len(sources) - first < 2):
        first -= 1
        total += sources[first].spans
    return list(sources[first:])
