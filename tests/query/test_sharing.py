"""Which ids several sources have, whatever sources were asked before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pytempo.model import Source, TraceIds
from pytempo.query.sharing import shared_ids


@dataclass(eq=False)
class Ids:
    """All that is asked of a source here."""

    numbers: frozenset[int]
    size: int = 1

    def trace_ids(self) -> TraceIds:
        numbers = np.array(sorted(self.numbers), np.uint64)
        return TraceIds(numbers // np.uint64(5), numbers % np.uint64(5))  # some have their first half in common


def shared(sources: Sequence[Ids]) -> list[int]:
    ids = shared_ids(cast(Sequence[Source], sources))
    return (ids.high * np.uint64(5) + ids.low).tolist()


def by_hand(sources: Sequence[Ids]) -> list[int]:
    return sorted(number for number, count in Counter(each for source in sources for each in source.numbers).items() if count > 1)


numbers = st.frozensets(st.integers(0, 40), max_size=12)


@given(st.lists(st.tuples(numbers, st.booleans()), max_size=8), st.lists(st.sets(st.integers(0, 7)), max_size=12))
def test_it_is_those_that_occur_twice(contents: list[tuple[frozenset[int], bool]], asked: list[set[int]]) -> None:
    """In every choice of sources, one after the other, some of them blocks and some of them live."""
    sources = [Ids(ids, size=int(is_block)) for ids, is_block in contents]
    for choice in [*asked, set(range(8))]:
        chosen = [source for place, source in enumerate(sources) if place in choice]
        assert shared(chosen) == by_hand(chosen)


def test_a_single_source_is_not_read() -> None:
    class Unread(Ids):
        def trace_ids(self) -> TraceIds:
            raise AssertionError("its ids are of no use")

    assert shared([Unread(frozenset({1}))]) == []
