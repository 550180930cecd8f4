"""How the server's process has its memory from the system: what a block, a request or an answer took goes back when it is done.

Arrow's own allocator keeps what was freed for its next use, and glibc keeps a heap for each of many threads; together as much again as the
spans that are live. Who opens a store in a process of his own is left alone: this is for the process that is nothing but a server.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from pytempo.server.bridge import Lane

ARENA_MAX = -8
"""Of glibc's mallopt: the most heaps of a process."""

LOOKS = 0.1
"""Seconds between two looks at what is free: what a cut or a merge leaves free must be gone before the next one needs as much."""

UNUSED = 10
"""Looks, one after the other, at which memory has to be free while questions are answered: what one leaves the next one takes, and a fifth
of the time of all of them went by where it had been given back in between."""

FREE = 32 * 1024 * 1024
"""Bytes that may be kept free; to give back 100 MB takes some 20 ms, and as much again until they are in memory once more."""

PAGE = os.sysconf("SC_PAGE_SIZE")


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

    def __init__(self, questions: Lane) -> None:
        """`questions` are answered with memory that stays while they come."""
        self._questions = questions
        self._idle, self._trim = _glibc()
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
        if self._trim is None:
            return
        least, seen, answered = self._idle(), deque[int](maxlen=UNUSED), deque[int](maxlen=UNUSED)
        while not self._over.wait(LOOKS):
            seen.append(self._idle())
            answered.append(self._questions.done)
            least = min(least, seen[-1])
            calm = not self._questions.busy and answered[0] == answered[-1]
            spare = seen[-1] if calm else min(seen) if len(seen) == UNUSED else 0
            if spare > least + FREE:
                self._trim(0)
                least = self._idle()  # which may be more than before: what is left cannot be given back now
                seen.clear()


def _glibc() -> tuple[Callable[[], int], Callable[[int], int] | None]:
    """How many bytes of the process are in memory and not in use by what the heap has handed out, and what gives back what can be.

    What the heap says is free tells nothing: that counts what was given back, too. Some of the bytes are Python's own, and stay.
    """
    library = ctypes.CDLL(None)
    look, trim = getattr(library, "mallinfo2", None), getattr(library, "malloc_trim", None)
    if look is None or trim is None:
        return lambda: 0, None
    look.restype = _Mallinfo
    return lambda: _anonymous() - _handed_out(look()), trim


def _anonymous() -> int:
    """Bytes of the process in memory that are of no file (proc(5))."""
    resident, shared = Path("/proc/self/statm").read_bytes().split()[1:3]
    return (int(resident) - int(shared)) * PAGE


def _handed_out(info: _Mallinfo) -> int:
    return int(info.uordblks + info.hblkhd)
