"""The index of row groups: Tempo's bytes, and the one group that may hold an id."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytempo.block.row_index import RowIndex
from pytempo.errors import Damaged

GOLDEN = Path(__file__).parents[1] / "golden"
GOLDEN_INDEX = next((GOLDEN / "vParquet4" / "single-tenant").iterdir()) / "index"
PATH = "t/b/index"


def id(last: int) -> bytes:
    return last.to_bytes(16)


def test_the_file_of_a_real_tempo_is_made_again_byte_for_byte() -> None:
    last = (GOLDEN / "vparquet4-trace-ids.txt").read_text().split()[-1]

    assert RowIndex((bytes.fromhex(last),)).to_bytes() == GOLDEN_INDEX.read_bytes()


def test_what_is_written_is_read_back() -> None:
    index = RowIndex((id(5), id(9), b"\xff" * 16))

    assert RowIndex.from_bytes(index.to_bytes(), PATH) == index


@pytest.mark.parametrize(("wanted", "group"), [(0, 0), (5, 0), (6, 1), (9, 1), (10, None)])
def test_an_id_lies_in_the_first_group_that_does_not_end_before_it(wanted: int, group: int | None) -> None:
    assert RowIndex((id(5), id(9))).find(id(wanted)) == group


def test_an_index_without_groups_holds_nothing() -> None:
    assert RowIndex.from_bytes(RowIndex(()).to_bytes(), PATH).find(id(0)) is None


@pytest.mark.parametrize("ids", [(b"short",), (id(2), id(1))])
def test_ids_that_are_short_or_do_not_ascend_make_no_index(ids: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="row index"):
        RowIndex(ids)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"rowGroups":7}', b'{"rowGroups":[7]}', b'{"rowGroups":["!!!!"]}', b'{"rowGroups":["AAAA"]}', b"\xff"]
)
def test_any_other_content_is_damage(content: bytes) -> None:
    with pytest.raises(Damaged, match=f"^{PATH}"):
        RowIndex.from_bytes(content, PATH)
