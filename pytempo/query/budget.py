"""What a query may use and what it has used: its deadline, whether anybody still waits for it, its memory, and what it looked at.

One object goes through all of a query. Whoever works for the query asks it between two steps, each of which is short.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from weakref import WeakKeyDictionary

from pytempo.errors import BadQuery, QueryStopped
from pytempo.model import Batch, Level, Source
from pytempo.model.arrays import Bools
from pytempo.query.options import QueryOptions
from pytempo.query.results import Inspected

SECOND = 1_000_000_000

NO_LIMITS = QueryOptions(timeout=0, max_memory_bytes=0)


class Budget:
    """Limits of one query, and the count of what it looks at (a `model.scan.Meter`).

    `cancel` may be called from any thread; everything else belongs to the thread that works on the query.
    """

    def __init__(self, options: QueryOptions = NO_LIMITS, *, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """The time begins now. `clock` gives nanoseconds that never go back."""
        self.inspected = Inspected()
        """What was looked at; goes on growing until the query ends."""
        self._options, self._clock = options, clock
        self._deadline = clock() + options.timeout if options.timeout else None
        self._cancelled, self._over = threading.Event(), False
        self._held: WeakKeyDictionary[Batch, int] = WeakKeyDictionary()
        self._at_most = 0

    def cancel(self) -> None:
        """Nobody waits for the answer any more: the query ends at its next step."""
        self._cancelled.set()

    def remaining(self) -> float | None:
        """Seconds until the deadline, not below zero; None where there is none."""
        return None if self._deadline is None else max(self._deadline - self._clock(), 0) / SECOND

    def check(self) -> None:
        """Raises QueryStopped once the deadline has passed (cause `deadline`) or the query was cancelled (`client`)."""
        if self._over:
            return
        if self._cancelled.is_set():
            raise client_left()
        if self._deadline is not None and self._clock() > self._deadline:
            raise self.too_slow()

    def too_slow(self) -> QueryStopped:
        """What to raise when the deadline has passed."""
        return QueryStopped(
            f"the query has not ended within {self._options.timeout / SECOND:g}s, the limit of query_timeout (--query-timeout); "
            "filter more, ask for a shorter range, or raise the limit",
            "deadline",
        )

    def restart(self) -> None:
        """The query begins anew: what it looked at so far does not count. Its deadline stays."""
        self.inspected, self._over = Inspected(), False

    def end(self) -> None:
        """The answer is there. What is read of it later is counted, and no longer limited."""
        self._over = True

    def looks_at(self, sources: Iterable[Source]) -> None:
        """Count the blocks among the sources in a query's time range."""
        sizes = [source.size for source in sources if source.size]
        self.inspected.blocks += len(sizes)
        self.inspected.block_bytes += sum(sizes)

    def looks_into(self, batch: Batch, traces: Bools) -> None:
        """Count a batch of which the traces of the mask are looked at."""
        self.check()
        self.inspected.jobs += 1
        self.inspected.traces += int(traces.sum())
        whole = traces.all()
        self.inspected.spans += batch.count(Level.SPAN) if whole else int(traces[batch.trace_of_span()].sum())

    def reads(self, size: int, batch: Batch | None = None, memory: int = 0) -> None:
        """As of any meter. Raises BadQuery where the memory limit would be passed, otherwise as `check`."""
        self.check()
        self.inspected.bytes += size
        if self._options.max_memory_bytes and not self._over and self._at_most + memory > self._options.max_memory_bytes:
            self._make_room(batch, memory)

    def holds(self, batch: Batch, memory: int) -> None:
        """As of any meter."""
        self._at_most += memory - self._held.get(batch, 0)
        self._held[batch] = memory

    def _make_room(self, batch: Batch | None, memory: int) -> None:
        """Where `memory` more is too much, let all other batches go of what they can read again."""
        limit = self._options.max_memory_bytes
        if sum(self._held.values()) + memory > limit:
            for other in [each for each in self._held if each is not batch]:
                other.release()
                del self._held[other]
        self._at_most = sum(self._held.values())
        if self._at_most + memory > limit:
            raise BadQuery(
                f"the query needs {self._at_most + memory} bytes of columns at once, more than the limit of {limit} bytes of "
                "max_query_memory_bytes (--max-query-memory-bytes); ask for less, or raise the limit"
            )


def client_left() -> QueryStopped:
    """What ends a query that nobody waits for."""
    return QueryStopped("the client has left before the query ended", "client")
