"""Tenant names: what may become the name of a folder."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytempo.errors import BadRequest, NoTenant
from pytempo.model.tenant import DEFAULT_TENANT, check_tenant, tenants_of


@pytest.mark.parametrize("name", [DEFAULT_TENANT, "a", "A-1_b.c*'()!", "..a", "x" * 150])
def test_a_plain_name_is_allowed(name: str) -> None:
    assert check_tenant(name) == name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../x", "unsupported"),
        ("a/b", "unsupported"),
        ("..", "unsupported"),
        (".", "unsupported"),
        ("a\\b", "unsupported"),
        ("a b", "unsupported"),
        ("", "unsupported"),
        ("ü", "unsupported"),
        ("a\n", "unsupported"),
        ("x" * 151, "too long"),
    ],
)
def test_a_name_that_no_folder_should_have_is_refused(name: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        check_tenant(name)


@given(st.text(max_size=200) | st.text("aZ09!-_.*'()/\\|\0 é", max_size=160))
def test_what_is_allowed_is_one_plain_component_of_a_path(name: str) -> None:
    try:
        check_tenant(name)
    except BadRequest:
        return
    assert re.fullmatch(r"[A-Za-z0-9!\-_.*'()]{1,150}", name)
    assert name not in (".", "..")


@given(st.lists(st.text("ab.-", min_size=1, max_size=5), min_size=1, max_size=5))
def test_several_tenants_are_told_once_each_in_order(names: list[str]) -> None:
    try:
        tenants = tenants_of("|".join(names))
    except BadRequest:
        assert {".", ".."} & set(names)
        return
    assert list(tenants) == sorted(set(names))


@pytest.mark.parametrize("names", ["", "|", "a|", "|a", "a||b"])
def test_an_empty_member_is_no_tenant(names: str) -> None:
    with pytest.raises(NoTenant, match=r"^no org id$"):
        tenants_of(names)
