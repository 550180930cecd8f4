"""YAML text as a tree in which everything knows its line and column; what it means is left to others.

Scalars stay the text that was written, so that `1d`, `0777` and `on` are read by the one key they belong to, not by YAML's guesses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import yaml

from pytempo.errors import BadConfig

DEEPEST, MOST_NODES = 40, 100_000
"""Bounds of a tree; aliases can make a short text grow without end."""

_NULL = "tag:yaml.org,2002:null"
_MERGE = "tag:yaml.org,2002:merge"

Value: TypeAlias = "str | list[Item] | dict[str, Item] | None"
"""What stands somewhere: text, nothing, a list or a mapping."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was set: a file with line and column (from 1), or a flag, whose line is 0."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Item:
    """A value and the place where it, or the key before it, begins."""

    value: Value
    place: Place

    def plain(self) -> object:
        """The value without places."""
        if isinstance(self.value, dict):
            return {name: item.plain() for name, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value


def read_yaml(text: str, source: str) -> Item:
    """The tree of a text; an empty one is a mapping without keys. Raises BadConfig, with the place, for no YAML and for a key twice."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Place(source, mark.line + 1, mark.column + 1) if mark else Place(source)
        raise BadConfig(f"{where}: not valid YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise BadConfig(f"{source}: not valid YAML: {error}") from error
    if root is None:
        return Item({}, Place(source, 1, 1))
    return _Reader(source).item(root, _place(source, root), 0)


def _place(source: str, node: yaml.Node) -> Place:
    return Place(source, node.start_mark.line + 1, node.start_mark.column + 1)


class _Reader:
    """Turns composed nodes into items, and counts them."""

    def __init__(self, source: str) -> None:
        self._source, self._nodes = source, 0

    def item(self, node: yaml.Node, place: Place, depth: int) -> Item:
        self._nodes += 1
        if depth > DEEPEST or self._nodes > MOST_NODES:
            raise BadConfig(f"{place}: nested more than {DEEPEST} deep, or more than {MOST_NODES} values; look for aliases")
        if isinstance(node, yaml.MappingNode):
            return Item(self._mapping(node, depth), place)
        if isinstance(node, yaml.SequenceNode):
            return Item([self.item(child, _place(self._source, child), depth + 1) for child in node.value], place)
        return Item(None if node.tag == _NULL else node.value, place)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Item]:
        merged: dict[str, Item] = {}
        found: dict[str, Item] = {}
        for key, value in node.value:
            place = _place(self._source, key)
            if key.tag == _MERGE:
                merged |= self._merged(value, place, depth)
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise BadConfig(f"{place}: a key must be a word")
            if key.value in found:
                raise BadConfig(f"{place}: key {key.value!r} is there twice, before at {found[key.value].place}; keep one")
            found[key.value] = self.item(value, place, depth + 1)
        return {**merged, **found}

    def _merged(self, node: yaml.Node, place: Place, depth: int) -> dict[str, Item]:
        """What `<<` brings in; of several mappings the first wins."""
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Item] = {}
        for child in nodes:
            value = self.item(child, place, depth + 1).value
            if not isinstance(value, dict):
                raise BadConfig(f"{place}: only a mapping can be merged")
            merged = {**value, **merged}
        return merged
