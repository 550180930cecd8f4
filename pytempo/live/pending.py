"""Acknowledged requests that are no columns yet: they are gathered, since one decoding of many costs a tenth of many of one each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from pytempo.live.source import LiveSource
from pytempo.model.batch import MemoryBatch
from pytempo.model.owned import owned

Decode = Callable[[str, Sequence[bytes]], MemoryBatch]
"""A tenant's requests, all known to be good, as one batch."""

FULL = 512 * 1024
"""OTLP bytes that are decoded in one call: about 2,000 spans, which hold the interpreter, and a query that comes first, for 5 ms."""


class Pending:
    """Requests of one tenant in one segment. Whoever has it may have them decoded; that is done once."""

    def __init__(self, tenant: str, sequence: int) -> None:
        self.bytes = self.traces = 0
        self.open = True
        """Whether more may be added. Read and written by `Live`, under its lock."""
        self._tenant, self._sequence = tenant, sequence
        self._payloads: list[bytes] = []
        self._source: LiveSource | None = None
        self._lock = threading.Lock()

    def add(self, payloads: Sequence[bytes], traces: int) -> None:
        """Take in requests with so many traces; it is full when it has `FULL` bytes."""
        self._payloads += payloads
        self.bytes += sum(map(len, payloads))
        self.traces += traces
        self.open = self.bytes < FULL

    def source(self, decode: Decode) -> LiveSource:
        """The spans, decoded by the first who asks; no more may be added by then."""
        with self._lock:
            if self._source is None:
                self._source = LiveSource(owned(decode(self._tenant, self._payloads)), self._sequence)
                self._payloads = []
            return self._source
