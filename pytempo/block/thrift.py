"""Reading structs of Thrift's compact protocol, as far as Parquet's small headers need it; the footer is left to pyarrow.

A struct becomes {field number: value}: bool, int, bytes, float, list, or such a dict. See the Thrift compact protocol specification.
"""

from __future__ import annotations

from enum import IntEnum
from struct import unpack
from typing import Any


class _Kind(IntEnum):
    """Types of values, as a field's header names them."""

    STOP, TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(13)


_DEEPEST = 16
"""Structs within structs: Parquet's headers have three; a limit keeps damaged bytes from exhausting the stack."""


class CompactReader:
    """Reads values from `data` one after the other; `position` is the next byte.

    Every method raises ValueError where the bytes end too early or are no value of the protocol.
    """

    def __init__(self, data: bytes, position: int = 0) -> None:
        self._data, self.position = data, position

    def read_struct(self, depth: int = 0) -> dict[int, Any]:
        """The struct that begins at `position`."""
        if depth > _DEEPEST:
            raise ValueError(f"structs nested deeper than {_DEEPEST} at byte {self.position}")
        fields: dict[int, Any] = {}
        number = 0
        while (header := self._byte()) != _Kind.STOP:
            step, kind = header >> 4, header & 15
            number = number + step if step else self._signed()
            fields[number] = kind == _Kind.TRUE if kind in (_Kind.TRUE, _Kind.FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        match kind:
            case _Kind.TRUE | _Kind.FALSE:  # within a list: a field's bool stands in its header
                return self._byte() == _Kind.TRUE
            case _Kind.BYTE:
                return self._byte()
            case _Kind.I16 | _Kind.I32 | _Kind.I64:
                return self._signed()
            case _Kind.DOUBLE:
                return unpack("<d", self._bytes(8))[0]
            case _Kind.BINARY:
                return self._bytes(self._unsigned())
            case _Kind.LIST | _Kind.SET:
                return self._list(depth)
            case _Kind.STRUCT:
                return self.read_struct(depth + 1)
        raise ValueError(f"unknown type {kind} before byte {self.position}")

    def _list(self, depth: int) -> list[Any]:
        header = self._byte()
        size = header >> 4 if header >> 4 < 15 else self._unsigned()
        if depth > _DEEPEST or size > len(self._data) - self.position:
            raise ValueError(f"a list of {size} values does not fit at byte {self.position}")
        return [self._value(header & 15, depth + 1) for _ in range(size)]

    def _signed(self) -> int:
        number = self._unsigned()
        return (number >> 1) ^ -(number & 1)

    def _unsigned(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7
            if shift > 63:
                raise ValueError(f"a number of more than 64 bits at byte {self.position}")

    def _byte(self) -> int:
        return self._bytes(1)[0]

    def _bytes(self, length: int) -> bytes:
        end = self.position + length
        if end > len(self._data):
            raise ValueError(f"ends at byte {len(self._data)}, a value goes on to byte {end}")
        value = self._data[self.position : end]
        self.position = end
        return value
