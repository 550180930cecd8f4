"""Structural operators on whole arrays: how two masks of spans stand to each other in the trees of their traces.

A tree is one column, the row of every span's parent (-1 for none). Ancestors are found by doubling the step, so a chain of a
million spans takes twenty steps, and a cycle no more.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pytempo.model.arrays import Bools, Ints
from pytempo.traceql.functions import Operator


def relate(operator: Operator, left: Bools, right: Bools, parent: Ints) -> Bools:
    """The spans that `left operator right` keeps: those of the right side that stand so to the left; with a union operator both."""
    if operator in _NEGATED:
        return right & ~_RELATIONS[_NEGATED[operator]](left, parent)
    if operator in _UNIONS:
        plain = _UNIONS[operator]
        return (right & _RELATIONS[plain](left, parent)) | (left & _RELATIONS[_OPPOSITE[plain]](right, parent))
    return right & _RELATIONS[operator](left, parent)


def children_of(mask: Bools, parent: Ints) -> Bools:
    """Spans whose parent is in the mask."""
    return (parent >= 0) & mask[np.maximum(parent, 0)]


def parents_of(mask: Bools, parent: Ints) -> Bools:
    """Spans with a child in the mask."""
    out = np.zeros(len(mask), np.bool_)
    above = parent[mask]
    out[above[above >= 0]] = True
    return out


def descendants_of(mask: Bools, parent: Ints) -> Bools:
    """Spans with an ancestor in the mask."""
    reached, step = mask.copy(), np.asarray(parent)
    for _ in range(len(mask).bit_length()):
        reached |= (step >= 0) & reached[np.maximum(step, 0)]
        step = np.where(step >= 0, step[np.maximum(step, 0)], -1)
        if not (step >= 0).any():
            break
    return children_of(reached, parent)


def ancestors_of(mask: Bools, parent: Ints) -> Bools:
    """Spans with a descendant in the mask."""
    reached, step = mask.copy(), np.asarray(parent)
    for _ in range(len(mask).bit_length()):
        above = step[reached]
        reached[above[above >= 0]] = True
        step = np.where(step >= 0, step[np.maximum(step, 0)], -1)
        if not (step >= 0).any():
            break
    return parents_of(reached, parent)


def siblings_of(mask: Bools, parent: Ints) -> Bools:
    """Spans whose parent is there and has another child in the mask."""
    known = parent >= 0
    children = np.bincount(parent[known & mask], minlength=len(parent))
    out: Bools = known & (children[np.maximum(parent, 0)] > mask)
    return out


_RELATIONS: dict[Operator, Callable[[Bools, Ints], Bools]] = {
    Operator.CHILD: children_of,
    Operator.PARENT: parents_of,
    Operator.DESCENDANT: descendants_of,
    Operator.ANCESTOR: ancestors_of,
    Operator.SIBLING: siblings_of,
}
_OPPOSITE = {
    Operator.CHILD: Operator.PARENT,
    Operator.PARENT: Operator.CHILD,
    Operator.DESCENDANT: Operator.ANCESTOR,
    Operator.ANCESTOR: Operator.DESCENDANT,
    Operator.SIBLING: Operator.SIBLING,
}
_NEGATED = {
    Operator.NOT_CHILD: Operator.CHILD,
    Operator.NOT_PARENT: Operator.PARENT,
    Operator.NOT_DESCENDANT: Operator.DESCENDANT,
    Operator.NOT_ANCESTOR: Operator.ANCESTOR,
    Operator.NOT_SIBLING: Operator.SIBLING,
}
_UNIONS = {
    Operator.UNION_CHILD: Operator.CHILD,
    Operator.UNION_PARENT: Operator.PARENT,
    Operator.UNION_DESCENDANT: Operator.DESCENDANT,
    Operator.UNION_ANCESTOR: Operator.ANCESTOR,
    Operator.UNION_SIBLING: Operator.SIBLING,
}
