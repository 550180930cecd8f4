"""The limits of all tenants: asked for every request and every group of spans, and replaced while the store runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from pytempo.errors import RateLimited
from pytempo.limits.bucket import NEVER, TokenBucket
from pytempo.limits.options import LimitOptions
from pytempo.limits.traces import TraceTable, beyond, first_spans
from pytempo.model.arrays import Bools, Ints
from pytempo.model.ids import TraceIds

EVERYBODY = "*"
"""The name under which overrides hold what is meant for every tenant that has none of its own."""

LIVE_TRACES, TRACE_TOO_LARGE = "live_traces_exceeded", "trace_too_large"
"""Why spans are refused; the labels are Tempo's."""

LIVE_FOR = 10 * 1_000_000_000
"""Nanoseconds after its last span for which a trace is live (Tempo: `trace_idle_period`, looked at every 10 s)."""


@dataclass(frozen=True)
class Verdict:
    """Which spans of a group may be stored, and what was counted of it."""

    refused: Mapping[str, Bools]
    """By reason the spans that may not; none stands under two reasons."""
    ids: TraceIds
    sizes: NDArray[np.int64]
    """The traces that were taken, and the bytes that came of each."""


class _Tenant:
    """What is counted for one tenant."""

    def __init__(self) -> None:
        self.bucket: TokenBucket | None = None
        self.rate = (0, 0)
        self.live_at_most = 0

    @cached_property
    def table(self) -> TraceTable:
        """Its traces, from when they are first asked for."""
        return TraceTable()


class Limits:
    """Thread-safe, but for `judge` and `take_back`, which belong to whoever writes the log."""

    def __init__(self, defaults: LimitOptions | None = None, *, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """`defaults` hold for tenants without limits of their own. `clock` gives nanoseconds that never go back."""
        self.defaults = defaults or LimitOptions()
        self._clock, self._lock = clock, threading.Lock()
        self._overrides: Mapping[str, LimitOptions] = {}
        self._tenants: dict[str, _Tenant] = {}

    @property
    def overrides(self) -> Mapping[str, LimitOptions]:
        """The limits of single tenants, and under EVERYBODY those of all others, where there are such."""
        return MappingProxyType(self._overrides)

    def replace(self, overrides: Mapping[str, LimitOptions]) -> None:
        """Other limits from now on; what was counted stays counted."""
        self._overrides = dict(overrides)

    def of(self, tenant: str) -> LimitOptions:
        """The limits of a tenant: its own, or everybody's, or the defaults. Nothing is mixed."""
        overrides = self._overrides
        return overrides.get(tenant) or overrides.get(EVERYBODY) or self.defaults

    def admit(self, tenant: str, size: int) -> None:
        """Count a request of `size` OTLP bytes. Raises RateLimited where it is too much for now."""
        limits = self.of(tenant)
        if limits.rate_limit_bytes is None:
            return
        wait = self._bucket(tenant, limits.rate_limit_bytes, limits.burst).take(size, self._clock())
        if wait is not None:
            hint = wait / 1e9 if limits.retry_info and wait < NEVER else None
            raise RateLimited(_complaint(tenant, limits.rate_limit_bytes, limits.burst, size), retry_after=hint)

    def judge(self, tenant: str, ids: TraceIds, trace: Ints, sizes: Callable[[], NDArray[np.int64]]) -> Verdict | None:
        """Count a group of spans, and say which of them may be stored; None where nothing limits them.

        `ids` are the distinct traces, `trace` [spans] says which of them each span belongs to, in order of arrival; `sizes` gives the
        bytes of each span [spans].
        """
        limits = self.of(tenant)
        if not limits.counts_traces or not len(trace):
            return None
        known, now, span_sizes = self._known(tenant), self._clock(), sizes()
        slots = known.table.slots(ids, now)
        refused: dict[str, Bools] = {}
        kept: Bools = np.ones(len(ids), np.bool_)
        if limits.max_traces:
            kept = self._admitted(known, slots, trace, limits.max_traces, now)
            if not kept.all():
                refused[LIVE_TRACES] = ~kept[trace]
        if limits.max_bytes_per_trace:
            large = beyond(trace, span_sizes, known.table.size[slots], limits.max_bytes_per_trace) & kept[trace]
            if large.any():
                refused[TRACE_TOO_LARGE] = large
        verdict = Verdict(refused, ids.take(kept), np.bincount(trace, span_sizes, len(ids))[kept].astype(np.int64))
        slots = slots[kept]
        known.live_at_most += int(np.count_nonzero(known.table.seen[slots] <= now - LIVE_FOR))
        known.table.size[slots] += verdict.sizes
        known.table.seen[slots] = now
        return verdict

    def take_back(self, tenant: str, verdict: Verdict) -> None:
        """Nothing of a group could be stored: it does not count. Its traces stay live for a while, as those of any that are sent again."""
        table = self._known(tenant).table
        table.size[table.slots(verdict.ids, self._clock())] -= verdict.sizes

    def _admitted(self, known: _Tenant, slots: Ints, trace: Ints, most: int, now: int) -> Bools:
        """The traces that are live already, and as many others, by first arrival, as there is room for."""
        since = now - LIVE_FOR
        kept: Bools = known.table.seen[slots] > since
        others = np.flatnonzero(~kept)
        if known.live_at_most + len(others) > most:
            known.live_at_most = known.table.live(since)
        room = max(most - known.live_at_most, 0)
        if len(others) > room:
            others = others[np.argsort(first_spans(trace, len(slots))[others], kind="stable")[:room]]
        kept[others] = True
        return kept

    def _known(self, tenant: str) -> _Tenant:
        with self._lock:
            return self._tenants.setdefault(tenant, _Tenant())

    def _bucket(self, tenant: str, rate: int, burst: int) -> TokenBucket:
        known = self._known(tenant)
        with self._lock:
            if known.bucket is None:
                known.bucket = TokenBucket(rate, burst, self._clock())
            elif known.rate != (rate, burst):
                known.bucket.set(rate, burst, self._clock())
            known.rate = rate, burst
            return known.bucket


def _complaint(tenant: str, rate: int, burst: int, size: int) -> str:
    limits = f"tenant {tenant} may send {rate} bytes a second and {burst} at once (rate_limit_bytes, burst_size_bytes)"
    remedy = "send smaller batches or raise the burst" if size > burst else "send less, or raise the limits"
    return f"RATE_LIMITED: {limits}; a batch of {size} bytes is too much now; {remedy}"
