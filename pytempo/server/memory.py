"""How the server's process has its memory from the system: what a block, a request or an answer took goes back when it is done.

Arrow's own allocator keeps what was freed for its next use, and glibc keeps a heap for each of many threads; together as much again as the
spans that are live. Libraries that open a store in their own process are left alone: this is for the process that is nothing but a server.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from contextlib import suppress

import pyarrow as pa

ARENA_MAX = -8
"""Of glibc's mallopt: the most heaps of a process."""

LOOKS = 0.5
"""Seconds between two looks at what is free."""

FREE = 32 * 1024 * 1024
"""Free bytes that the heap may keep in its midst; to give back 100 MB takes some 20 ms."""


class _Mallinfo(ctypes.Structure):
    """`struct mallinfo2` (malloc.h)."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    ]


def keep_little() -> None:
    """Take Arrow's memory from the system's allocator, and have that use one heap; not where the environment says otherwise."""
    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
        pa.set_memory_pool(pa.system_memory_pool())
    if "MALLOC_ARENA_MAX" not in os.environ:
        with suppress(AttributeError, OSError):  # another C library, which has no such heaps
            ctypes.CDLL(None).mallopt(ARENA_MAX, 1)


class GivingBack:
    """A thread that gives back what glibc keeps free, again and again; none where there is no glibc."""

    def __init__(self) -> None:
        self._free, self._trim = _glibc()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pytempo-memory", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, or let it not begin."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while self._trim is not None and not self._over.wait(LOOKS):
            if self._free() > FREE:
                self._trim(0)


def _glibc() -> tuple[Callable[[], int], Callable[[int], int] | None]:
    """How many bytes are free, and what gives them back."""
    library = ctypes.CDLL(None)
    look, trim = getattr(library, "mallinfo2", None), getattr(library, "malloc_trim", None)
    if look is None or trim is None:
        return lambda: 0, None
    look.restype = _Mallinfo
    return lambda: int(look().fordblks), trim
