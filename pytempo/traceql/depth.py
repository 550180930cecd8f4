"""Refuses trees that are nested too deeply for what walks over them by recursion later."""

from __future__ import annotations

from typing import TypeVar

from pytempo.errors import BadQuery
from pytempo.traceql.ast import MAX_DEPTH, Node, children

__all__ = ["bounded"]

N = TypeVar("N", bound=Node)


def bounded(root: N) -> N:
    """`root` itself, if it has at most MAX_DEPTH levels; BadQuery at the node where it has more."""
    pending: list[tuple[Node, int]] = [(root, 1)]
    while pending:
        node, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise BadQuery(f"the query is nested deeper than {MAX_DEPTH} levels", *node.position)
        pending.extend((child, depth + 1) for child in children(node))
    return root
