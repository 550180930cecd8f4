"""Which spans of a request were refused when it was taken, written behind the request itself, so that a log of requests tells it again.

The mark is one more field of ExportTraceServiceRequest, which readers that do not know it pass over: a bit for each span in the order of
the wire, the lowest bit of the first byte first. Of two marks the last counts; so one that a sender put there itself is undone by another.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pytempo.model.arrays import Bools, Ints, byte_ranges
from pytempo.otlp.descriptors import message
from pytempo.otlp.pieces import varint


def marked(payload: bytes, refused: Bools) -> bytes:
    """The request with the mark that these of its spans [n] were refused; none of them undoes any mark."""
    bits = np.packbits(refused, bitorder="little").tobytes() if refused.any() else b""
    return payload + varint(message("Request").fields_by_name["refused"].number << 3 | 2) + varint(len(bits)) + bits


def has_mark(marks: Any) -> Bools:
    """Which requests [n] have a mark; `marks` is the column of them."""
    offsets, _ = byte_ranges(marks)
    there: Bools = offsets[1:] != offsets[:-1]
    return there


def refused_spans(marks: Any, spans: Ints) -> Bools:
    """Which spans of all requests are marked as refused; `spans` [n] counts those of each request. A mark too short refuses no more."""
    out = np.zeros(int(spans.sum()), np.bool_)
    ends = np.cumsum(spans)
    for row in np.flatnonzero(has_mark(marks)).tolist():
        bits = np.unpackbits(np.frombuffer(marks[row].as_py(), np.uint8), count=int(spans[row]), bitorder="little")
        out[ends[row] - spans[row] : ends[row]] = bits
    return out
