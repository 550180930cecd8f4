"""Durations as people write them (`1h30m`, `30d`), read into nanoseconds and written back the way Go and Tempo write them."""

from __future__ import annotations

import re
from decimal import Decimal

_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # the micro sign
    "μs": 1_000,  # the Greek letter
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60 * 1_000_000_000,
    "h": 3600 * 1_000_000_000,
    "d": 24 * 3600 * 1_000_000_000,
    "w": 7 * 24 * 3600 * 1_000_000_000,
    "y": 365 * 24 * 3600 * 1_000_000_000,
}
_PART = re.compile(r"(\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(ns|us|µs|μs|ms|s|m|h|d|w|y)")
_WHOLE = re.compile(rf"([+-]?)((?:{_PART.pattern})+)")
_LONGEST = 2**63 - 1

DURATION_UNITS = "ns, us, ms, s, m, h, d, w and y"
"""The units of a duration, for messages; a day has 24 hours, a year 365 days."""


def parse_duration(text: str) -> int:
    """Nanoseconds of a duration such as `1h30m`, `1.5s`, `30d`, `-1s` or plain `0`.

    Raises ValueError, with the units in its text, for anything else.
    """
    if text in ("0", "+0", "-0"):
        return 0
    whole = _WHOLE.fullmatch(text)
    if whole is None:
        raise ValueError(f"{text[:60]!r} is not a duration; write numbers with units, such as 1h30m (units: {DURATION_UNITS})")
    nanoseconds = int(sum(Decimal(number) * _NANOSECONDS[unit] for number, unit in _PART.findall(whole[2])))
    if nanoseconds > _LONGEST:
        raise ValueError(f"{text[:60]!r} is too long: durations end at about 292 years")
    return -nanoseconds if whole[1] == "-" else nanoseconds


def format_duration(nanoseconds: int) -> str:
    """As Go prints a duration: `1h0m0s`, `1.5s`, `282.410987ms`, `0s`."""
    sign, left = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if left == 0:
        return "0s"
    for unit in ("ns", "µs", "ms"):
        if left < 1000 * _NANOSECONDS[unit]:
            return f"{sign}{_decimal(left, _NANOSECONDS[unit])}{unit}"
    minutes, rest = divmod(left, _NANOSECONDS["m"])
    hours, minutes = divmod(minutes, 60)
    seconds = _decimal(rest, _NANOSECONDS["s"]) + "s"
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}"
    return f"{sign}{minutes}m{seconds}" if minutes else sign + seconds


def _decimal(value: int, unit: int) -> str:
    """value / unit without loss and without trailing zeros."""
    whole, rest = divmod(value, unit)
    digits = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)
