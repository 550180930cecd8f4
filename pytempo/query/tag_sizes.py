"""Answers about tags that are no larger than an editor can use: the first names and values in their order, and whether that is all."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate

from pytempo.query.results import TagNames, TagValues


def cut_values(found: TagValues, most: int) -> TagValues:
    """At most so many bytes of values (0: no limit)."""
    kept = _fitting([value.value for value in found.values], most)
    return found if kept == len(found.values) else replace(found, values=found.values[:kept], cut=True)


def cut_names(found: TagNames, most: int) -> TagNames:
    """At most so many bytes of names (0: no limit), scope by scope; a scope of which none is left is not there."""
    every = [(scope, name) for scope, names in found.scopes for name in names]
    kept = _fitting([name for _, name in every], most)
    if kept == len(every):
        return found
    names: dict[str, list[str]] = {}
    for scope, name in every[:kept]:
        names.setdefault(scope, []).append(name)
    return replace(found, scopes=tuple((scope, tuple(some)) for scope, some in names.items()), cut=True)


def _fitting(texts: list[str], most: int) -> int:
    """How many of the texts, from the first on, fit into so many bytes together."""
    if not most:
        return len(texts)
    return sum(size <= most for size in accumulate(len(text.encode()) for text in texts))
