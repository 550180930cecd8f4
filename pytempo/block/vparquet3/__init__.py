"""The vParquet3 block format, read only: where it departs from vParquet4, by whose code it is read."""

from __future__ import annotations

from pytempo.block.vparquet3.layout import layout_of

__all__ = ["layout_of"]
