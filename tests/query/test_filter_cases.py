"""Filters and structural operators find the spans that cases/filters_*.txt say, in whatever state the spans are."""

from __future__ import annotations

import pytest

from pytempo import BadQuery, Store
from tests.query.filter_cases import Case, Question, every
from tests.states import State, Stores, matched_ids


@pytest.mark.parametrize("state", [State.LIVE, State.FLUSHED, State.SPLIT], ids=lambda state: state.word)
@pytest.mark.parametrize("case", every(), ids=lambda case: case.title)
def test_a_query_finds_the_spans_that_the_case_says(case: Case, state: State, stores: Stores) -> None:
    store = stores.hold(state, case.request())
    wrong = [line for question in case.questions if (line := departure(store, case, question))]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


def departure(store: Store, case: Case, question: Question) -> str | None:
    """How the answer departs from the one that is wanted, None where it does not."""
    where = f"line {question.line}: {question.query}"
    try:
        found = tuple(sorted(found_spans(store, case, question.query)))
    except BadQuery as refusal:
        wanted = question.refusal is not None and question.refusal in str(refusal)
        return None if wanted else f"{where}\n    refused: {refusal}"
    if question.refusal is not None:
        return f"{where}\n    should be refused"
    return None if found == question.found else f"{where}\n    want {shown(question.found)}\n    got  {shown(found)}"


def found_spans(store: Store, case: Case, query: str) -> list[str]:
    """The labels of the spans that a query finds."""
    return [case.labels[int(identifier, 16)] for identifier in matched_ids(store, query)]


def shown(labels: tuple[str, ...]) -> str:
    return " ".join(labels) or "-"
