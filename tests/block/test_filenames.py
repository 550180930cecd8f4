"""File names of a block, and what counts as a block's folder."""

from __future__ import annotations

import pytest

from pytempo.block import filenames

ID = "126ac82b-35fc-49b6-af18-d886ee1be3a9"


def test_keys_are_tenant_block_and_name() -> None:
    assert filenames.folder("t", ID) == f"t/{ID}"
    assert filenames.key("t", ID, filenames.META) == f"t/{ID}/meta.json"
    assert filenames.key("t", ID, filenames.bloom(3)) == f"t/{ID}/bloom-3"


def test_a_canonical_uuid_is_a_block_id() -> None:
    assert filenames.is_block_id(ID)


@pytest.mark.parametrize(
    "name", ["", "lost+found", ".DS_Store", "1234", ID.upper(), ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}", f"{ID}x"]
)
def test_any_other_name_is_a_stranger(name: str) -> None:
    assert not filenames.is_block_id(name)
