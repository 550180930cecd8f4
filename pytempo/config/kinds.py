"""How values are written: each kind reads what stands in a file or a flag, says what it wants where it cannot, and writes values back.

Readers take text, None, lists and mappings (a flag is always text) and raise ValueError; writers give what YAML is to hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from pytempo.config.units import DURATION_UNITS, format_duration, parse_duration

SECOND = 1_000_000_000
"""Nanoseconds."""

_TRUE, _FALSE = ("true", "yes", "on", "y"), ("false", "no", "off", "n")
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value; `name` stands in the reference page."""

    name: str
    read: Callable[[object], Any]
    write: Callable[[Any], Any] = lambda value: value


class Endpoint(NamedTuple):
    """Where a receiver listens; an empty host is every interface."""

    host: str
    port: int


def shown(value: object) -> str:
    """A value for a message, in quotes and not too long."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    return repr(str(value)[:_LONGEST_SHOWN])


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} where one value is wanted")
    return value


def _boolean(value: object) -> bool:
    word = _text(value).lower()
    if word not in _TRUE + _FALSE:
        raise ValueError(f"{shown(value)} is neither true nor false")
    return word in _TRUE


def _integer(least: int, most: int | None) -> Callable[[object], int]:
    wanted = f"a whole number of at least {least}" if most is None else f"a whole number from {least} to {most}"

    def read(value: object) -> int:
        text = _text(value)
        if not re.fullmatch(r"[+-]?[0-9]{1,19}", text) or int(text) < least or (most is not None and int(text) > most):
            raise ValueError(f"{shown(value)} is not {wanted}")
        return int(text)

    return read


def _number(value: object) -> float:
    text = _text(value)
    if not re.fullmatch(r"[0-9]*\.?[0-9]+(e[+-]?[0-9]{1,3})?", text):
        raise ValueError(f"{shown(value)} is not a number of at least 0")
    return float(text)


def _duration(value: object) -> int:
    nanoseconds = parse_duration(_text(value))
    if nanoseconds < 0:
        raise ValueError(f"{shown(value)} is negative; write a duration such as 1h30m (units: {DURATION_UNITS})")
    return nanoseconds


def _some_time(value: object) -> int:
    if not (nanoseconds := _duration(value)):
        raise ValueError(f"{shown(value)} is too short; write a duration such as 1h30m (units: {DURATION_UNITS})")
    return nanoseconds


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ValueError(f"{shown(value)} is not a list of words")
    return tuple(value)


def _endpoint(value: object) -> Endpoint:
    found = re.fullmatch(r"(?:\[([^\]]*)\]|([^:]*)):([0-9]{1,5})", _text(value))
    if found is None or int(found[3]) > 65535:
        raise ValueError(f"{shown(value)} is not an address and a port, such as 0.0.0.0:4317")
    return Endpoint(found[1] if found[2] is None else found[2], int(found[3]))


def _write_endpoint(endpoint: Endpoint) -> str:
    return f"[{endpoint.host}]:{endpoint.port}" if ":" in endpoint.host else f"{endpoint.host}:{endpoint.port}"


def choice(*words: str, otherwise: str = "") -> Kind:
    """One of several words; `otherwise` is said of any other, after which ones there are."""

    def read(value: object) -> str:
        if (word := _text(value)) not in words:
            raise ValueError(f"{shown(word)} is not {' or '.join(filter(None, words))}" + (f"; {otherwise}" if otherwise else ""))
        return word

    return Kind(" or ".join(f"`{word}`" for word in words if word), read)


TEXT = Kind("text", _text)
BOOLEAN = Kind("boolean", _boolean)
COUNT = Kind("count", _integer(0, None))
POSITIVE = Kind("count, at least 1", _integer(1, None))
PORT = Kind("port", _integer(0, 65535))
SIZE = Kind("bytes", _integer(0, None))
MEBIBYTES = Kind("MiB", _integer(1, 2048))
NUMBER = Kind("number", _number)
DURATION = Kind("duration", _duration, format_duration)
"""In nanoseconds."""
SECONDS = Kind("duration", lambda value: _duration(value) / SECOND, lambda seconds: format_duration(round(seconds * SECOND)))
"""In seconds."""
POSITIVE_DURATION = Kind("duration, not 0s", _some_time, format_duration)
POSITIVE_SECONDS = Kind("duration, not 0s", lambda value: _some_time(value) / SECOND, SECONDS.write)
TEXTS = Kind("list", _texts, list)
ENDPOINT = Kind("address:port", _endpoint, _write_endpoint)
ANYTHING = Kind("anything", lambda value: value)
