"""Tests of pytempo.block."""
