"""A folder that a real Tempo wrote."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from pytempo.blocklist import BlockList

GOLDEN = Path(__file__).parents[1] / "golden" / "vParquet4"


def test_a_real_tempos_blocks_directory_is_listed(tmp_path: Path) -> None:
    root = tmp_path / "blocks"
    shutil.copytree(GOLDEN, root)
    (folder,) = (root / "single-tenant").iterdir()

    blocks = BlockList.open(root, tmp_path / "damaged", logging.getLogger("tests.blocklist"))

    (meta,) = blocks.blocks("single-tenant")
    assert (meta.block_id, meta.traces, meta.bloom_shards) == (folder.name, 260, 1)
