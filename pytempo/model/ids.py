"""Trace and span ids: as numbers inside, as bytes on the wire and on disk, as hex for people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytempo.errors import BadRequest
from pytempo.model.arrays import Array, Bools, Ints

HEX_DIGITS = frozenset("0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class TraceIds:
    """Trace ids [n] as two uint64 columns; numeric order is the byte order of the 16-byte ids."""

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.high)

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.high.nbytes + self.low.nbytes

    def take(self, rows: Ints | Bools) -> TraceIds:
        """The ids of these rows (numbers or a mask)."""
        return TraceIds(self.high[rows], self.low[rows])

    def slice(self, first: int, last: int) -> TraceIds:
        """The ids of the rows from one to before another, without copying."""
        return TraceIds(self.high[first:last], self.low[first:last])

    def to_bytes(self) -> NDArray[np.uint8]:
        """The ids as uint8 [n, 16]."""
        out = np.empty((len(self), 2), ">u8")
        out[:, 0], out[:, 1] = self.high, self.low
        return out.view(np.uint8).reshape(-1, 16)

    def hex(self, row: int) -> str:
        """One id as 32 lower-case hex digits."""
        return f"{int(self.high[row]):016x}{int(self.low[row]):016x}"

    def order(self) -> NDArray[np.int64]:
        """The rows in ascending order of ids, equal ids in row order."""
        return np.lexsort((self.low, self.high))

    @staticmethod
    def from_bytes(raw: NDArray[np.uint8]) -> TraceIds:
        """Ids from uint8 [n, 16]."""
        words = np.ascontiguousarray(raw).reshape(-1, 16).view(">u8")
        return TraceIds(words[:, 0].astype(np.uint64), words[:, 1].astype(np.uint64))

    @staticmethod
    def of(identifier: bytes) -> TraceIds:
        """The single id of these 16 bytes."""
        return TraceIds.from_bytes(np.frombuffer(identifier, np.uint8))

    @staticmethod
    def concat(parts: list[TraceIds]) -> TraceIds:
        """The ids of all parts, one part after the other."""
        if not parts:
            return TraceIds(np.empty(0, np.uint64), np.empty(0, np.uint64))
        return TraceIds(np.concatenate([part.high for part in parts]), np.concatenate([part.low for part in parts]))

    def distinct(self) -> tuple[TraceIds, NDArray[np.int32]]:
        """The distinct ids, ascending, and for every row its place among them."""
        order = self.order()
        high, low = self.high[order], self.low[order]
        head = np.ones(len(order), np.bool_)
        head[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
        codes = np.empty(len(order), np.int32)
        codes[order] = np.cumsum(head, dtype=np.int32) - 1
        return TraceIds(high[head], low[head]), codes

    def find(self, wanted: TraceIds) -> NDArray[np.int64]:
        """For every wanted id its row in these ids, which must be ascending and distinct; -1 where it is not among them."""
        if not len(self):
            return np.full(len(wanted), -1, np.int64)
        row = np.searchsorted(self.high, wanted.high)
        row[row == len(self)] = 0
        shared_high = np.zeros(len(self), np.bool_)
        shared_high[1:] = self.high[1:] == self.high[:-1]
        if shared_high.any():
            row = _find_pairs(self, wanted)
        found = (self.high[row] == wanted.high) & (self.low[row] == wanted.low)
        return np.where(found, row, -1)


def _find_pairs(ids: TraceIds, wanted: TraceIds) -> NDArray[np.int64]:
    """As `find` where several ids share their first half: a binary search over both halves as one sort key."""
    together = TraceIds.concat([ids, wanted])
    order = together.order()
    is_known = order < len(ids)
    last_known = np.maximum.accumulate(np.where(is_known, order, -1))
    row = np.empty(len(together), np.int64)
    row[order] = np.maximum(last_known, 0)
    return row[len(ids) :]


def parse_trace_id(text: str) -> bytes:
    """The 16 bytes of a trace id as people paste it: 1 to 32 hex digits of either case, zeros left out in front.

    Raises BadRequest that says which character or length is wrong.
    """
    if not text:
        raise BadRequest("a trace id is missing; it has 1 to 32 hex digits")
    for place, character in enumerate(text, 1):
        if character not in HEX_DIGITS:
            raise BadRequest(f"trace IDs can only contain hex characters: invalid character {character!r} at position {place}")
    if len(text) > 32:
        raise BadRequest(f"trace IDs can't be larger than 128 bits: {len(text)} hex digits given, at most 32 allowed")
    return bytes.fromhex(text.rjust(32, "0"))


def short_hex(trace_id: str) -> str:
    """A 32-digit id without its leading zeros, as Tempo's search writes it; an id of zeros keeps one."""
    return trace_id.lstrip("0") or "0"


def span_ids_to_bytes(ids: Array) -> NDArray[np.uint8]:
    """Span ids uint64 [n] as uint8 [n, 8]."""
    return ids.astype(">u8").view(np.uint8).reshape(-1, 8)


def span_ids_from_bytes(raw: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Span ids from uint8 [n, 8]."""
    return np.ascontiguousarray(raw).reshape(-1, 8).view(">u8").ravel().astype(np.uint64)
