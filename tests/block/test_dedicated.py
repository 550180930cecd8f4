"""Dedicated columns: the list of meta.json decides which column holds which attribute."""

from __future__ import annotations

import pytest

from pytempo.block.dedicated import VPARQUET4_COLUMNS, VPARQUET5_COLUMNS, DedicatedColumn, assign


def test_defaults_are_left_out_of_the_entry() -> None:
    assert DedicatedColumn("url.path").to_json() == {"n": "url.path"}
    assert DedicatedColumn("code", "event", "int", ("blob",)).to_json() == {"s": "event", "n": "code", "t": "int", "o": ["blob"]}


@pytest.mark.parametrize(
    "entry", [{"n": "a"}, {"s": "resource", "n": "b"}, {"n": "c", "t": "int"}, {"s": "event", "n": "d", "o": ["array", "blob"]}]
)
def test_entries_come_back_as_they_were_read(entry: dict[str, object]) -> None:
    assert DedicatedColumn.from_json(entry).to_json() == entry


@pytest.mark.parametrize(
    "entry", [{}, "a", None, {"n": 1}, {"n": "a", "s": "scope"}, {"n": "a", "t": "float"}, {"n": "a", "o": "blob"}, {"n": "a", "s": []}]
)
def test_an_entry_whose_column_cannot_be_told_is_refused(entry: object) -> None:
    with pytest.raises(ValueError, match=r"dedicated column|scope|options"):
        DedicatedColumn.from_json(entry)


def test_columns_are_counted_by_scope_and_type_in_list_order() -> None:
    columns = [
        DedicatedColumn("pod", "resource"),
        DedicatedColumn("path"),
        DedicatedColumn("code", type="int"),
        DedicatedColumn("route"),
        DedicatedColumn("message", "event"),
        DedicatedColumn("port", type="int"),
    ]

    assert assign(columns, VPARQUET5_COLUMNS) == {
        ("resource", "pod"): "String01",
        ("span", "path"): "String01",
        ("span", "code"): "Int01",
        ("span", "route"): "String02",
        ("event", "message"): "String01",
        ("span", "port"): "Int02",
    }


def test_vparquet4_has_ten_strings_a_scope_and_nothing_else() -> None:
    columns = [DedicatedColumn("n", type="int"), DedicatedColumn("e", "event"), *(DedicatedColumn(f"a{number}") for number in range(12))]

    assert assign(columns, VPARQUET4_COLUMNS) == {("span", f"a{number}"): f"String{number + 1:02d}" for number in range(10)}
