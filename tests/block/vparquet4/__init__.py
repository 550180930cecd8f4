"""Tests of pytempo.block.vparquet4."""
