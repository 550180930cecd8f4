"""Durations as answers write them."""

from __future__ import annotations


def duration_text(nanoseconds: int) -> str:
    """A duration as Tempo writes it in an attribute (Go's notation): `1.5s`, `282.410987ms`, `1h0m3s`."""
    sign, rest = ("-" if nanoseconds < 0 else ""), abs(nanoseconds)
    if rest < 1_000_000_000:
        for size, unit in ((1_000_000, "ms"), (1_000, "µs")):
            if rest >= size:
                return f"{sign}{_fraction(rest, size)}{unit}"
        return f"{sign}{rest}ns" if rest else "0s"
    minutes, seconds = divmod(rest, 60 * 1_000_000_000)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{head}{_fraction(seconds, 1_000_000_000)}s"


def _fraction(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    return str(whole) if not rest else f"{whole}.{str(rest).rjust(len(str(unit)) - 1, '0').rstrip('0')}"
