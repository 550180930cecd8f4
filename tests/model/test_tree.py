"""Trees: parents and nested-set numbers against a plain recursive reading of the same rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pytempo.model.tree import CLIENT, SERVER, Nesting, join, number, numbered_parents, parents


@dataclass(frozen=True)
class Node:
    trace: int
    identifier: int
    parent: int
    kind: int = 1


nodes = st.builds(Node, st.integers(0, 1), st.integers(1, 6), st.integers(0, 7), st.sampled_from([1, CLIENT, SERVER, 4]))
traces = st.lists(nodes, max_size=14)
"""Small enough that ids meet: cycles, spans that are their own parent, missing parents, shared ids, several roots."""


def expected_parents(spans: list[Node]) -> list[int]:
    return [expected_parent(spans, row) for row in range(len(spans))]


def expected_parent(spans: list[Node], row: int) -> int:
    span = spans[row]
    candidates = [other for other, node in enumerate(spans) if node.trace == span.trace and node.identifier == span.parent != 0]
    if len(candidates) > 1:
        half = CLIENT if span.kind == SERVER else SERVER
        halves = [other for other in candidates if spans[other].kind == half]
        candidates = halves or sorted(candidates, key=lambda other: spans[other].kind)
    return candidates[0] if candidates and candidates[0] != row else -1


def found_parents(spans: list[Node]) -> list[int]:
    columns = [np.array([getattr(node, name) for node in spans], dtype) for name, dtype in COLUMNS]
    return parents(*columns).tolist()


COLUMNS = (("trace", np.int32), ("identifier", np.uint64), ("parent", np.uint64), ("kind", np.int32))


def found_numbers(spans: list[Node], order: list[int]) -> Nesting:
    trace, is_root = np.array([node.trace for node in spans], np.int32), np.array([node.parent == 0 for node in spans], np.bool_)
    return number(np.array(expected_parents(spans), np.int64), trace, is_root, np.array(order, np.int64))


def expected_numbers(spans: list[Node], order: list[int]) -> list[tuple[int, int, int]]:
    """Depth first with one counter a trace, roots and children in file order; what no root reaches keeps zeros."""
    parent, out, counters = expected_parents(spans), [(0, 0, 0)] * len(spans), dict.fromkeys((0, 1), 0)

    def enter(row: int, above: int) -> None:
        trace = spans[row].trace
        counters[trace] += 1
        left = counters[trace]
        for child in order:
            if parent[child] == row and spans[child].parent != 0:
                enter(child, left)
        counters[trace] += 1
        out[row] = (left, counters[trace], above)

    for row in order:
        if spans[row].parent == 0:
            enter(row, -1)
    return out


@settings(max_examples=300)
@given(traces)
def test_parents_are_found_within_the_trace(spans: list[Node]) -> None:
    assert found_parents(spans) == expected_parents(spans)


@settings(max_examples=300)
@given(traces, st.randoms(use_true_random=False))
def test_numbers_are_those_of_a_walk_depth_first(spans: list[Node], random: object) -> None:
    order = list(range(len(spans)))
    random.shuffle(order)  # type: ignore[attr-defined]
    order.sort(key=lambda row: spans[row].trace)
    nesting = found_numbers(spans, order)
    together = zip(nesting.nested_left.tolist(), nesting.nested_right.tolist(), nesting.nested_parent.tolist(), strict=True)
    assert list(together) == expected_numbers(spans, order)
    parent = expected_parents(spans)
    assert nesting.child_count.tolist() == [parent.count(row) for row in range(len(spans))]


@settings(max_examples=300)
@given(traces, st.randoms(use_true_random=False))
def test_numbers_tell_the_parents_that_they_were_given_by(spans: list[Node], random: object) -> None:
    order = list(range(len(spans)))
    random.shuffle(order)  # type: ignore[attr-defined]
    nesting = found_numbers(spans, order)
    trace, *ids = (np.array([getattr(node, name) for node in spans], dtype) for name, dtype in COLUMNS)
    found = numbered_parents(trace, nesting.nested_left, nesting.nested_parent, lambda rows: [column[rows] for column in ids])
    assert found.tolist() == expected_parents(spans)


def test_two_roots_and_a_child_are_numbered_as_in_the_format_reference() -> None:
    nesting = found_numbers([Node(0, 1, 0), Node(0, 2, 0), Node(0, 3, 2)], [0, 1, 2])
    assert nesting.nested_left.tolist() == [1, 3, 4]
    assert nesting.nested_right.tolist() == [2, 6, 5]
    assert nesting.nested_parent.tolist() == [-1, -1, 3]
    assert nesting.child_count.tolist() == [0, 1, 0]


def test_the_halves_of_a_call_share_an_id_and_hang_under_each_other() -> None:
    root, client, server, inner = Node(0, 1, 0), Node(0, 2, 1, CLIENT), Node(0, 2, 2, SERVER), Node(0, 3, 2)
    assert found_parents([root, client, server, inner]) == [-1, 0, 1, 2]
    assert found_parents([inner, server, client, root]) == [1, 2, 3, -1]


def test_which_of_several_spans_is_the_parent_does_not_depend_on_arrival() -> None:
    first, second, child = Node(0, 2, 0, 4), Node(0, 2, 0, 1), Node(0, 3, 2)
    assert found_parents([first, second, child]) == [-1, -1, 1]
    assert found_parents([second, first, child]) == [-1, -1, 0]


def test_a_very_deep_chain_needs_no_recursion() -> None:
    spans = [Node(0, row + 1, row) for row in range(3000)]
    nesting = number(np.arange(-1, 2999), np.zeros(3000, np.int32), np.arange(3000) == 0, np.arange(3000))
    assert found_parents(spans) == list(range(-1, 2999))
    assert nesting.nested_left.tolist() == list(range(1, 3001))
    assert nesting.nested_right[0] == 6000


def test_pairs_that_mix_to_one_number_are_told_apart() -> None:
    golden = 0x9E3779B97F4A7C15
    trace = np.array([0, 1, 1], np.int32)
    identifier = np.array([golden ^ 5, 5, 7], np.uint64)
    wanted = join(trace, identifier, np.array([1, 0, 0], np.int32), np.array([5, golden ^ 5, 5], np.uint64))
    assert wanted.tolist() == [1, 0, -1]
