"""Which leaves of a file hold what is asked for: the columns of a scan, a column, an attribute."""

from __future__ import annotations

from collections.abc import Iterable

from pytempo.block.vparquet4 import paths
from pytempo.block.vparquet4.keeping import Keeping
from pytempo.block.vparquet4.layout import ROOT, ROOT_FROM, Layout
from pytempo.block.vparquet4.stretch import Stretch
from pytempo.model.levels import ATTRIBUTE_LEVELS, DERIVED, PARENT, Level
from pytempo.model.scan import AttributeName, Scan

NEVER_READ = frozenset({paths.TRACE_ID_TEXT, paths.SERVICE_STATS_NAME, paths.SERVICE_STATS_SPANS, paths.SERVICE_STATS_ERRORS})
"""Leaves that are written for other readers: what they say is worked out of others here."""


def leaves_of(scan: Scan, stretch: Stretch, keeping: Keeping | None = None) -> frozenset[str]:
    """The leaves of a stretch that hold what a scan reads ahead, and that is not kept.

    Lists of attributes of several row groups are read of one after the other, so not ahead.
    """
    layout = stretch.file.layout
    if scan.whole:
        return layout.sent if scan.traces is not None else frozenset(layout.leaves) - NEVER_READ
    columns: Iterable[tuple[Level, str]] = scan.columns
    wanted = {(level, named.key) for named in scan.attributes for level in (ATTRIBUTE_LEVELS if named.level is None else (named.level,))}
    if keeping is not None:
        columns = [each for each in columns if not keeping.has(each)]
        wanted = {(level, key) for level, key in wanted if not keeping.has(AttributeName(level, key))}
    if len(stretch.groups) > 1:
        wanted = {(level, key) for level, key in wanted if lies_in_columns(level, key, stretch)}
    of_attributes = {path for level, key in wanted for path in leaves_of_attribute(level, key, stretch)}
    return leaves_of_columns(columns, layout) | of_attributes


def leaves_of_columns(columns: Iterable[tuple[Level, str]], layout: Layout) -> frozenset[str]:
    """The leaves behind some columns, stored or derived."""
    wanted: set[str] = set()
    for level, name in columns:
        if (level, name) in layout.stored:
            wanted.add(layout.stored[level, name])
        elif (level, name) == PARENT or (level is Level.SPAN and name in DERIVED):
            wanted.update(layout.tree)
        elif (level, name) in ROOT:
            wanted.update(layout.stored[column] for column in ROOT_FROM)
    return frozenset(wanted)


def leaves_of_attribute(level: Level, key: str, stretch: Stretch) -> list[str]:
    """The leaves of a stretch in which an attribute may lie: its own columns, and the lists where they may have its key."""
    layout = stretch.file.layout
    own = _own_leaves(level, key, stretch)
    lists = layout.attributes.get(level)
    if lists is None or not (lists.key is None or stretch.might_hold(lists.key, key)):
        return own
    return [*own, *lists.all()]


def lies_in_columns(level: Level, key: str, stretch: Stretch) -> bool:
    """Whether the values of an attribute certainly lie in columns of its own, none in the lists of a stretch."""
    return len(leaves_of_attribute(level, key, stretch)) == len(_own_leaves(level, key, stretch))


def _own_leaves(level: Level, key: str, stretch: Stretch) -> list[str]:
    return [column.path for column in stretch.file.layout.own[level] if column.key == key]
