"""What was used last is kept, as many things or as much of them as there may be; the rest is made again when it is asked for."""

from __future__ import annotations

import gc

from pytempo.backend import Keeper, KeptOpen


class Shelf(Keeper[str]):
    """Holds a text."""


def taken(kept: KeptOpen[str], shelf: Shelf, text: str) -> bool:
    """Whether the text had to be made."""
    made: list[str] = []

    def make() -> str:
        made.append(text)
        return text

    assert kept.take(shelf, make) == text
    return bool(made)


def test_what_was_used_longest_ago_is_let_go() -> None:
    kept, shelves = KeptOpen[str](2), [Shelf() for _ in range(3)]
    assert [taken(kept, shelves[number], "text") for number in (0, 1, 0, 2, 0, 1)] == [True, True, False, True, False, True]
    assert [shelf.opened for shelf in shelves] == ["text", "text", None]


def test_heavy_things_make_more_room() -> None:
    kept, shelves = KeptOpen[str](10, len), [Shelf() for _ in range(4)]
    for shelf, text in zip(shelves, ("four", "four", "!", "seven!!"), strict=True):
        assert taken(kept, shelf, text)
    assert [shelf.opened for shelf in shelves] == [None, None, "!", "seven!!"]
    assert not taken(kept, shelves[2], "!")


def test_what_alone_is_more_than_there_may_be_is_kept_until_the_next() -> None:
    kept, shelves = KeptOpen[str](3, len), [Shelf() for _ in range(2)]
    assert [taken(kept, shelves[0], "very much"), taken(kept, shelves[0], "very much")] == [True, False]
    assert taken(kept, shelves[1], "!")
    assert shelves[0].opened is None


def test_keepers_that_are_gone_take_no_room_for_ever() -> None:
    kept = KeptOpen[str](10, len)
    for _ in range(100):
        taken(kept, Shelf(), "four")
    gc.collect()
    shelves = [Shelf() for _ in range(2)]
    assert all(taken(kept, shelf, "four") for shelf in shelves)
    assert not any(taken(kept, shelf, "four") for shelf in shelves)
