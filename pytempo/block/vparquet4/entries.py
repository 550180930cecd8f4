"""Spans in file order, and how they fall into the entries of a file: scopes (`ss`) within resources (`rs`) within traces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytempo.model.arrays import Ints, offsets_of, run_heads
from pytempo.model.batch import Batch
from pytempo.model.levels import Level


@dataclass(frozen=True)
class Entries:
    """The rows of a batch as a file has them; a resource of several traces is an entry in each."""

    spans: NDArray[np.int64]
    """The batch's row of every span, in file order."""

    traces: NDArray[np.int32]
    """Resource entries of trace t: traces[t] to traces[t + 1]."""

    resources: NDArray[np.int32]
    """Scope entries of resource entry r: resources[r] to resources[r + 1]."""

    scopes: NDArray[np.int32]
    """Spans (places in `spans`) of scope entry s: scopes[s] to scopes[s + 1]."""

    resource_rows: Ints
    """The batch's resource of every resource entry."""

    scope_rows: Ints
    """The batch's scope of every scope entry."""

    @classmethod
    def of(cls, batch: Batch) -> Entries:
        """The entries of all spans of a batch."""
        spans = batch.file_order()
        trace, scope = batch.trace_of_span()[spans], batch.scope_of_span()[spans]
        heads = np.flatnonzero(run_heads(trace, scope)) if len(spans) else np.empty(0, np.int64)
        trace_of_scope, scope_rows = trace[heads], scope[heads]
        resource_of_scope = batch.resource_of_scope()[scope_rows]
        first = np.flatnonzero(run_heads(trace_of_scope, resource_of_scope)) if len(heads) else heads
        return cls(
            spans,
            offsets_of(np.bincount(trace_of_scope[first], minlength=batch.count(Level.TRACE))),
            np.append(first, len(heads)).astype(np.int32),
            np.append(heads, len(spans)).astype(np.int32),
            resource_of_scope[first],
            scope_rows,
        )

    @property
    def traces_of_resources(self) -> NDArray[np.int64]:
        """The trace of every resource entry."""
        return np.repeat(np.arange(len(self.traces) - 1), np.diff(self.traces))

    @property
    def spans_of_resources(self) -> NDArray[np.int32]:
        """Spans (places in `spans`) of resource entry r: the result's r to r + 1."""
        return self.scopes[self.resources]
