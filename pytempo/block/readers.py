"""Which reader a block's format gets: the columns of its file, and the batches made of them."""

from __future__ import annotations

from dataclasses import dataclass

from pytempo.block import filenames, vparquet3, vparquet5
from pytempo.block.meta import BlockMeta
from pytempo.block.versions import VPARQUET3, VPARQUET4, VPARQUET5, check_format
from pytempo.block.vparquet3.rows import Vparquet3Batch
from pytempo.block.vparquet4.layout import Layout, layout_of
from pytempo.block.vparquet4.rows import RowGroupBatch


@dataclass(frozen=True, slots=True)
class Reader:
    """How the rows of one block are read."""

    layout: Layout
    batch: type[RowGroupBatch] = RowGroupBatch


def reader_of(meta: BlockMeta) -> Reader:
    """The reader of a block. Raises UnsupportedFormat, naming its meta.json, for a format that is not read here."""
    check_format(meta.format, filenames.key(meta.tenant, meta.block_id, filenames.META))
    layouts = {VPARQUET3: vparquet3.layout_of, VPARQUET4: layout_of, VPARQUET5: vparquet5.layout_of}
    layout = layouts[meta.format](meta.dedicated_columns)
    batch = Vparquet3Batch if meta.format == VPARQUET3 else RowGroupBatch
    return Reader(layout if meta.exact else layout.of_another_writer(), batch)
