"""The smallest pieces of TraceQL, read and written: numbers, durations, text and the names of attributes.

Reading and writing stand side by side, so that what is written is read back as the same value. Whoever reads gets a
ValueError with a message; `builder` adds the place.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

from pytempo.traceql.spelling import excerpt

__all__ = [
    "MAX_INT",
    "MIN_INT",
    "LexemeError",
    "read_attribute",
    "read_duration",
    "read_float",
    "read_integer",
    "read_raw_text",
    "read_text",
    "write_attribute",
    "write_duration",
    "write_float",
    "write_integer",
    "write_text",
]

MIN_INT, MAX_INT = -(2**63), 2**63 - 1

_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,  # U+00B5, the micro sign
    "μs": 10**3,  # U+03BC, the Greek letter
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 24 * 3600 * 10**9,
    "w": 7 * 24 * 3600 * 10**9,
    "y": 365 * 24 * 3600 * 10**9,
}
_DURATION_PART = re.compile(r"([\d.]+)(ns|us|µs|μs|ms|s|m|h|d|w|y)")
_MOST_DIGITS = 100
_WRITTEN_UNITS = ("h", "m", "s", "ms", "us", "ns")

_ESCAPE = re.compile(r"\\(?:([abfnrtv\\\"'?])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|[\s\S]?)")
_PLAIN_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_WRITTEN_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_MUST_ESCAPE = re.compile(r'["\\\x00-\x1f\x7f-\x9f]')

_SCOPES = re.compile(r"(parent\.(?:(?:span|resource)\.)?|(?:span|resource|event|link|instrumentation)\.|\.)")
_NAME_PART = re.compile(r'[^"]+|"((?:[^"\\]|\\[\s\S])*)("?)')
_NAME_ESCAPE = re.compile(r"\\([\s\S])")
_BARE_NAME = re.compile(r'[^\s{}()=~!<>&|^,"]+')


class LexemeError(ValueError):
    """A piece that cannot be read; `offset` is where in it, in characters."""

    def __init__(self, message: str, offset: int = 0) -> None:
        self.offset = offset
        super().__init__(message)


def read_integer(text: str) -> int:
    """A decimal integer of 64 bits."""
    digits = text.lstrip("0") or "0"
    value = int(digits) if len(digits) <= len(str(MAX_INT)) else MAX_INT + 1
    if value > MAX_INT:
        raise LexemeError(f"`{excerpt(text)}` does not fit into 64 bits (the largest integer is {MAX_INT})")
    return value


def write_integer(value: int) -> str:
    """The least integer has no digits of its own: its positive counterpart does not fit."""
    return "minInt" if value == MIN_INT else str(value)


def read_float(text: str) -> float:
    """A decimal floating-point number."""
    value = float(text)
    if math.isinf(value):
        raise LexemeError(f"`{excerpt(text)}` is too large for a float")
    return value


def write_float(value: float) -> str:
    """The shortest digits that read back as the same float."""
    return repr(value)


def read_duration(text: str) -> int:
    """A duration such as `1h30m` or `1.5s`, in nanoseconds; fractions of a nanosecond are cut off."""
    total = Fraction(0)
    for number, unit in _DURATION_PART.findall(text):
        if len(number) > _MOST_DIGITS:
            raise LexemeError(f"`{excerpt(number)}` has more than {_MOST_DIGITS} digits")
        total += Fraction(number.rstrip(".")) * _NANOSECONDS[unit]
    if total > MAX_INT:
        raise LexemeError(f"`{excerpt(text)}` is too long: durations end at about 292 years")
    return int(total)


def write_duration(nanoseconds: int) -> str:
    """The duration in the units h, m, s, ms, us and ns, those that are zero left out."""
    parts, rest = [], abs(nanoseconds)
    for unit in _WRITTEN_UNITS:
        count, rest = divmod(rest, _NANOSECONDS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if nanoseconds < 0 else "") + ("".join(parts) or "0s")


def read_text(quoted: str) -> str:
    """Text in double quotes, with the escapes that Go and C share."""
    if not re.fullmatch(r'"(?:[^"\\]|\\[\s\S])*"', quoted):
        raise LexemeError('this text has no closing `"`')
    if "\\" not in quoted:
        return quoted[1:-1]
    # \xFF and \377 are bytes, which join to characters; the other escapes are characters already.
    pieces: list[bytes] = []
    end = 1
    for escape in _ESCAPE.finditer(quoted, 1, len(quoted) - 1):
        pieces += (quoted[end : escape.start()].encode(), _unescape(escape))
        end = escape.end()
    pieces.append(quoted[end:-1].encode())
    return b"".join(pieces).decode(errors="replace")


def _unescape(escape: re.Match[str]) -> bytes:
    plain, octal, byte, short, long = escape.groups()
    if plain:
        return _PLAIN_ESCAPES.get(plain, plain).encode()
    if octal and int(octal, 8) < 256:
        return bytes([int(octal, 8)])
    if byte:
        return bytes([int(byte, 16)])
    code = int(short or long or "110000", 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        message = f"`{escape.group()}` is not an escape; write `\\\\` for a backslash, or put the text in backquotes"
        raise LexemeError(message, escape.start())
    return chr(code).encode()


def write_text(text: str) -> str:
    """The text in double quotes, with control characters escaped."""
    return '"' + _MUST_ESCAPE.sub(lambda found: _WRITTEN_ESCAPES.get(found.group(), f"\\u{ord(found.group()):04x}"), text) + '"'


def read_raw_text(quoted: str) -> str:
    """Text in backquotes: every character stands for itself, but carriage returns are dropped."""
    if len(quoted) < 2 or not quoted.endswith("`"):
        raise LexemeError("this text has no closing backquote")
    return quoted[1:-1].replace("\r", "")


def read_attribute(text: str) -> tuple[str, str]:
    """The scope as written (`span.`, `parent.resource.`, `.`) and the name, without quotes.

    Only the first word is a scope (after `parent.` the first two may be): `span.resource.id` is the name `resource.id`.
    """
    matched = _SCOPES.match(text)
    if matched is None:
        raise LexemeError(f"`{excerpt(text)}` is not an attribute")
    scope = matched.group()
    name = "".join(_read_name_part(part) for part in _NAME_PART.finditer(text, matched.end()))
    if not name:
        raise LexemeError(f"the name of an attribute must follow `{scope}`", len(scope))
    return scope, name


def _read_name_part(part: re.Match[str]) -> str:
    quoted, closing = part.groups()
    if quoted is None:
        return part.group()
    if not closing:
        raise LexemeError('this quoted name has no closing `"`', part.start())
    for escape in _NAME_ESCAPE.finditer(quoted):
        if escape.group(1) not in '"\\':
            message = f'`{escape.group()}` is not an escape; in a quoted name only `\\"` and `\\\\` are'
            raise LexemeError(message, part.start() + 1 + escape.start())
    return _NAME_ESCAPE.sub(r"\1", quoted)


def write_attribute(scope: str, name: str) -> str:
    """The scope (as `read_attribute` gives it) and the name, quoted where it would be read as something else."""
    bare = _BARE_NAME.fullmatch(name) is not None
    like_a_number = scope == "." and name[0].isdigit()
    like_a_scope = scope == "parent." and name.startswith(("span.", "resource."))
    if bare and not like_a_number and not like_a_scope:
        return scope + name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'{scope}"{escaped}"'
