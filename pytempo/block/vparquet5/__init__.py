"""The vParquet5 block format, read only: where it departs from vParquet4, by whose code it is read."""

from __future__ import annotations

from pytempo.block.vparquet5.layout import layout_of

__all__ = ["layout_of"]
