"""A clock for what is told the time."""

from __future__ import annotations


class Clock:
    """Stands still until a test moves it on; `now` is in nanoseconds."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now
