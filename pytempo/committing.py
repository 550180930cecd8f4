"""Small requests known to be good: those that wait are logged with one `fdatasync`, and none is decoded before its acknowledgement.

Whoever comes first leads: it logs all that have come by the time that the log is free, tells them, and passes the lead on to one of those
that came meanwhile. So a group is as large as a sync is slow.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from pytempo.errors import PytempoError
from pytempo.otlp import Exported, Outline

GROUP_BYTES = 512 * 1024
"""OTLP bytes logged with one sync, and decoded in one call: about 2,000 spans, which hold the interpreter for 2 ms (more delays queries,
fewer cost more a span)."""

NOT_STORED = "the request was not stored because of an internal error; it may be sent again"


class Waiting(Protocol):
    """A request that waits for its group."""

    size: int


W = TypeVar("W", bound=Waiting)


def next_group(waiting: deque[W]) -> list[W]:
    """Take the requests of the next group: at least the first that waits, if any does."""
    group: list[W] = []
    size = 0
    while waiting and (not group or size + waiting[0].size <= GROUP_BYTES):
        group.append(waiting.popleft())
        size += group[-1].size
    return group


@dataclass
class Sound:
    """A request whose spans are all good, on its way; `turn` is set when it is `done`, failed with `error`, or has to lead."""

    tenant: str
    payloads: Sequence[bytes]
    size: int
    outline: Outline
    turn: threading.Event = field(default_factory=threading.Event)
    done: bool = False
    error: PytempoError | None = None

    @property
    def outcome(self) -> Exported:
        """What its sender is told; raises `error` where there is one."""
        if self.error is not None:
            raise self.error
        return Exported(self.outline.spans)


class Committing:
    """`commit` is given groups, under the lock `writing`; it logs them and makes them live, or raises for all of them."""

    def __init__(self, writing: threading.Lock, commit: Callable[[list[Sound]], None]) -> None:
        self._writing, self._commit = writing, commit
        self._waiting: deque[Sound] = deque()
        self._mutex, self._led = threading.Lock(), False

    def __len__(self) -> int:
        """Requests that wait."""
        return len(self._waiting)

    def store(self, mine: Sound) -> None:
        """Returns when the request is durable and live. Raises what `commit` raised."""
        with self._mutex:
            self._waiting.append(mine)
            leads = not self._led
            self._led = True
        if not leads:
            mine.turn.wait()
        if not mine.done:
            self._lead()

    def _lead(self) -> None:
        """Carry out one group, which holds the one who leads; the next one to lead is woken, if there is one."""
        group: list[Sound] = []
        error: PytempoError | None = PytempoError(NOT_STORED)
        try:
            with self._writing:
                group = next_group(self._waiting)
                self._commit(group)
            error = None
        except PytempoError as refusal:
            error = refusal
        finally:
            for request in group:
                request.done, request.error = True, error
            self._pass_on()
            for request in group:
                request.turn.set()

    def _pass_on(self) -> None:
        with self._mutex:
            self._led = bool(self._waiting)
            if self._led:
                self._waiting[0].turn.set()
