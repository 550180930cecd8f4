"""Row groups hold about equally many spans and never half a trace."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytempo.block.vparquet4.row_groups import row_group_bounds


def bounds(spans: list[int], target: int) -> list[int]:
    return [int(bound) for bound in row_group_bounds(np.array(spans, np.uint32), target)]


@pytest.mark.parametrize(
    ("spans", "target", "expected"),
    [
        ([], 10, [0]),
        ([1], 10, [0, 1]),
        ([0, 0], 10, [0, 2]),
        ([5, 5, 5, 5], 10, [0, 2, 4]),
        ([1] * 25, 10, [0, 13, 25]),  # two groups of 12 or 13 rather than a third of 5
        ([100, 1, 1], 10, [0, 1, 3]),
        ([1, 1, 100, 1], 50, [0, 3, 4]),
    ],
)
def test_rows_are_cut_by_their_spans(spans: list[int], target: int, expected: list[int]) -> None:
    assert bounds(spans, target) == expected


@given(st.lists(st.integers(0, 50), min_size=1, max_size=200), st.integers(1, 100))
def test_every_row_is_in_exactly_one_group_and_no_group_is_empty(spans: list[int], target: int) -> None:
    found = bounds(spans, target)

    assert (found[0], found[-1]) == (0, len(spans))
    assert all(first < last for first, last in pairwise(found))


@given(st.lists(st.integers(1, 50), min_size=1, max_size=200), st.integers(1, 100))
def test_a_group_exceeds_its_share_by_less_than_one_trace(spans: list[int], target: int) -> None:
    found = bounds(spans, target)
    share = sum(spans) / max(1, round(sum(spans) / target))

    for first, last in pairwise(found):
        assert sum(spans[first : last - 1]) < share
