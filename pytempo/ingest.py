"""From requests to acknowledgements: all that wait are decoded together, written with one `fdatasync`, and made searchable.

There is no ingest thread. Whoever asks first works for all that wait by then, in two stages so that one group is decoded while
the one before is synced:  decode ─► limits, log and sync ─► live ─► acknowledge.  The order of groups is the same in both stages.

Most requests of tenants without limits go another way, since a decoding costs as much for one span as for two hundred: where their outline
shows that nothing is wrong with them they are logged, acknowledged, and decoded when there are enough of them or a query comes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from pytempo.committing import GROUP_BYTES, NOT_STORED, Committing, Sound, next_group
from pytempo.errors import BadRequest, PytempoError
from pytempo.limits import Limits, Verdict
from pytempo.live import Live
from pytempo.model.levels import Level
from pytempo.otlp import Decoded, Exported, decode, outline
from pytempo.wal import Record, Wal

SMALL = GROUP_BYTES
"""OTLP bytes up to which a request is only outlined at first: what one decoding takes. Beyond it there is nothing to wait for."""


@dataclass
class _Waiting:
    """A request on its way; `done` is set when `outcome` or `error` is."""

    tenant: str
    payloads: Sequence[bytes]
    size: int
    done: threading.Event = field(default_factory=threading.Event)
    outcome: Exported | None = None
    error: PytempoError | None = None

    def fail(self, error: PytempoError) -> None:
        self.error = error
        self.done.set()


@dataclass
class _Group:
    """Requests of one tenant that were decoded together, and what came of them."""

    tenant: str
    requests: list[_Waiting]
    decoded: Decoded
    verdict: Verdict | None = None
    records: list[Record] = field(default_factory=list)

    def judge(self, limits: Limits) -> None:
        """Leave out what the tenant may not store, and say what the log must hold of the rest."""
        batch = self.decoded.batch
        self.verdict = limits.judge(self.tenant, batch.trace_ids(), batch.trace_of_span(), self.decoded.sizes)
        if self.verdict is not None:
            self.decoded = self.decoded.without(self.verdict.refused)
        logged = self.decoded.to_log([payload for request in self.requests for payload in request.payloads])
        self.records = [Record(self.tenant, payload) for payload in logged if payload]


class Ingest:
    """Takes requests and acknowledges them.

    `committed` is told the bytes of every group that became durable, `stored` tenant, traces and bytes of each part of it;
    `shortened` cuts attributes that are longer than the tenant's may be.
    """

    def __init__(
        self,
        wal: Wal,
        live: Live,
        limits: Limits,
        *,
        committed: Callable[[int], None],
        stored: Callable[[str, int, int], None],
        shortened: Callable[[str, Decoded], Decoded],
    ) -> None:
        self._wal, self._live, self._limits = wal, live, limits
        self._committed, self._stored, self._shortened = committed, stored, shortened
        self._queue: deque[_Waiting] = deque()
        self._decoding, self._writing = threading.Lock(), threading.Lock()
        self._committing = Committing(self._writing, self._commit_sound)

    @property
    def writing(self) -> threading.Lock:
        """Held while the log is written; who holds it may seal the segment."""
        return self._writing

    def export(self, tenant: str, payloads: Sequence[bytes]) -> Exported:
        """Returns when every good span of the payloads is on disk and searchable.

        Raises BadRequest for bytes that are no OTLP request (nothing of this call is kept), Unavailable where the disk refuses.
        """
        size = sum(map(len, payloads))
        outlined = outline(payloads) if size <= SMALL and not self._limits.of(tenant).concerns_spans else None
        if outlined is not None:
            sound = Sound(tenant, payloads, size, outlined)
            self._committing.store(sound)
            self._live.settle(tenant, full=True)
            return sound.outcome
        mine = _Waiting(tenant, payloads, size)
        self._queue.append(mine)
        while not mine.done.is_set():
            if not self._work():
                mine.done.wait()
        if mine.error is not None:
            raise mine.error
        assert mine.outcome is not None
        return mine.outcome

    def _work(self) -> bool:
        """Carry one group through both stages; False where nobody waits to be taken."""
        taken: list[_Waiting] = []
        try:
            with self._decoding:
                taken = next_group(self._queue)
                groups = self._decode(taken)
                self._writing.acquire()
            try:
                self._commit(groups)
            finally:
                self._writing.release()
        finally:
            _finish(taken)
        return bool(taken)

    def _decode(self, taken: list[_Waiting]) -> list[_Group]:
        groups: list[_Group] = []
        for tenant in dict.fromkeys(request.tenant for request in taken):
            groups += _decode_together(tenant, [request for request in taken if request.tenant == tenant])
        for group in groups:
            group.decoded = self._shortened(group.tenant, group.decoded)
        return groups

    def _commit(self, groups: list[_Group]) -> None:
        """Log, sync, publish; a refusal of the disk is the outcome of every request in the groups."""
        try:
            for group in groups:
                group.judge(self._limits)
            if records := [record for group in groups for record in group.records]:
                self._publish(groups, records)
        except PytempoError as error:
            for group in groups:
                if group.verdict is not None:
                    self._limits.take_back(group.tenant, group.verdict)
                for request in group.requests:
                    request.fail(error)
            return
        for group in groups:
            _tell(group)

    def _commit_sound(self, group: list[Sound]) -> None:
        """Log, sync and publish requests that are decoded later."""
        position = self._wal.append_and_sync([Record(request.tenant, payload) for request in group for payload in request.payloads])
        active = self._wal.active
        assert active is not None
        for tenant in dict.fromkeys(request.tenant for request in group):
            mine = [request for request in group if request.tenant == tenant]
            payloads = [payload for request in mine for payload in request.payloads]
            traces = len(frozenset().union(*[request.outline.traces for request in mine]))
            self._live.add_undecoded(position.segment, active.created, tenant, payloads, traces)
            self._stored(tenant, traces, sum(request.size for request in mine))
        self._committed(sum(request.size for request in group))

    def _publish(self, groups: list[_Group], records: list[Record]) -> None:
        position = self._wal.append_and_sync(records)
        active = self._wal.active
        assert active is not None
        for group in groups:
            if not group.decoded.spans.any():
                continue
            size = sum(len(record.payload) for record in group.records)
            self._live.add(position.segment, active.created, group.tenant, group.decoded.batch, size)
            self._stored(group.tenant, group.decoded.batch.count(Level.TRACE), size)
        self._committed(sum(len(record.payload) for record in records))


def _finish(taken: list[_Waiting]) -> None:
    """Nobody may be left waiting, whatever went wrong while the group was worked on."""
    for request in taken:
        if not request.done.is_set():
            request.fail(PytempoError(NOT_STORED))


def _decode_together(tenant: str, requests: list[_Waiting]) -> list[_Group]:
    """One group where all bytes are sound; otherwise one for each sound request, and an error for each of the others."""
    try:
        return [_Group(tenant, requests, decode([payload for request in requests for payload in request.payloads]))]
    except BadRequest as error:
        if len(requests) == 1:
            requests[0].fail(error)
            return []
    return [group for request in requests for group in _decode_together(tenant, [request])]


def _tell(group: _Group) -> None:
    """Give every request its share of what the group's decoding counted."""
    lengths = [len(request.payloads) for request in group.requests]
    ends = np.cumsum(lengths)
    for request, first, last in zip(group.requests, ends - lengths, ends, strict=True):
        counts = {reason: int(column[first:last].sum()) for reason, column in group.decoded.rejected.items()}
        reasons = tuple((reason, count) for reason, count in counts.items() if count)
        request.outcome = Exported(int(group.decoded.spans[first:last].sum()), sum(count for _, count in reasons), reasons)
        request.done.set()
