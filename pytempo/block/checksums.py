"""The `checksums` file of a block: a checksum for every piece of data.parquet and for each small file beside it.

Page checksums cover the bodies of Parquet pages. They cover neither the footer, whose statistics decide what is read at all, nor page
headers, nor bloom filters, where one lost bit hides a value without a word. So every byte is covered once more:

    {"version":1,"pieceBytes":16384,"size":812345,"pieces":"<base64>","files":{"bloom-0":"<hex>","index":"<hex>"}}
    <hex>

`pieces` is XXH3 (64 bit, seed 0, little-endian) of each 16 KiB of data.parquet, the last piece may be shorter. The last line is XXH3 of
the first. Tempo neither writes nor reads the file.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import xxhash
from numpy.typing import NDArray

from pytempo.errors import Damaged

PIECE_BYTES = 16 * 1024
"""A small column chunk of a row group of 10,000 spans; what is read around it for nothing costs a few microseconds."""

VERSION = 1


@dataclass(frozen=True, slots=True)
class Checksums:
    """What the bytes of one block must be."""

    size: int
    """Bytes of data.parquet."""
    pieces: NDArray[np.uint64]
    """Of each piece of data.parquet, shape (pieces,)."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Of other files of the block: name to 16 hex digits."""
    piece_bytes: int = PIECE_BYTES

    def piece_of(self, offset: int) -> int:
        """The first byte of the piece that holds a byte."""
        return offset - offset % self.piece_bytes

    def end_of(self, offset: int) -> int:
        """Where the piece ends that holds the byte before an offset."""
        return min(-(-offset // self.piece_bytes) * self.piece_bytes, self.size)

    def check(self, data: memoryview, offset: int, path: str) -> None:
        """Raise Damaged, with the place of the first bad piece, unless `data` is what data.parquet holds from `offset` on, whole pieces."""
        first = offset // self.piece_bytes
        found = digests(data, self.piece_bytes)
        differ = np.flatnonzero(found != self.pieces[first : first + len(found)])
        if len(differ):
            raise Damaged(path, "the checksum differs", offset + int(differ[0]) * self.piece_bytes)

    def check_file(self, name: str, data: bytes, path: str) -> None:
        """Raise Damaged unless `data` is the content of the file `name`; files that are not listed are not judged."""
        wanted = self.files.get(name)
        if wanted is not None and wanted != digest(data):
            raise Damaged(path, "the checksum differs")

    def to_bytes(self) -> bytes:
        """The file's content."""
        document = {
            "version": VERSION,
            "pieceBytes": self.piece_bytes,
            "size": self.size,
            "pieces": base64.b64encode(self.pieces.astype("<u8").tobytes()).decode(),
            "files": dict(self.files),
        }
        line = json.dumps(document, separators=(",", ":")).encode()
        return line + b"\n" + digest(line).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, path: str) -> Checksums | None:
        """Read the content of the file at `path` (for messages); None for a later version. Raises Damaged for anything else."""
        line, _, last = data.partition(b"\n")
        if last != digest(line).encode() + b"\n":
            raise Damaged(path, "its own checksum differs")
        document = json.loads(line)
        if document["version"] != VERSION:
            return None
        pieces = np.frombuffer(base64.b64decode(document["pieces"]), "<u8").astype(np.uint64)
        return cls(document["size"], pieces, document["files"], document["pieceBytes"])


class HashingFile:
    """A file that is written from its begin to its end; what goes through it is hashed on the way, before any disk has had it.

    Without a file it is only hashed."""

    def __init__(self, file: BinaryIO | None = None, piece_bytes: int = PIECE_BYTES) -> None:
        self._file, self._piece_bytes = file, piece_bytes
        self._rest = b""
        self._found: list[NDArray[np.uint64]] = []
        self.closed = False
        self.size = 0

    def write(self, data: bytes | memoryview) -> int:
        """Write all of `data`."""
        given = bytes(data)
        if self._file is not None:
            self._file.write(given)
        self.size += len(given)
        waiting = self._rest + given if self._rest else given
        whole = len(waiting) - len(waiting) % self._piece_bytes
        self._found.append(digests(memoryview(waiting)[:whole], self._piece_bytes))
        self._rest = waiting[whole:]
        return len(given)

    def checksums(self) -> Checksums:
        """Of all that was written."""
        return Checksums(self.size, np.concatenate([*self._found, digests(memoryview(self._rest), self._piece_bytes)]))

    def tell(self) -> int:
        """Bytes written."""
        return self.size

    def flush(self) -> None:
        """Hand on what is held back."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Nothing: the file belongs to whoever opened it."""

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


def digests(data: memoryview, piece_bytes: int) -> NDArray[np.uint64]:
    """XXH3 of each piece of `data`, shape (pieces,)."""
    hash = xxhash.xxh3_64_intdigest
    return np.array([hash(data[first : first + piece_bytes]) for first in range(0, len(data), piece_bytes)], np.uint64)


def digest(data: bytes) -> str:
    """XXH3 as 16 hex digits."""
    return xxhash.xxh3_64_hexdigest(data)
