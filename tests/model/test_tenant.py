"""Tenant names: what may become the name of a folder."""

from __future__ import annotations

import pytest

from pytempo.errors import BadRequest
from pytempo.model.tenant import DEFAULT_TENANT, check_tenant


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
