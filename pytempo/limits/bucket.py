"""A token bucket: so much a second on average, and up to a burst at once."""

from __future__ import annotations

import threading

SECOND = 1_000_000_000


class TokenBucket:
    """Bytes that may still come. Full at first; thread-safe. Times are nanoseconds of a clock that never goes back."""

    def __init__(self, rate: int, burst: int, now: int) -> None:
        """`rate` is in bytes a second, `burst` in bytes."""
        self._rate, self._burst = rate, burst
        self._level, self._then = burst * SECOND, now  # whole billionths of a byte, so that nothing is lost to rounding
        self._lock = threading.Lock()

    def set(self, rate: int, burst: int, now: int) -> None:
        """Other limits from now on; what has been taken stays taken."""
        with self._lock:
            self._fill(now)
            self._rate, self._burst = rate, burst
            self._level = min(self._level, burst * SECOND)

    def take(self, size: int, now: int) -> int | None:
        """None where `size` bytes may come, which are then gone; otherwise, with nothing taken, the nanoseconds until they might.

        Never is 2**63: more than a burst, or a rate of nothing.
        """
        with self._lock:
            self._fill(now)
            missing = size * SECOND - self._level
            if missing <= 0:
                self._level -= size * SECOND
                return None
            return NEVER if size > self._burst or not self._rate else -(-missing // self._rate)

    def _fill(self, now: int) -> None:
        passed = max(now - self._then, 0)
        self._then += passed
        self._level = min(self._level + passed * self._rate, self._burst * SECOND)


NEVER = 2**63
"""Longer than any clock runs."""
