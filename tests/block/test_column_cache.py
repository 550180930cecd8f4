"""The columns that are kept: never more bytes than there may be, and none of a block that is gone."""

from __future__ import annotations

import gc
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from pytempo.block.column_cache import LARGEST, OVERHEAD, BlockColumns, ColumnCache

ROOM = 107 * (1000 + OVERHEAD)
"""For a hundred columns of 1000 bytes, and for small things."""


class Block:
    """Whose columns are kept; only its life counts here."""


def test_what_was_put_is_found_under_its_block_row_group_and_name() -> None:
    cache, one, other = ColumnCache(), Block(), Block()
    columns = cache.of(one)
    columns.put(3, "status", "kept", 10)
    assert columns.get(3, "status") == "kept"
    assert [columns.get(2, "status"), columns.get(3, "kind"), cache.of(other).get(3, "status")] == [None, None, None]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 400)), max_size=60))
def test_there_is_never_more_than_fits_and_what_is_found_is_what_was_put(put: list[tuple[int, int]]) -> None:
    block, cache = Block(), ColumnCache(2000)
    columns, sizes = cache.of(block), dict[int, int]()
    for name, size in put:
        columns.put(0, name, name, size)
        sizes.setdefault(name, size)
        assert cache.bytes <= 2000
        assert columns.get(0, name) in (name, None)
    found = [name for name in sizes if columns.has(0, name)]
    assert cache.bytes >= OVERHEAD * len(found)
    assert not put or found


def asked(columns: BlockColumns, names: Iterable[int]) -> int:
    """Ask for columns one after the other, as a scan does; how many of them were found."""
    found = 0
    for name in names:
        found += columns.get(0, name) is not None
        columns.put(0, name, name, 1000)
    return found


def test_a_scan_of_twice_the_room_finds_half_of_its_columns_again_and_again() -> None:
    block, cache = Block(), ColumnCache(ROOM)
    columns = cache.of(block)
    assert [asked(columns, range(200)) for _ in range(4)][2:] == [100, 100]


def test_what_is_asked_for_again_takes_the_place_of_what_is_not_asked_for_any_more() -> None:
    block, cache = Block(), ColumnCache(ROOM)
    columns = cache.of(block)
    for _ in range(5):
        asked(columns, range(90))
    assert [asked(columns, range(100, 190)) for _ in range(3)][2] == 90


def test_a_scan_that_is_made_once_does_not_push_out_what_is_asked_for_all_the_time() -> None:
    block, cache = Block(), ColumnCache(ROOM)
    columns = cache.of(block)
    asked(columns, range(50))
    for first in range(100, 500, 40):
        asked(columns, range(first, first + 40))
        assert asked(columns, range(50)) == 50


def test_small_things_stay_whatever_large_ones_come() -> None:
    block, cache = Block(), ColumnCache()
    columns = cache.of(block)
    for name in range(100):
        columns.put(0, name, name, 2000)
    for name in range(1000, 2000):
        columns.put(0, name, name, 10**6)
    assert sum(columns.has(0, name) for name in range(100)) == 100


def test_large_columns_and_all_columns_of_a_store_that_keeps_none_are_not_kept() -> None:
    block = Block()
    large, nothing = ColumnCache().of(block), ColumnCache(0).of(block)
    large.put(0, "text", "large", LARGEST)
    nothing.put(0, "status", "small", 1)
    assert not large.has(0, "text")
    assert not nothing.has(0, "status")


def test_columns_of_a_block_that_is_gone_make_room() -> None:
    cache, block, other = ColumnCache(), Block(), Block()
    cache.of(block).put(0, "status", "x", 1000)
    del block
    gc.collect()
    cache.of(other).put(0, "status", "y", 10)
    assert cache.bytes == 10 + OVERHEAD
