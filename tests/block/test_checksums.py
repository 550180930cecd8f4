"""Checksums of a block: made while the rows are written, and no flipped bit passes them."""

from __future__ import annotations

import io
import os

import pytest

from pytempo.block.checksums import PIECE_BYTES, Checksums, HashingFile, digest
from pytempo.errors import Damaged

DATA = os.urandom(2 * PIECE_BYTES + 777)


def written(*pieces: bytes) -> Checksums:
    target = io.BytesIO()
    file = HashingFile(target)
    for piece in pieces:
        file.write(piece)
    assert target.getvalue() == b"".join(pieces)
    assert file.tell() == len(target.getvalue())
    return file.checksums()


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES, len(DATA)])
def test_what_is_hashed_while_it_is_written_holds_for_what_was_written(size: int) -> None:
    sums = written(DATA[:size])
    assert sums.size == size
    sums.check(memoryview(DATA)[:size], 0, "data")


def test_it_does_not_matter_in_which_pieces_it_was_written() -> None:
    assert written(DATA).to_bytes() == written(DATA[:5], DATA[5:20_000], b"", DATA[20_000:]).to_bytes()


@pytest.mark.parametrize("place", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, len(DATA) - 1])
def test_a_flipped_bit_is_found_in_its_piece(place: int) -> None:
    changed = bytearray(DATA)
    changed[place] ^= 1
    sums, first = written(DATA), place - place % PIECE_BYTES
    with pytest.raises(Damaged, match=f"data at byte {first}: the checksum differs"):
        sums.check(memoryview(changed), 0, "data")
    with pytest.raises(Damaged, match=f"data at byte {first}: the checksum differs"):
        sums.check(memoryview(changed)[first:], first, "data")


def test_places_are_widened_to_whole_pieces() -> None:
    sums = written(DATA)
    assert [sums.piece_of(place) for place in (0, 5, PIECE_BYTES, PIECE_BYTES + 1)] == [0, 0, PIECE_BYTES, PIECE_BYTES]
    assert [sums.end_of(place) for place in (1, PIECE_BYTES, PIECE_BYTES + 1, len(DATA))] == [
        PIECE_BYTES,
        PIECE_BYTES,
        2 * PIECE_BYTES,
        len(DATA),
    ]


def test_the_file_is_read_back_and_judges_the_small_files_that_it_lists() -> None:
    made = written(DATA)
    sums = Checksums.from_bytes(Checksums(made.size, made.pieces, {"index": digest(b"rows")}).to_bytes(), "checksums")
    assert sums is not None
    sums.check(memoryview(DATA), 0, "data")
    sums.check_file("index", b"rows", "index")
    sums.check_file("notes", b"of somebody else", "notes")
    with pytest.raises(Damaged, match="index: the checksum differs"):
        sums.check_file("index", b"rowz", "index")


def test_no_changed_byte_of_the_file_itself_passes() -> None:
    content = written(DATA[:9000]).to_bytes()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(Damaged, match="its own checksum differs"):
            Checksums.from_bytes(bytes(changed), "checksums")


def test_a_later_version_is_left_alone() -> None:
    line = b'{"version":2,"anything":[]}'
    assert Checksums.from_bytes(line + b"\n" + digest(line).encode() + b"\n", "checksums") is None
