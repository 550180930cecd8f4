"""The command line: one module a group of commands, `output` for what they print."""

from __future__ import annotations

from pytempo.cli.entry import main

__all__ = ["main"]
