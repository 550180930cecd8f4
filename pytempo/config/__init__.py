"""Settings, and how people spell them."""

from __future__ import annotations

from pytempo.config.units import DURATION_UNITS, format_duration, parse_duration

__all__ = ["DURATION_UNITS", "format_duration", "parse_duration"]
