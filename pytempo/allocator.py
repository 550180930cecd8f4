"""How the C library hands out the memory of large arrays: what one step of a query frees is there for the next, not back at the system.

A column of a stretch of row groups is an array of some 1.6 MB, and a query makes hundreds of them. glibc would give most of them back when
they are freed, and the system would have to fill the pages of the next with zeros: more than half of the time of a scan.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Of mallopt(3): how much free memory at its end makes a heap shrink, and from which size on an array is no part of a heap."""

FREE, LARGE = 64 * 1024 * 1024, 32 * 1024 * 1024
"""Bytes of both: the most that glibc would come to by itself, after a process has used and freed a few arrays as large. So much memory may
stay with a process that does nothing; a server gives it back (`server/memory.py`)."""

OWN_WORDS = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")
"""What somebody sets in the environment of a process who wants it otherwise."""


@cache
def keep_freed_arrays() -> None:
    """For this process, once; not where the environment says something else, nor with another C library."""
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    if any(word in os.environ for word in OWN_WORDS) or "_threshold" in tunables:
        return
    with suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(MMAP_THRESHOLD, LARGE)
        library.mallopt(TRIM_THRESHOLD, FREE)
