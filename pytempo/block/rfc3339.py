"""Times of meta.json: unix nanoseconds to and from RFC 3339 in UTC at whole seconds, for any year and never out of range."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

SECOND = 1_000_000_000
LAST_NANOSECOND = (1 << 64) - 1
"""The latest time there is: 2554-07-21T23:34:33.709551615Z."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = re.compile(
    r"(?P<year>[+-]?\d{4,})-(?P<rest>\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d+))?(?P<zone>[Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def format_floor(nanoseconds: int) -> str:
    """The second that holds the time, such as 2026-11-25T08:00:00Z; times outside of u64 nanoseconds become the nearest inside."""
    return _format(clamp(nanoseconds) // SECOND)


def format_ceil(nanoseconds: int) -> str:
    """The first whole second at or after the time."""
    return _format(-(-clamp(nanoseconds) // SECOND))


def parse(text: str) -> int:
    """Unix nanoseconds of an RFC 3339 time; before 1970 gives 0, after the last u64 nanosecond gives that one.

    Digits beyond the ninth of a second are dropped. Raises ValueError, naming the text, for anything else.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no RFC 3339 time such as 2026-11-25T08:00:00Z")
    try:
        return _nanoseconds(match)
    except ValueError as error:
        raise ValueError(f"{text!r} is no time: {error}") from error


def _nanoseconds(match: re.Match[str]) -> int:
    year = int(match["year"])
    if not 1970 <= year <= 2554:
        return 0 if year < 1970 else LAST_NANOSECOND
    zone = "+00:00" if match["zone"] in "Zz" else match["zone"]
    moment = datetime.fromisoformat(f"{year}-{match['rest'].upper()}{zone}")
    fraction = int((match["fraction"] or "").ljust(9, "0")[:9])
    return clamp((moment - _EPOCH) // timedelta(seconds=1) * SECOND + fraction)


def clamp(nanoseconds: int) -> int:
    """The nearest time that u64 nanoseconds since 1970 can hold."""
    return min(max(nanoseconds, 0), LAST_NANOSECOND)


def _format(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
