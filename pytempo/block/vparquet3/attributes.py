"""The attributes of vParquet3 as the model's table: scalars from nullable columns, the rest from JSON and from AnyValue messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from google.protobuf.json_format import ParseError
from numpy.typing import NDArray

from pytempo.model.arrays import concat_text, text
from pytempo.model.attributes import TYPED, Attributes, Kind
from pytempo.otlp.attributes import read_values
from pytempo.otlp.nested import from_json


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of the attributes [m] of a level of n rows."""

    offsets: NDArray[np.int32]
    codes: NDArray[np.int32]
    names: Any

    def without_values(self) -> Attributes:
        """Attributes whose values are all nil."""
        count = len(self.codes)
        return Attributes(
            self.offsets,
            self.codes,
            self.names,
            np.zeros(count, np.uint8),
            np.zeros(count, np.bool_),
            np.zeros(count, np.int32),
            np.zeros(count, np.int32),
            *_Pools().arrays(),
        )


def from_columns(keys: Keys, scalars: Mapping[Kind, Any], json: Sequence[Any]) -> Attributes:
    """Attributes from nullable columns [m]: scalars by kind, and texts in JSON. Raises ValueError for a text that is none.

    A value of which nothing is left (bytes, an array of several types) is nil.
    """
    table, pools = keys.without_values(), _Pools()
    for kind, leaf in scalars.items():
        here = np.flatnonzero(leaf.is_valid())
        values = leaf.drop_null()
        table.kinds[here], table.counts[here] = kind, 1
        table.first[here] = pools.add(kind, values if kind is Kind.STRING else np.asarray(values)) + np.arange(len(here))
    for leaf in json:
        _fill_from_json(table, leaf, pools)
    return Attributes(table.offsets, table.keys, table.key_names, table.kinds, table.is_array, table.first, table.counts, *pools.arrays())


def from_messages(keys: Keys, values: Any) -> Attributes:
    """Attributes whose values are AnyValue messages [m]. Raises ValueError for one that cannot be read."""
    table, bad = read_values(keys.offsets, keys.codes, keys.names, values)
    if bad.any():
        raise ValueError(f"the value of attribute {int(np.flatnonzero(bad)[0])} is no AnyValue message")
    return table


def _fill_from_json(table: Attributes, leaf: Any, pools: _Pools) -> None:
    """Set the values of the attributes that have a text; every distinct text is read once."""
    encoded = leaf.dictionary_encode()
    here = np.flatnonzero(leaf.is_valid())
    if not len(here):
        return
    messages = pa.array([_message(value) for value in encoded.dictionary.to_pylist()], pa.binary())
    count = len(messages)
    none = np.zeros(count, np.int32)
    read, _ = read_values(np.arange(count + 1, dtype=np.int32), none, text([""]), messages)
    first = read.first + _bases(read, pools)[read.kinds]
    codes = np.asarray(encoded.indices.drop_null())
    told = read.kinds[codes] != Kind.NIL
    here, codes = here[told], codes[told]
    table.kinds[here], table.counts[here], table.is_array[here] = read.kinds[codes], read.counts[codes], read.is_array[codes]
    table.first[here] = first[codes]


def _message(json: str) -> bytes:
    """The AnyValue message of a JSON text; nothing at all, as Tempo writes arrays of several types, is no value."""
    if not json:
        return b""
    try:
        message: bytes = from_json(json).SerializeToString()
    except ParseError as error:
        raise ValueError(f"a value is no JSON of an AnyValue: {error}") from error
    return message


def _bases(table: Attributes, pools: _Pools) -> NDArray[np.int32]:
    """By kind where the values of a table begin once they are behind those of the pools."""
    bases = np.zeros(len(Kind), np.int32)
    for kind in (*TYPED, Kind.OTHER):
        bases[kind] = pools.add(kind, table.pool(kind))
    return bases


@dataclass(slots=True)
class _Pools:
    """The values of a table by kind, while it is made."""

    parts: dict[Kind, list[Any]] = field(
        default_factory=lambda: {
            Kind.STRING: [text([])],
            Kind.INT: [np.empty(0, np.int64)],
            Kind.DOUBLE: [np.empty(0, np.float64)],
            Kind.BOOL: [np.empty(0, np.bool_)],
            Kind.OTHER: [text([])],
        }
    )

    def add(self, kind: Kind, values: Any) -> int:
        """Add values, and tell where they begin."""
        first = sum(map(len, self.parts[kind]))
        self.parts[kind].append(values)
        return first

    def arrays(self) -> tuple[Any, ...]:
        """The pools in the order of the fields of `Attributes`."""
        texts = (Kind.STRING, Kind.OTHER)
        return tuple(concat_text(self.parts[kind]) if kind in texts else np.concatenate(self.parts[kind]) for kind in (*TYPED, Kind.OTHER))
