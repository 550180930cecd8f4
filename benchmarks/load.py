"""Requests made quickly: one is built, and every further one is a copy of it with other ids and times written into its bytes.

So a load costs the sender a fraction of what it costs the store, which lets both share a small machine.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.data import Corpus

START_TAG, END_TAG = b"\x39", b"\x41"
"""The tags of a span's start and end (fields 7 and 8, fixed64), which stand before eight bytes of time."""


class Template:
    """A request of so many spans, of the kind that `data` describes."""

    def __init__(self, spans: int = 512, seed: int = 1) -> None:
        corpus = Corpus(spans, spans, seed)
        text = next(corpus.requests())
        message = ExportTraceServiceRequest.FromString(text)
        found = [span for entry in message.resource_spans for scope in entry.scope_spans for span in scope.spans]
        ids = sorted({span.trace_id for span in found})
        self.spans, self.traces, self.size = len(found), len(ids), len(text)
        self._bytes = np.frombuffer(text, np.uint8)
        self._seed = seed
        traces, starts, ends, needles = [], [], [], []
        for span in found:
            times = struct.pack("<Q", span.start_time_unix_nano), struct.pack("<Q", span.end_time_unix_nano)
            traces.append(text.index(span.trace_id + b"\x12\x08" + span.span_id))
            starts.append(text.index(START_TAG + times[0], traces[-1]) + 1)
            ends.append(text.index(END_TAG + times[1], traces[-1]) + 1)
            request_id = span.attributes[-1].value.string_value.encode()
            needles.append(text.index(request_id, traces[-1]))
        self._trace_of_span = np.array([ids.index(span.trace_id) for span in found])
        self._ids, self._needles = _places(traces, 16), _places(needles, 16)
        self._times = _places(starts, 8), _places(ends, 8)
        first = min(span.start_time_unix_nano for span in found)
        self._offsets = (
            np.array([span.start_time_unix_nano - first for span in found], np.uint64) % np.uint64(10**9),
            np.array([span.end_time_unix_nano - span.start_time_unix_nano for span in found], np.uint64),
        )

    def trace_ids(self, number: int) -> NDArray[np.uint8]:
        """The ids [traces, 16] of request `number`; no two requests share one."""
        return np.random.default_rng((self._seed, number)).integers(0, 256, (self.traces, 16), np.uint8)

    def make(self, number: int, now: int) -> bytes:
        """Request `number`, its spans started within the second from `now` (unix nanoseconds)."""
        out = self._bytes.copy()
        out[self._ids] = self.trace_ids(number)[self._trace_of_span]
        digits = np.random.default_rng((self._seed, number, 1)).integers(0, 16, self._needles.shape, np.uint8)
        out[self._needles] = np.frombuffer(b"0123456789abcdef", np.uint8)[digits]
        starts = np.uint64(now) + self._offsets[0]
        for places, times in zip(self._times, (starts, starts + self._offsets[1]), strict=True):
            out[places] = times.astype("<u8").view(np.uint8).reshape(-1, 8)
        return out.tobytes()


def _places(first: list[int], width: int) -> NDArray[np.int64]:
    """The positions [n, width] of runs of bytes."""
    return np.array(first)[:, None] + np.arange(width)
