"""Block formats are known by name; the others are refused with the reason."""

from __future__ import annotations

import pytest

from pytempo.block.versions import READABLE, WRITTEN, UnsupportedFormat, check_format
from pytempo.errors import Damaged


@pytest.mark.parametrize("format", READABLE)
def test_known_formats_pass(format: str) -> None:
    check_format(format, "meta.json")


def test_new_blocks_are_readable() -> None:
    assert WRITTEN in READABLE


@pytest.mark.parametrize(
    ("format", "reason"),
    [
        ("v2", "before Parquet"),
        ("vParquet", "older than vParquet3"),
        ("vParquet2", "older than vParquet3"),
        ("vParquet6", "newer than this version of pytempo"),
        ("vParquet10", "newer than this version of pytempo"),
        ("vParquet5-preview7", "preview"),
        ("vparquet4", "unknown name"),
        ("", "unknown name"),
    ],
)
def test_a_refusal_names_the_file_the_format_and_the_reason(format: str, reason: str) -> None:
    with pytest.raises(UnsupportedFormat, match=reason) as caught:
        check_format(format, "t/b/meta.json")

    assert str(caught.value).startswith(f"t/b/meta.json: block format {format!r}")
    assert (caught.value.path, caught.value.format) == ("t/b/meta.json", format)
    assert not isinstance(caught.value, Damaged)
