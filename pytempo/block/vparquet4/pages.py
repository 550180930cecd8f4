"""The pages of a column chunk of byte arrays, read by themselves: what values may be among them is told without making rows of them.

    chunk:            dictionary page (or none), data pages ...
    page:             header (Thrift: type, sizes, crc, encoding), then `compressed size` bytes
    dictionary page:  values one after the other, each a 32-bit length (little endian) and its bytes
    data page:        levels, then, without a dictionary, the bytes of all values, with their lengths between them or before them

See the Parquet format, `README.md` (Data Pages) and `Encodings.md` (PLAIN, RLE_DICTIONARY, DELTA_LENGTH_BYTE_ARRAY).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
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
_WHOLE_VALUES = (0, 6)
"""PLAIN and DELTA_LENGTH_BYTE_ARRAY: the bytes of each value stand together."""

_UNREADABLE = (ValueError, KeyError, TypeError, pa.ArrowException, OSError)


def distinct_values(content: CheckedFile, column: Any) -> frozenset[bytes] | None:
    """Every value of a chunk, None where that cannot be told without its rows, since a page does without the dictionary.

    `column` is the chunk's metadata in the file's footer. A value may be among them that no row has. Raises Damaged for pages that are not
    what their headers say, and what reading raises.
    """
    start, codec = column.dictionary_page_offset, _codec(column)
    if start is None or not column.has_dictionary_page or not _is_known(codec):
        return None
    try:
        dictionary, *data = _pages(content, start, column)
        if dictionary.header[_TYPE] != _DICTIONARY_PAGE or not all(page.encoding in _USES_DICTIONARY for page in data):
            return None
        return frozenset(_byte_arrays(dictionary.plain(codec)))
    except _UNREADABLE as error:
        raise Damaged(content.path, f"no dictionary page that can be read: {error}", start) from error


def might_contain(content: CheckedFile, column: Any, value: bytes) -> bool:
    """Whether a value may be in a chunk without a dictionary: whether its bytes stand somewhere in the pages; true where that is not known.

    Takes a third of the time that reading and comparing the values takes. Raises as `distinct_values`.
    """
    start, codec = column.data_page_offset, _codec(column)
    if column.has_dictionary_page or not _is_known(codec):
        return True
    try:
        return any(not page.has_whole_values or value in page.plain(codec) for page in _pages(content, start, column))
    except _UNREADABLE as error:
        raise Damaged(content.path, f"no data page that can be read: {error}", start) from error


@dataclass(frozen=True, slots=True)
class _Page:
    header: dict[int, Any]
    body: bytes
    path: str
    place: int
    """Where in the file the body begins."""

    @property
    def encoding(self) -> int | None:
        """That of the values of a data page, None for a page of another type."""
        if _DATA in self.header:
            return int(self.header[_DATA][2])
        return int(self.header[_DATA_V2][4]) if _DATA_V2 in self.header else None

    @property
    def has_whole_values(self) -> bool:
        """Whether the bytes of each value stand together in `plain`; in a page of version 2 only a part is compressed."""
        return _DATA in self.header and self.encoding in _WHOLE_VALUES

    def plain(self, codec: str | None) -> bytes:
        """The body, checked and decompressed."""
        if _CRC in self.header and zlib.crc32(self.body) != self.header[_CRC] % 2**32:
            kind = "dictionary page" if self.header[_TYPE] == _DICTIONARY_PAGE else "page"
            raise Damaged(self.path, f"the checksum of a {kind} differs", self.place)
        if codec is None:
            return self.body
        plain: bytes = pa.Codec(codec).decompress(self.body, self.header[_UNCOMPRESSED], asbytes=True)
        return plain


def _codec(column: Any) -> str | None:
    name = str(column.compression).lower()
    return None if name == "uncompressed" else name


def _is_known(codec: str | None) -> bool:
    return codec is None or bool(pa.Codec.is_available(codec))


def _pages(content: CheckedFile, start: int, column: Any) -> Iterator[_Page]:
    """Every page of a chunk that begins at a byte of the file."""
    chunk = content.read(start, column.total_compressed_size)
    reader = CompactReader(chunk)
    while reader.position < len(chunk):
        header = reader.read_struct()
        first, size = reader.position, header[_COMPRESSED]
        if not 0 <= size <= len(chunk) - first:
            raise ValueError(f"a page of {size} bytes does not fit at byte {first} of its chunk")
        yield _Page(header, chunk[first : first + size], content.path, start + first)
        reader.position += size


def _byte_arrays(plain: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(plain):
        first = position + 4
        position = first + int.from_bytes(plain[position:first], "little")
        if position > len(plain):
            raise ValueError(f"a value ends at byte {position} of {len(plain)}")
        yield plain[first:position]
