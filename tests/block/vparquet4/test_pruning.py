"""Row groups are left out only where nothing in them can match, and where that can be told it is."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytempo.block import DedicatedColumn
from pytempo.block.source import BlockSource
from pytempo.block.vparquet4 import paths
from pytempo.block.vparquet4.data_file import Chunk
from pytempo.block.vparquet4.pruning import ROWS_CANNOT_MATCH, ROWS_MIGHT_MATCH, judge_values
from pytempo.block.writer import BlockOptions
from pytempo.model import AttributeName, Batch, Condition, Level, Scan
from pytempo.model.levels import ATTRIBUTE_LEVELS
from tests.block.samples import batch_of, row_groups, source_of, the_corpus
from tests.comparing import attributes, plain

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=~": lambda value, pattern: bool(re.fullmatch(pattern, value)),
}
KEYS = [
    *("service.name", "k8s.pod.name", "host.name", "process.pid", "host.ip", "cloud.spot", "http.method", "http.status_code", "user.id"),
    *("retries", "ratio", "tags", "codes", "mixed", "nested", "blank", "none", "名前", "exception.type", "attempt", "lib.tier", "absent"),
]
CONSTANTS = ["GET", "frontend", "u7", "", "absent", 3, 404, 10**12, 0.5, True]
COLUMNS = [
    ((Level.SPAN, "name"), ["GET /", "absent", ""]),
    ((Level.SPAN, "kind"), [0, 2, 6]),
    ((Level.SPAN, "status_code"), [0, 2, 3]),
    ((Level.SPAN, "duration"), [0, 10**7, 10**12]),
    ((Level.SPAN, "status_message"), ["boom", "absent"]),
    ((Level.TRACE, "duration"), [10**6, 10**12]),
    ((Level.TRACE, "root_name"), ["GET /", "absent"]),
    ((Level.TRACE, "root_service"), ["frontend", "absent"]),
    ((Level.SCOPE, "name"), ["manual", "absent"]),
    ((Level.EVENT, "name"), ["exception", "absent"]),
]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> BlockSource:
    return source_of(tmp_path_factory.mktemp("blocks"), the_corpus())


@pytest.fixture(scope="module")
def batches(source: BlockSource) -> list[Batch]:
    return row_groups(source)


def kept(source: BlockSource, *conditions: Condition, all_conditions: bool = True) -> list[int]:
    """The row groups that a scan with these conditions reads."""
    return source._open().pruning.row_groups(Scan(conditions=conditions, all_conditions=all_conditions))


def values_of(batch: Batch, operand: AttributeName | tuple[Level, str]) -> Iterator[Any]:
    """Every single value that an operand has anywhere in a batch."""
    if not isinstance(operand, AttributeName):
        yield from plain(batch.column(*operand))
        return
    for level in ATTRIBUTE_LEVELS if operand.level is None else (operand.level,):
        for part in batch.values(level, operand.key).parts:
            yield from part.values.tolist() if isinstance(part.values, np.ndarray) else part.values.to_pylist()


def fulfils(value: Any, comparison: str, constant: Any) -> bool:
    comparable = isinstance(value, str) == isinstance(constant, str) and isinstance(value, bool) == isinstance(constant, bool)
    return comparable and COMPARISONS[comparison](value, constant)


def conditions() -> Iterator[Condition]:
    for level in (None, *ATTRIBUTE_LEVELS):
        for key in KEYS:
            for constant in CONSTANTS:
                comparisons = ["=", "<", ">="] + (["=~"] if isinstance(constant, str) else [])
                yield from (Condition(AttributeName(level, key), comparison, constant) for comparison in comparisons)
    for column, constants in COLUMNS:
        for constant in constants:
            yield from (Condition(column, comparison, constant) for comparison in ("=", "<", "<=", ">", ">="))


def test_no_row_group_with_a_match_is_left_out(source: BlockSource, batches: list[Batch]) -> None:
    known: dict[Any, list[set[Any]]] = {}
    for condition in conditions():
        operand = condition.operand
        if operand not in known:
            known[operand] = [set(values_of(batch, operand)) for batch in batches]
        matching = {
            group for group, found in enumerate(known[operand])
            if any(fulfils(value, condition.operator, condition.value) for value in found)
        }  # fmt: skip
        assert matching <= set(kept(source, condition)), condition


def test_no_row_group_with_the_attribute_is_left_out(source: BlockSource, batches: list[Batch]) -> None:
    for level in ATTRIBUTE_LEVELS:
        for key in KEYS:
            matching = {group for group, batch in enumerate(batches) if batch.values(level, key).present.any()}
            assert matching <= set(kept(source, Condition(AttributeName(level, key), "exists", None)))
            assert matching <= set(kept(source, Condition(AttributeName(None, key), "!=", "text")))


@pytest.mark.parametrize(
    "condition",
    [
        Condition(AttributeName(Level.SPAN, "rpc.service"), "=", "nobody has this text"),
        Condition(AttributeName(None, "any"), "=", "nobody has this text"),
        Condition(AttributeName(Level.SPAN, "http.status_code"), "=", 418_000),
        Condition(AttributeName(Level.SPAN, "user.id"), "=", "~ behind all of them"),
        Condition(AttributeName(Level.SPAN, "zzz"), "exists", None),
        Condition(AttributeName(Level.EVENT, "attempt"), ">", 4),
        Condition(AttributeName(Level.RESOURCE, "cluster"), "=", "c1"),
        Condition((Level.SPAN, "duration"), ">", 10**12),
        Condition((Level.SPAN, "status_code"), "=", 3),
        Condition((Level.TRACE, "root_service"), "<", "a"),
    ],
    ids=str,
)
def test_what_is_nowhere_reads_nothing(source: BlockSource, condition: Condition) -> None:
    assert kept(source, condition) == []


def test_a_rare_value_is_looked_for_where_it_is(source: BlockSource, batches: list[Batch]) -> None:
    rare = AttributeName(Level.SPAN, "db.statement")
    texts = [set(values_of(batch, rare)) for batch in batches]
    (value, *_) = sorted(text for text in set().union(*texts) if sum(text in found for found in texts) == 1)

    assert len(kept(source, Condition(rare, "=", value))) < len(batches) / 3


def test_every_condition_or_at_least_one_must_be_met(source: BlockSource) -> None:
    everywhere = Condition((Level.SPAN, "status_code"), ">=", 0)
    nowhere = Condition((Level.SPAN, "status_code"), "=", 3)

    assert kept(source, everywhere, nowhere) == []
    assert kept(source, everywhere, nowhere, all_conditions=False) == kept(source, everywhere) == kept(source)


def test_what_is_derived_or_unknown_is_never_left_out(source: BlockSource) -> None:
    for column in ("child_count", "span_id", "dropped_events", "unheard of"):
        assert kept(source, Condition((Level.SPAN, column), "=", -5)) == kept(source)


@pytest.mark.parametrize(
    ("low", "high", "comparison", "constant", "outcome"),
    [
        (1, 5, "=", 5, ROWS_MIGHT_MATCH),
        (1, 5, "=", 6, ROWS_CANNOT_MATCH),
        (1, 5, "<", 1, ROWS_CANNOT_MATCH),
        (1, 5, "<=", 1, ROWS_MIGHT_MATCH),
        (1, 5, ">", 4.5, ROWS_MIGHT_MATCH),
        (1, 5, ">=", 5.5, ROWS_CANNOT_MATCH),
        (1.0, 2.0**53, "=", 2**53 + 1, ROWS_MIGHT_MATCH),
        (1.0, 2.0, "<", 10**400, ROWS_MIGHT_MATCH),
        (b"a", b"m", "=", "n", ROWS_CANNOT_MATCH),
        (b"a", "ü".encode(), "=", "ü", ROWS_MIGHT_MATCH),
        (b"a", b"m", "=~", "z", ROWS_MIGHT_MATCH),
        (b"a", b"m", "=", 5, ROWS_MIGHT_MATCH),
        (1, 5, "=", "a", ROWS_MIGHT_MATCH),
        (False, False, "=", True, ROWS_CANNOT_MATCH),
        (None, None, "=", 5, ROWS_MIGHT_MATCH),
    ],
)
def test_bounds_decide(low: Any, high: Any, comparison: str, constant: Any, outcome: Any) -> None:
    assert judge_values(Chunk(1, False, low, high), comparison, constant) is outcome


def test_a_chunk_without_values_cannot_match() -> None:
    assert judge_values(Chunk(1, True), "=~", ".*") is ROWS_CANNOT_MATCH


def test_attributes_of_the_samples_have_values_of_every_type() -> None:
    kinds = {value[0] for row in attributes(the_corpus().attributes(Level.SPAN)) for value in row.values()}

    assert kinds == {"STRING", "INT", "DOUBLE", "BOOL", "OTHER", "NIL"}


def test_every_row_group_that_is_left_out_has_a_reason_and_no_other(source: BlockSource) -> None:
    for condition in conditions():
        scan = Scan(conditions=(condition,))
        reasons = source._open().pruning.reasons(scan)
        assert [group for group, reason in enumerate(reasons) if reason is None] == kept(source, condition), condition
        assert all(str(condition) in reason for reason in reasons if reason is not None)


def test_where_a_filter_errs_the_pages_tell(tmp_path: Path) -> None:
    def fill(span: Any, number: int) -> None:
        span.attributes.add(key="request").value.string_value = f"request {number} of {int.from_bytes(span.trace_id)}"

    options = BlockOptions(dedicated_columns=(DedicatedColumn("request"),), row_group_spans=100)
    source = source_of(tmp_path, batch_of(dict.fromkeys(range(1, 21), 100), fill), options)
    filters = source._open().file.value_blooms(paths.dedicated("span", "String01"))
    texts = (f"nowhere {number}" for number in range(10_000))
    erring = next(text for text in texts if np.count_nonzero(filters.might_hold(text)) == 1)

    assert kept(source, Condition(AttributeName(Level.SPAN, "request"), "=", erring)) == []
    assert kept(source, Condition(AttributeName(Level.SPAN, "request"), "=", "request 50 of 7")) == [6]
