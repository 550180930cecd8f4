"""What a block says of its arrival and of the blocks it was made of; what is not sound says nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from pytempo.block import BlockMeta
from pytempo.block.lineage import arrived_of, lineage_fields, sources_of

ID, OTHER = str(UUID(int=1)), str(UUID(int=2))


def meta(extra: dict[str, Any]) -> BlockMeta:
    written = BlockMeta(block_id=ID, tenant="t", start=1, end=5, size=1, row_groups=1, extra=extra)
    return BlockMeta.from_bytes(written.to_bytes(), "meta.json")


def test_both_come_back_from_the_file() -> None:
    found = meta(lineage_fields(7, [OTHER]))
    assert (arrived_of(found), sources_of(found)) == (7, (OTHER,))


def test_a_block_of_another_writer_arrived_when_it_ends_and_was_made_of_none() -> None:
    assert (arrived_of(meta({})), sources_of(meta({}))) == (5, ())


@pytest.mark.parametrize("named", ["x", 3, None, [3], ["../x"], [{"a": 1}]])
def test_what_names_no_blocks_is_passed_over(named: Any) -> None:
    assert sources_of(meta({"pytempoSources": named})) == ()
    assert arrived_of(meta({"pytempoArrived": named})) == (named if isinstance(named, int) else 5)
