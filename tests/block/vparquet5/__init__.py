"""Tests of pytempo.block.vparquet5."""
