"""The query parameters of Tempo's API: numbers, durations, times and windows, each refused by name and value where it cannot be read.

An empty parameter counts as left out, and of one that comes twice the first holds, as with Tempo.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from pytempo.config import format_duration, parse_duration
from pytempo.errors import BadQuery
from pytempo.query.trace_by_id import ALL_GENERATIONS

SECOND = 1_000_000_000
"""Nanoseconds, as all times and durations here."""

MAX_SEARCH_RANGE = 168 * 3600 * SECOND
"""The longest window of a search or tag question, where no other is set."""

METRICS_RANGE = 3600 * SECOND
"""The range of a metrics question that gives no start."""

MAX_QUERY_BYTES = 128 * 1024
"""The longest TraceQL text (Tempo: `query_frontend.max_query_expression_size_bytes`)."""

MAX_COUNT = 2**32 - 1

_TRUE, _FALSE = {"1", "t", "T", "TRUE", "true", "True"}, {"0", "f", "F", "FALSE", "false", "False"}

_UNIX = re.compile(r"\d{1,20}(\.\d{0,18})?")
_NUMBER = re.compile(r"[+-]?\d{1,20}(\.\d{0,20})?|[+-]?\.\d{1,20}")
_HINTS = {range(11, 15): ("milliseconds", 1_000), range(15, 18): ("microseconds", 1_000_000)}
"""How many digits a time has that was meant in another unit. Tempo reads these as nanoseconds, which are days of 1970."""


@dataclass(frozen=True, slots=True)
class Window:
    """A range of time, both ends included, unix nanoseconds; None where it was not given: then everything is looked at."""

    start: int | None = None
    end: int | None = None


def text(params: Mapping[str, str], name: str) -> str | None:
    """A parameter, None where it is left out or empty."""
    return params.get(name) or None


def query(params: Mapping[str, str], *names: str) -> str | None:
    """A TraceQL text under the first of these names that is given. Raises BadQuery where it is too long to be parsed."""
    found = next((value for name in names if (value := text(params, name))), None)
    if found is not None and (size := len(found.encode())) > MAX_QUERY_BYTES:
        raise BadQuery(f"{names[0]} has {size} bytes; a query may have at most {MAX_QUERY_BYTES}")
    return found


def count(params: Mapping[str, str], name: str, default: int, *, least: int = 0, most: int = MAX_COUNT) -> int:
    """A whole number in [least, most]."""
    given = text(params, name)
    if given is None:
        return default
    if not re.fullmatch(r"[0-9]{1,20}", given) or not least <= int(given) <= most:
        raise BadQuery(f"invalid {name}: {shown(given)} is not a whole number from {least} to {most}")
    return int(given)


def flag(params: Mapping[str, str], name: str) -> bool:
    """A truth value as Go reads one; false where it is left out."""
    given = text(params, name) or "false"
    if given not in _TRUE | _FALSE:
        raise BadQuery(f"invalid {name}: {shown(given)} is neither true nor false")
    return given in _TRUE


def depth(params: Mapping[str, str], name: str, default: int) -> int:
    """A number of generations; -1 is all of them."""
    given = text(params, name)
    if given is None:
        return default
    return ALL_GENERATIONS if given == str(ALL_GENERATIONS) else count(params, name, 0)


def duration(params: Mapping[str, str], name: str) -> int:
    """Nanoseconds, 0 where the parameter is left out."""
    given = text(params, name)
    if given is None:
        return 0
    try:
        return parse_duration(given)
    except ValueError as error:
        raise BadQuery(f"invalid {name}: {error}") from error


def window(params: Mapping[str, str], now: int, longest: int) -> Window:
    """`start` and `end`, or the last `since`; neither given: everything. `longest` bounds their distance, 0 does not."""
    found = _since(params, now) or _both(params)
    if found.start is None or found.end is None:
        return found
    if longest and found.end - found.start > longest + SECOND:  # an end in whole seconds covers that second
        received = " ".join(f"{name}={shown(params[name])}" for name in ("since", "start", "end") if text(params, name))
        raise BadQuery(f"range specified by start and end exceeds {format_duration(longest)}. received {received}")
    return found


def metrics_window(params: Mapping[str, str], now: int) -> tuple[int, int]:
    """`start` and `end` of a metrics question, to the nanosecond: a missing end is now, a missing start lies `since` or an hour before."""
    start, end, since = text(params, "start"), text(params, "end"), duration(params, "since")
    if text(params, "since") is not None and since <= 0:
        raise BadQuery(f"invalid since: {shown(params['since'])} must be longer than 0s")
    last = now if end is None else _time("end", end)
    first = max(last - (since or METRICS_RANGE), 0) if start is None else _time("start", start)
    if first >= last:
        raise _not_before(start or str(first), end or str(last))
    return first, last


def step(params: Mapping[str, str]) -> int | None:
    """Nanoseconds from a number of seconds or a duration; None where it is left out."""
    given = text(params, "step")
    if given is None:
        return None
    try:
        nanoseconds = int(Decimal(given) * SECOND) if _NUMBER.fullmatch(given) else parse_duration(given)
    except ValueError as error:
        raise BadQuery(f"invalid step: {error}") from error
    if not 0 < nanoseconds < 2**63:
        raise BadQuery(f"invalid step: {shown(given)} must be longer than 0s, and shorter than 292 years")
    return nanoseconds


def bounds(params: Mapping[str, str]) -> Window:
    """`start` and `end` of a trace by id: either, both or none."""
    start, end = text(params, "start"), text(params, "end")
    found = Window(None if start is None else _time("start", start), None if end is None else _last_of("end", end))
    if start is not None and end is not None and _time("end", end) <= _time("start", start):
        raise _not_before(start, end)
    return found


def _since(params: Mapping[str, str], now: int) -> Window | None:
    if text(params, "since") is None:
        return None
    since = duration(params, "since")
    if since <= 0:
        raise BadQuery(f"invalid since: {shown(params['since'])} must be longer than 0s")
    return Window(max(now - since, 0), now)


def _both(params: Mapping[str, str]) -> Window:
    start, end = text(params, "start"), text(params, "end")
    if start is None and end is None:
        return Window()
    if start is None or end is None:
        name, given = ("start", start) if start else ("end", end or "")
        _time(name, given)  # a value that cannot be read is the nearer fault
        raise BadQuery(
            f"only one of start and end provided: {name}={shown(given)}; give both, or since, or neither for everything there is"
        )
    if _time("start", start) >= _time("end", end):
        raise _not_before(start, end)
    return Window(_time("start", start), _last_of("end", end))


def _not_before(start: str, end: str) -> BadQuery:
    return BadQuery(f"http parameter start must be before end. received start={shown(start)} end={shown(end)}")


def _last_of(name: str, given: str) -> int:
    """The last nanosecond that a time means: of whole unix seconds the end of that second, so that a window up to now holds what is new."""
    return _time(name, given) + (SECOND - 1 if given.isdigit() and len(given) <= 10 else 0)


def _time(name: str, given: str) -> int:
    """Unix nanoseconds from unix seconds (with a fraction, if need be), unix nanoseconds or RFC 3339."""
    if _UNIX.fullmatch(given):
        return _unix(name, given)
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or "T" not in given.upper():
        raise BadQuery(
            f"invalid {name}: {shown(given)} is not a time; give unix seconds, unix nanoseconds or RFC 3339 (2026-11-25T10:00:00Z)"
        )
    passed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return max((passed.days * 86400 + passed.seconds) * SECOND + passed.microseconds * 1000, 0)


def _unix(name: str, given: str) -> int:
    digits = len(given.partition(".")[0])
    for lengths, (unit, divisor) in _HINTS.items():
        if digits in lengths:
            seconds = int(Decimal(given)) // divisor
            raise BadQuery(f"invalid {name}: {shown(given)} looks like {unit}; give unix seconds ({seconds}) or unix nanoseconds")
    value = Decimal(given)
    nanoseconds = int(value * SECOND) if digits <= 10 else int(value)
    if nanoseconds >= 2**63:
        raise BadQuery(f"invalid {name}: {shown(given)} is after the year 2262")
    return nanoseconds


def shown(value: str, longest: int = 60) -> str:
    """A value as a message repeats it: on one line, and not too long."""
    cut = value if len(value) <= longest else value[:longest] + "…"
    return cut if cut.isprintable() and cut else repr(cut)
