"""Tests of pytempo.block.vparquet3."""
