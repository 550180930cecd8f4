"""Many small KeyValue or AnyValue messages in one column: where the key and the value of each lie in the bytes, found for all at once.

In the usual form every known field stands once and in order; it is read by whole-array steps. A message in any other form (fields out of
order, repeated or unknown, numbers written longer than 64 bits need) is first written anew by protobuf, so that there is one form to read.
Source: the protobuf encoding guide, and common.proto of opentelemetry-proto 1.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from pytempo.model.arrays import Bools, Ints, byte_ranges
from pytempo.model.attributes import Kind
from pytempo.otlp.text import as_text
from pytempo.otlp.wire import message_class

Bytes: TypeAlias = NDArray[np.uint8]
"""Raw bytes, or one byte a message."""

KEY, VALUE = 0x0A, 0x12
"""The tags of a KeyValue's two fields."""
STRING, BOOL, INT, DOUBLE, ARRAY, MAP, BYTES = 0x0A, 0x10, 0x18, 0x21, 0x2A, 0x32, 0x3A
"""The tags of an AnyValue's fields; no tag, 0, stands for an AnyValue with nothing set."""

DELIMITED = np.isin(np.arange(256), (STRING, ARRAY, MAP, BYTES))
"""By tag: whether a length follows."""
SIZES = np.zeros(256, np.int64)
"""By tag: bytes of the whole field, 0 for those that say it themselves; -1 for a tag that an AnyValue does not know."""
SIZES[~np.isin(np.arange(256), (0, STRING, INT, ARRAY, MAP, BYTES))] = -1
SIZES[BOOL], SIZES[DOUBLE] = 2, 9

KINDS = np.full(256, Kind.NIL, np.uint8)
"""By tag: the model's kind."""
KINDS[[STRING, INT, DOUBLE, BOOL, ARRAY, MAP, BYTES]] = [Kind.STRING, Kind.INT, Kind.DOUBLE, Kind.BOOL, Kind.EMPTY, Kind.OTHER, Kind.OTHER]

NOTHING = pa.array([], pa.binary())

MARGIN = np.zeros(16, np.uint8)
"""Stands behind the bytes, so that a length may be read where none is left; a varint has at most 10 bytes."""
TOO_LONG = 2**40
"""What a broken length counts as: beyond any column."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Messages [n] taken apart: tag and content of each value, and the bytes of every key and content."""

    tags: Bytes
    regular: Bools
    """Whether the message is in the usual form."""
    data: Bytes
    places: NDArray[np.int32]
    """[n, 4]: where a key begins and ends, where its value's content begins and ends."""
    integers: NDArray[np.int64]
    """The integer values in order."""

    def keys(self) -> Any:
        """The keys [n] as a binary column."""
        return self._at(np.arange(0, 4 * len(self.tags), 4))

    def contents(self, rows: Ints) -> Any:
        """The contents of these length-delimited values, as a binary column."""
        return self._at(4 * rows + 2)

    def _at(self, positions: Ints) -> Any:
        """The bytes between a place and the next, for these places."""
        if not len(positions):
            return NOTHING
        buffers = [None, pa.py_buffer(self.places), pa.py_buffer(self.data)]
        return pa.Array.from_buffers(pa.binary(), self.places.size - 1, buffers).take(pa.array(positions))

    @property
    def kinds(self) -> Bytes:
        """The model's kind of each value; an array counts as EMPTY until it is opened."""
        return KINDS[self.tags]

    def tagged(self, tag: int) -> NDArray[np.intp]:
        """The rows whose value has this tag."""
        return np.flatnonzero(self.tags == tag)

    def values(self, kind: Kind, rows: Ints) -> Any:
        """The values at these rows, which are all the values of a typed kind."""
        if kind is Kind.STRING:
            return as_text(self.contents(rows))
        if kind is Kind.INT:
            return self.integers
        at = self.places[rows, 2].astype(np.int64)
        if kind is Kind.BOOL:
            return self.data[at].astype(np.bool_)
        return self.data[at[:, None] + np.arange(8)].view("<f8").ravel()


def take_apart(name: str, column: Any) -> tuple[Pieces, Bools]:
    """A binary column [n] of messages `name` (KeyValue or AnyValue), and a mask [n] of those that are none; they read as empty."""
    pieces, bad = _lay_out(name, column), np.zeros(len(column), np.bool_)
    if not pieces.regular.all():
        odd = np.flatnonzero(~pieces.regular)
        rewritten = [_rewritten(name, payload) for payload in column.take(pa.array(odd)).to_pylist()]
        bad[odd] = [payload is None for payload in rewritten]
        usual = pa.array([payload or b"" for payload in rewritten], pa.binary())
        pieces = _lay_out(name, pc.replace_with_mask(column, pa.array(~pieces.regular), usual))
    return pieces, bad


def _rewritten(name: str, payload: bytes) -> bytes | None:
    """The message in the usual form; None where it is none."""
    try:
        value = message_class(name).FromString(payload)
    except DecodeError:
        return None
    value.DiscardUnknownFields()
    out: bytes = value.SerializeToString()
    return out


def _lay_out(name: str, column: Any) -> Pieces:
    offsets, raw = byte_ranges(column)
    data = np.concatenate([raw, MARGIN])
    begin, end = offsets[:-1].astype(np.int64), offsets[1:].astype(np.int64)
    places = np.empty((len(column), 4), np.int32)
    if name == "KeyValue":
        places[:, 0], places[:, 1], at, regular = _find_value(data, begin, end)
    else:
        places[:, 0], places[:, 1], at, regular = begin, begin, begin, np.ones(len(column), np.bool_)
    tags = np.where(at < end, data[at], np.uint8(0))
    content, filled, integers = _measure(data, tags, at, end)
    places[:, 2], places[:, 3] = np.minimum(content, end), end
    return Pieces(tags, regular & (filled == end), data, places, integers)


def _find_value(data: Bytes, begin: Ints, end: Ints) -> tuple[Ints, Ints, Ints, Bools]:
    """Of KeyValues: where the key begins and ends, where the value begins (it ends with the message), and which are in the usual form."""
    has_key = (data[begin] == KEY) & (begin < end)
    length, key = _lengths(data, np.minimum(begin + 1, end))
    key = np.where(has_key, key, begin)
    key_end = np.where(has_key, key + length, begin)
    regular = key_end <= end
    key_end = np.minimum(key_end, end)
    has_value = key_end < end
    length, value = _lengths(data, np.minimum(key_end + 1, end))
    regular &= ~has_value | ((data[key_end] == VALUE) & (value + length == end))
    return np.minimum(key, key_end), key_end, np.where(has_value, np.minimum(value, end), end), regular


def _measure(data: Bytes, tags: Bytes, at: Ints, end: Ints) -> tuple[Ints, Ints, NDArray[np.int64]]:
    """Of AnyValues from `at` to `end`: where their contents begin, where they say they end (-1: nowhere), and the integers in order."""
    after_tag = np.minimum(at + 1, end)
    length, content = _lengths(data, after_tag)
    delimited = DELIMITED[tags]
    filled = np.where(delimited, content + length, at + SIZES[tags])
    ints, bools = (tags == INT).nonzero()[0], (tags == BOOL).nonzero()[0]
    numbers, sizes = read_varints(data, after_tag[ints])
    filled[ints] = np.where(sizes > 0, after_tag[ints] + sizes, -1)
    filled[bools[data[after_tag[bools]] > 1]] = -1
    return np.where(delimited, content, after_tag), filled, numbers.view(np.int64)


def _lengths(data: Bytes, at: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The lengths written at `at`, and where what they measure begins."""
    length, after = data[at].astype(np.int64), np.asarray(at + 1, np.int64)
    long = (length >= 0x80).nonzero()[0]
    if len(long):
        number, size = read_varints(data, at[long])
        length[long] = np.where(size > 0, np.minimum(number, np.uint64(TOO_LONG)), TOO_LONG)
        after[long] += size - 1
    return length, after


def read_varints(data: Bytes, at: Ints) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The varints that begin at `at`, and their sizes in bytes: 0 for one that does not end within 64 bits."""
    first = data[at]
    number, size = first.astype(np.uint64), np.ones(len(first), np.int64)
    going = (first >= 0x80).nonzero()[0]
    number[going] &= np.uint64(0x7F)
    for place in range(1, 10):
        if not len(going):
            return number, size
        byte = data[at[going] + place]
        number[going] |= (byte & 0x7F).astype(np.uint64) << np.uint64(7 * place)
        size[going] = place + 1
        going = going[byte >= 0x80] if place < 9 else going[byte > 1]
    size[going] = 0
    return number, size
