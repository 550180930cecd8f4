"""The tables of keys, a module for each part of Tempo. Adding a key is adding a row."""

from __future__ import annotations

from pytempo.config.tempo.table import BY_PATH, KEYS, SECTIONS

__all__ = ["BY_PATH", "KEYS", "SECTIONS"]
