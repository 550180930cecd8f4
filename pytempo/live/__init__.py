"""Spans between their acknowledgement and their block."""

from __future__ import annotations

from pytempo.live.live import Live
from pytempo.live.source import LiveSource

__all__ = ["Live", "LiveSource"]
