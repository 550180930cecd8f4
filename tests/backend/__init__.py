"""Tests of pytempo.backend."""
