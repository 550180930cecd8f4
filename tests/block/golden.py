"""The golden blocks as sources."""

from __future__ import annotations

from pathlib import Path

from pytempo.backend import LocalBackend
from pytempo.block import BlockMeta
from pytempo.block.source import BlockSource
from pytempo.model.batch import Batch
from pytempo.model.scan import Scan

GOLDEN = Path(__file__).parents[1] / "golden"


def golden_source(format: str) -> BlockSource:
    """The block of a real Tempo in this format."""
    (path,) = (GOLDEN / format).glob("*/*/meta.json")
    return BlockSource(LocalBackend(GOLDEN / format), BlockMeta.from_bytes(path.read_bytes(), str(path)))


def golden_batch(format: str, scan: Scan | None = None) -> Batch:
    """Its only row group."""
    (batch,) = golden_source(format).batches(scan or Scan())
    return batch
