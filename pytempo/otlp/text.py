"""Bytes that should be text: checked for UTF-8 as whole columns, and mended where they are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

ASCII_END = 0x80
"""Bytes below it are ASCII, and so UTF-8 wherever a value begins or ends."""

NO_BYTES = pa.py_buffer(b"")


def as_text(column: Any) -> Any:
    """A binary column without nulls as text; a value that is no UTF-8 keeps what is readable, with U+FFFD for the rest.

    Source: Unicode 16, chapter 3.9, U+FFFD substitution of maximal subparts.
    """
    _, offsets, values = column.buffers()
    if not values or np.frombuffer(values, np.uint8).max() < ASCII_END:
        return pa.StringArray.from_buffers(len(column), offsets, values or NO_BYTES, offset=column.offset)
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([value.decode("utf-8", errors="replace") for value in column.to_pylist()], pa.string())
