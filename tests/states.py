"""The same spans in every state that a store can have them in: live, in blocks, after a restart, after a kill, spread over all of these.

What a test asks must be answered alike in each. `Stores` opens stores in a folder and brings them into a state.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import pytempo
from pytempo import Store
from pytempo.maintenance import Cut, cut
from pytempo.model import Batch, Level
from pytempo.model.tenant import DEFAULT_TENANT
from pytempo.otlp import Exported
from pytempo.query.results import FoundTrace
from tests.building import one_by_one, together


class State(enum.Enum):
    """Where the spans of a store are."""

    LIVE = "in the log and in memory"
    FLUSHED = "in one block"
    REOPENED = "read back from the log"
    KILLED = "read back from the log of a store that was never closed"
    REOPENED_FROM_BLOCKS = "in one block that a new store found"
    SPLIT = "one after the other in one of two blocks and the live part, so that traces are torn"

    @property
    def word(self) -> str:
        """For the names of tests."""
        return self.name.lower()


MOST = (State.LIVE, State.FLUSHED, State.KILLED, State.SPLIT)
"""What every question is asked of: each way in which spans are read is among them."""

PARTS = 3
"""Of SPLIT: two blocks and what is live."""

EVERY = tuple(State)
"""For what lies at the ways in and out of a state: times, ids, copies."""


class Stores:
    """Opens and closes the stores of one test, all over one data directory."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        """`settings` go to `pytempo.open`."""
        self.folder, self._settings = folder, settings
        self._store: Store | None = None

    @property
    def store(self) -> Store:
        """The store that is open; the first call opens it."""
        if self._store is None:
            self._store = pytempo.open(self.folder, **self._settings)
        return self._store

    def export(self, *requests: ExportTraceServiceRequest | bytes) -> list[Exported]:
        """Store requests, one call each."""
        return [self.store.export(request if isinstance(request, bytes) else request.SerializeToString()) for request in requests]

    def into(self, state: State) -> Store:
        """Bring what is stored into a state (SPLIT is made by `hold` alone) and return the store."""
        if state in (State.FLUSHED, State.REOPENED_FROM_BLOCKS):
            self.store.flush()
        if state is State.KILLED:
            self.kill()
        if state in (State.REOPENED, State.REOPENED_FROM_BLOCKS):
            self.close()
        return self.store

    def hold(self, state: State, *requests: ExportTraceServiceRequest) -> Store:
        """A store that holds the spans of these requests in a state."""
        if state is not State.SPLIT:
            self.export(*requests)
            return self.into(state)
        spans = [piece for request in requests for piece in one_by_one(request)]
        for part in range(PARTS):
            self.export(together(*spans[part::PARTS]))
            if part < PARTS - 1:
                self.store.flush()
        return self.store

    def close(self) -> None:
        """Close the store as it should be."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def kill(self) -> None:
        """Leave the store as a killed process would."""
        if self._store is not None:
            abandon(self._store)
            self._store = None


def abandon(store: Store) -> None:
    """What is left of a store when its process is killed: its threads are gone and its lock is free, nothing was closed or cleaned up."""
    store._upkeep.stop()
    store._flusher.stop()
    store._directory.close()


def seal(store: Store) -> None:
    """End the active segment; what comes next goes to another."""
    store._seal()


def flushes(store: Store) -> list[Iterator[Cut]]:
    """For every sealed segment its flush, which goes on by one step at each `next()` (maintenance/flush.py numbers them)."""
    store._flusher.stop()
    return [cut(segment, store._wal, store._sources, store.options.flush.block) for segment in store._wal.segments()]


def cut_steps(store: Store) -> Iterator[Cut]:
    """Cut all that is live into blocks, one step at each `next()`."""
    seal(store)
    return chain.from_iterable(flushes(store))


def matched(store: Store, query: str = "{}", **where: Any) -> list[str]:
    """The names of the spans that a query finds, sorted; `where` is what `Store.search` takes beside the query."""
    found = search_all(store, query, **where)
    return sorted(name for trace in found for name in _names_of_matches(store, trace, where.get("tenant", DEFAULT_TENANT)))


def _names_of_matches(store: Store, found: FoundTrace, tenant: str) -> list[str]:
    whole = store.trace(found.trace_id, tenant=tenant)
    assert whole is not None, f"{found.trace_id} is found by search and not by id"
    ids = [f"{number:016x}" for number in whole.batch.stored(Level.SPAN, "span_id").tolist()]
    named = dict(zip(ids, names(whole.batch), strict=True))
    return [named[span.span_id] for spanset in found.spansets for span in spanset.spans]


def matched_ids(store: Store, query: str = "{}", **where: Any) -> list[str]:
    """The ids of the spans that a query finds, sorted."""
    return sorted(span.span_id for found in search_all(store, query, **where) for spanset in found.spansets for span in spanset.spans)


def search_all(store: Store, query: str = "{}", **where: Any) -> Sequence[FoundTrace]:
    """Every trace that a query finds, with every span that matched."""
    return store.search(query, limit=100_000, spans_per_spanset=100_000, **where).traces


def names_of(store: Store, trace_id: str, tenant: str = DEFAULT_TENANT) -> list[str]:
    """The names of the spans of a trace by id, sorted; none where there is no such trace."""
    found = store.trace(trace_id, tenant=tenant)
    return [] if found is None else sorted(names(found.batch))


def names(batch: Batch) -> list[str]:
    """The names of a batch's spans, in its order."""
    return list(batch.stored(Level.SPAN, "name").to_pylist())
