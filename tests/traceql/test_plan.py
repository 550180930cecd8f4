"""Queries read the columns that cases/columns.txt says, no more and no less."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytempo.model.scan import MAX_TIME, operand_text
from pytempo.traceql import ast, check, parse, plan

FILE = Path(__file__).parent / "cases" / "columns.txt"


@dataclass
class Case:
    """A query and what is read for it, by the words of the file."""

    query: str
    reads: dict[str, str] = field(default_factory=dict)


def cases() -> Iterator[Case]:
    case: Case | None = None
    for line in FILE.read_text().splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if not line.startswith(" "):
            if case is not None:
                yield case
            case = Case(line)
        elif case is not None:
            word, told = line.split(maxsplit=1)
            case.reads[word] = told
    if case is not None:
        yield case


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.query)
def test_a_query_reads_what_the_case_says(case: Case) -> None:
    query = check(parse(case.query))
    scan = plan.scan(query, 0, MAX_TIME)
    always = plan.ORDER if isinstance(query.expression, ast.Pipeline) else plan.TIME
    assert always <= scan.columns
    joined = f" {'and' if scan.all_conditions else 'or'} ".join(map(str, scan.conditions))
    told = {
        "columns": sorted(map(operand_text, scan.columns - always)),
        "attributes": sorted(map(operand_text, scan.attributes)),
        "conditions": joined,
    }
    wanted = {
        "columns": sorted(case.reads.get("columns", "").split()),
        "attributes": sorted(case.reads.get("attributes", "").split()),
        "conditions": case.reads.get("conditions", ""),
    }
    assert told == wanted
