"""Waiting for what happens in the background and tells nobody."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds after which a test fails; what is waited for takes a fraction of one."""


def wait_for(question: Callable[[], T], patience: float = PATIENCE) -> T:
    """The first answer that counts as true. Asks until then, and fails when it does not come."""
    deadline = time.monotonic() + patience
    while not (answer := question()):
        assert time.monotonic() < deadline, f"waited {patience:.0f} s in vain; the last answer was {answer!r}"
        time.sleep(0.005)
    return answer
