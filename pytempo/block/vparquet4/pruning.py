"""Which row groups of a file cannot hold what a scan wants: told from statistics, bloom filters and dictionaries, without their rows.

Every answer may be too cautious and is never too bold: whatever is not certain might match.
"""

from __future__ import annotations

import enum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytempo.block.value_bloom import ValueBlooms
from pytempo.block.vparquet4 import paths, words
from pytempo.block.vparquet4.data_file import Chunk, DataFile
from pytempo.block.vparquet4.write_options import BLOOM_COLUMNS
from pytempo.model.arrays import Bools
from pytempo.model.levels import ATTRIBUTE_LEVELS, Level
from pytempo.model.scan import MAX_TIME, AttributeName, Condition, Scan

LONGEST_DURATION = 2**63 - 1
"""Durations beyond this many nanoseconds compare as this."""


VALUES_KNOWN = 500
"""Texts, and conditions, for which it is remembered which row groups may hold them: a kilobyte each in a block of a million spans."""

ERRING = 8
"""Where the filters of at most one in so many row groups may hold a text, some of them err, and the pages are looked through for its bytes.
Where more of them may, it is there."""

_NOT_JUDGED = np.int8(-1)


class Rows(enum.Enum):
    """What is known of the rows of a row group."""

    MIGHT_MATCH = "rows might match"
    CANNOT_MATCH = "rows cannot match"


ROWS_MIGHT_MATCH, ROWS_CANNOT_MATCH = Rows.MIGHT_MATCH, Rows.CANNOT_MATCH


class Pruning:
    """Asks a file's footer and filters; they are read once and kept. Safe to use from several threads."""

    def __init__(self, file: DataFile) -> None:
        self._file, self._stored, self._attributes, self._own = file, file.layout.stored, file.layout.attributes, file.layout.own
        self._blooms: dict[str, ValueBlooms] = {}
        self._holding: dict[tuple[str, Any], Bools] = {}
        self._used: dict[str, Bools] = {}
        self._judged: dict[tuple[Condition, type], NDArray[np.int8]] = {}

    def row_groups(self, scan: Scan) -> list[int]:
        """The row groups whose rows might match; a single wanted trace (`scan.traces`) is not looked at here."""
        groups = self._by_filters(scan)
        groups = groups[self._inside(scan)[groups]]
        if scan.all_conditions:
            for condition in scan.conditions:
                groups = groups[self._met(condition, groups, scan)]
        elif scan.conditions:
            unmet = groups
            for condition in scan.conditions:
                unmet = unmet[~self._met(condition, unmet, scan)]
            groups = np.setdiff1d(groups, unmet, assume_unique=True)
        found: list[int] = groups.tolist()
        return found

    def _by_filters(self, scan: Scan) -> NDArray[np.int64]:
        """The row groups that the filters of values leave: they are asked for all at once, and most questions for one value end here."""
        masks = [mask for mask in map(self._by_filter, scan.conditions) if mask is not None] if scan.all_conditions else []
        return np.flatnonzero(np.logical_and.reduce(masks)) if masks else np.arange(self._file.row_groups)

    def _inside(self, scan: Scan) -> Bools:
        """The row groups of which a trace may touch the time range."""
        starts, ends = self._bounds
        inside: Bools = np.logical_and(starts <= scan.end, ends >= scan.start)
        return inside

    @cached_property
    def _bounds(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """When the first trace of each row group begins, and when the last one ends, at most."""
        groups = range(self._file.row_groups)
        starts = (self._file.chunk(group, paths.TRACE_START).low for group in groups)
        ends = (self._file.chunk(group, paths.TRACE_END).high for group in groups)
        return (
            np.array([0 if start is None else start for start in starts], np.uint64),
            np.array([MAX_TIME if end is None else end for end in ends], np.uint64),
        )

    def _met(self, condition: Condition, groups: NDArray[np.int64], scan: Scan) -> Bools:
        """Whether rows of each of these row groups might fulfil a condition."""
        judged = self._judged_before(condition)
        if scan.meter is not None:
            scan.meter.check()
        for group in groups[judged[groups] == _NOT_JUDGED].tolist():
            if scan.meter is not None:
                scan.meter.check()  # a query may have thousands of conditions, and a block thousands of row groups
            judged[group] = self._condition(group, condition) is ROWS_MIGHT_MATCH
        met: Bools = judged[groups] == 1
        return met

    def _judged_before(self, condition: Condition) -> NDArray[np.int8]:
        """What was found of a condition in every row group: 1 where rows might match, 0 where not; any thread finds the same."""
        key = (condition, type(condition.value))  # 1, 1.0 and true are equal
        judged = self._judged.get(key)
        if judged is None:
            if len(self._judged) >= VALUES_KNOWN:
                self._judged = {}
            judged = self._judged[key] = np.full(self._file.row_groups, _NOT_JUDGED)
        return judged

    def _by_filter(self, condition: Condition) -> Bools | None:
        """The row groups that may hold a text; None for what filters say nothing of."""
        operand = condition.operand
        if not isinstance(operand, AttributeName) or condition.operator != "=" or not isinstance(condition.value, str):
            return None
        masks = []
        for level in ATTRIBUTE_LEVELS if operand.level is None else (operand.level,):
            listed = self._attributes.get(level)
            paths = [column.path for column in self._own[level] if column.key == operand.key]
            paths += listed.comparable(condition.value) if listed is not None else ()
            if not BLOOM_COLUMNS.issuperset(paths):
                return None
            masks += [self._holds(path, condition.value) for path in paths]
            masks += [self._is_used(path) for path in (listed.untyped if listed is not None else ())]
        return np.logical_or.reduce(masks) if masks else None

    def _is_used(self, path: str) -> Bools:
        """The row groups in which a leaf has any value."""
        if path not in self._used:
            groups = range(self._file.row_groups)
            self._used[path] = np.array([not self._file.chunk(group, path).empty for group in groups], np.bool_)
        return self._used[path]

    def reasons(self, scan: Scan) -> list[str | None]:
        """For every row group why it is left out, in words; None for those that `row_groups` names."""
        left, inside = set(self.row_groups(scan)), self._inside(scan)
        return [None if group in left else self._why(group, scan, inside[group]) for group in range(self._file.row_groups)]

    def _condition(self, group: int, condition: Condition) -> Rows:
        operand = condition.operand
        if not isinstance(operand, AttributeName):
            return self._column(group, operand, condition)
        for level in ATTRIBUTE_LEVELS if operand.level is None else (operand.level,):
            if self._attribute(group, level, operand.key, condition) is ROWS_MIGHT_MATCH:
                return ROWS_MIGHT_MATCH
        return ROWS_CANNOT_MATCH

    def _column(self, group: int, column: tuple[Level, str], condition: Condition) -> Rows:
        name = column[1]
        if column not in self._stored or name.startswith("dropped") or name.endswith("_id") or name == "time_since_start":
            return ROWS_MIGHT_MATCH  # derived, or stored in another form than it compares in
        chunk = self._file.chunk(group, self._stored[column])
        if name == "kind" and not (chunk.low is not None and chunk.low >= 0 and chunk.high <= 5):
            return ROWS_MIGHT_MATCH  # kinds that OTLP does not know compare as unspecified
        if name == "duration" and chunk.low is not None:
            chunk = Chunk(chunk.size, chunk.empty, min(chunk.low, LONGEST_DURATION), min(chunk.high, LONGEST_DURATION))
        return judge_values(chunk, condition.operator, condition.value)

    def _attribute(self, group: int, level: Level, key: str, condition: Condition) -> Rows:
        """An attribute at one level: in a column of its own, or among the lists."""
        own = [column.path for column in self._own[level] if column.key == key]
        if any(self._leaf(group, path, condition) is ROWS_MIGHT_MATCH and self._bloom(group, path, condition) for path in own):
            return ROWS_MIGHT_MATCH
        if level not in self._attributes:
            return ROWS_CANNOT_MATCH
        leaves = self._attributes[level]
        might = (
            condition.operator in ("exists", "!=")
            or any(not self._file.chunk(group, path).empty for path in leaves.untyped)
            or any(
                self._leaf(group, path, condition) is ROWS_MIGHT_MATCH and self._bloom(group, path, condition)
                for path in leaves.comparable(condition.value)
            )
        )
        return ROWS_MIGHT_MATCH if might and self._might_have(group, level, key) else ROWS_CANNOT_MATCH

    def _might_have(self, group: int, level: Level, key: str) -> bool:
        """Whether a key may be among those of the attributes without a column of their own."""
        if level not in self._attributes:
            return False
        keys = self._attributes[level].key
        return keys is None or self._file.might_hold(group, keys, key)

    def _leaf(self, group: int, path: str, condition: Condition) -> Rows:
        return judge_values(self._file.chunk(group, path), condition.operator, condition.value)

    def _bloom(self, group: int, path: str, condition: Condition) -> bool:
        """Whether a leaf with a bloom filter may hold a text that is asked for by equality: by the filter, then by its pages."""
        if path not in BLOOM_COLUMNS or condition.operator != "=" or not isinstance(condition.value, str):
            return True
        holding = self._holds(path, condition.value)
        if not holding[group] or ERRING * np.count_nonzero(holding) > len(holding):
            return bool(holding[group])
        return self._file.might_contain(group, path, condition.value)

    def _holds(self, path: str, value: str) -> Bools:
        """The row groups that may hold a text in a leaf, as far as its bloom filters know."""
        if path not in self._blooms:
            self._blooms[path] = self._file.value_blooms(path)
        holding = self._holding.get((path, value))
        if holding is None:
            if len(self._holding) >= VALUES_KNOWN:
                self._holding = {}
            holding = self._holding[path, value] = self._blooms[path].might_hold(value)
        return holding

    def _why(self, group: int, scan: Scan, inside: bool) -> str:
        """Why `row_groups` leaves one out, in words; `inside` says whether a trace may touch the time range."""
        if not inside:
            return words.outside(self._file.chunk(group, paths.TRACE_START), self._file.chunk(group, paths.TRACE_END))
        unmet = [condition for condition in scan.conditions if not self._met(condition, np.array([group]), scan)[0]]
        return "; ".join(self._why_unmet(group, condition) for condition in (unmet[:1] if scan.all_conditions else unmet))

    def _why_unmet(self, group: int, condition: Condition) -> str:
        operand = condition.operand
        if not isinstance(operand, AttributeName):
            return words.statistics(condition, [self._file.chunk(group, self._stored[operand])])
        levels = ATTRIBUTE_LEVELS if operand.level is None else (operand.level,)
        own = [column.path for level in levels for column in self._own[level] if column.key == operand.key]
        listed = [level for level in levels if self._might_have(group, level, operand.key)]
        if not listed and all(self._file.chunk(group, path).empty for path in own):
            return words.no_key(condition)
        values = [*own, *(path for level in listed for path in self._attributes[level].comparable(condition.value))]
        if any(self._leaf(group, path, condition) is ROWS_MIGHT_MATCH for path in values):
            return words.value_filter(condition)
        return words.statistics(condition, [self._file.chunk(group, path) for path in values])


def judge_values(chunk: Chunk, operator: str, constant: Any) -> Rows:
    """Whether a value between the bounds of a chunk can fulfil a comparison with a constant."""
    if chunk.empty:
        return ROWS_CANNOT_MATCH
    low, high, value = chunk.low, chunk.high, _comparable(constant, chunk.low)
    if low is None or high is None or value is None:
        return ROWS_MIGHT_MATCH
    possible = {
        "=": low <= value <= high,
        "<": low < value,
        "<=": low <= value,
        ">": high > value,
        ">=": high >= value,
    }
    return ROWS_MIGHT_MATCH if possible.get(operator, True) else ROWS_CANNOT_MATCH


def _comparable(value: Any, bound: Any) -> Any:
    """A constant as the bounds of a chunk compare with it, None where they do not."""
    if isinstance(value, str):
        return value.encode(errors="surrogatepass") if isinstance(bound, bytes) else None
    if value is None or bound is None or isinstance(bound, bytes):
        return None
    if isinstance(bound, float) and abs(value) < 2**1000:
        return float(value)  # rounded as the values of the column were
    return value
