"""The distinct values of a column chunk out of its dictionary page, without its rows; only where every data page uses the dictionary.

    chunk:            dictionary page, data pages ...
    page:             header (Thrift: type, sizes, crc, encoding), then `compressed size` bytes
    dictionary page:  values one after the other, each a 32-bit length (little endian) and its bytes

See the Parquet format, `README.md` (Data Pages) and `Encodings.md` (PLAIN, RLE_DICTIONARY).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pytempo.block.checked_file import CheckedFile
from pytempo.block.thrift import CompactReader
from pytempo.errors import Damaged

_DICTIONARY_PAGE = 2
_TYPE, _UNCOMPRESSED, _COMPRESSED, _CRC = 1, 2, 3, 4
_DATA, _DATA_V2 = 5, 8
"""Fields of a page header: the headers of data pages; their encodings are field 2 and field 4."""
_USES_DICTIONARY = (2, 8)
"""PLAIN_DICTIONARY and RLE_DICTIONARY."""


def distinct_values(content: CheckedFile, column: Any) -> frozenset[bytes] | None:
    """Every value of a chunk of byte arrays, None where that cannot be told without its rows.

    `column` is the chunk's metadata in the file's footer. A value may be among them that no row has. Raises Damaged for pages that are not
    what their headers say, and what reading raises.
    """
    start, codec = column.dictionary_page_offset, _codec(column)
    if start is None or not column.has_dictionary_page or not (codec is None or pa.Codec.is_available(codec)):
        return None
    chunk, path = content.read(start, column.total_compressed_size), content.path
    try:
        (header, first, body), *data = _pages(chunk)
        if header[_TYPE] != _DICTIONARY_PAGE or not all(_encoding(page) in _USES_DICTIONARY for page, _, _ in data):
            return None
        if _CRC in header and zlib.crc32(body) != header[_CRC] % 2**32:
            raise Damaged(path, "the checksum of a dictionary page differs", start + first)
        plain = body if codec is None else pa.Codec(codec).decompress(body, header[_UNCOMPRESSED], asbytes=True)
        return frozenset(_byte_arrays(plain))
    except (ValueError, KeyError, TypeError, pa.ArrowException, OSError) as error:
        raise Damaged(path, f"no dictionary page that can be read: {error}", start) from error


def _codec(column: Any) -> str | None:
    name = str(column.compression).lower()
    return None if name == "uncompressed" else name


def _pages(chunk: bytes) -> Iterator[tuple[dict[int, Any], int, bytes]]:
    """Header, place and body of every page."""
    reader = CompactReader(chunk)
    while reader.position < len(chunk):
        header = reader.read_struct()
        first, size = reader.position, header[_COMPRESSED]
        if not 0 <= size <= len(chunk) - first:
            raise ValueError(f"a page of {size} bytes does not fit at byte {first} of its chunk")
        yield header, first, chunk[first : first + size]
        reader.position += size


def _encoding(header: dict[int, Any]) -> int | None:
    """The encoding of a data page, None for a page of another type."""
    if _DATA in header:
        return int(header[_DATA][2])
    return int(header[_DATA_V2][4]) if _DATA_V2 in header else None


def _byte_arrays(plain: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(plain):
        first = position + 4
        position = first + int.from_bytes(plain[position:first], "little")
        if position > len(plain):
            raise ValueError(f"a value ends at byte {position} of {len(plain)}")
        yield plain[first:position]
