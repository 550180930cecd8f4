"""The `tags` parameter of a search: logfmt, that is `key=value key="a value" key`, with faults told by their position."""

from __future__ import annotations

import re

from pytempo.errors import BadQuery

_KEY = re.compile(r"[^\x00-\x20=\"]+")
_BARE = re.compile(r"[^\x00-\x20=\"]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\[\s\S])*)"')
_BLANK = re.compile(r"[\x00-\x20]*")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([\s\S]))")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "\\": "\\", "/": "/", "'": "'"}


def parse_tags(text: str) -> dict[str, str]:
    """The pairs of a logfmt text; a key without `=` has the value "".

    Raises BadQuery with the position (characters, from 1) of what cannot be read, and for a key that comes twice.
    """
    tags: dict[str, str] = {}
    place = _end(_BLANK, text, 0)
    while place < len(text):
        key, start = _KEY.match(text, place), place
        if key is None:
            raise _unexpected(text, place)
        value, place = _value(text, key.end())
        if key[0] in tags:
            raise BadQuery(f"invalid tags: {key[0]!r} comes a second time at pos {start + 1}")
        tags[key[0]] = value
        place = _end(_BLANK, text, place)
    return tags


def _value(text: str, place: int) -> tuple[str, int]:
    """The value behind a key that ends at `place`, and where it ends itself."""
    if text[place : place + 1] == '"':
        raise _unexpected(text, place)
    if text[place : place + 1] != "=":
        return "", place
    place += 1
    if text[place : place + 1] == '"':
        quoted = _QUOTED.match(text, place)
        if quoted is None:
            raise BadQuery(f"invalid tags: the quoted value that begins at pos {place + 1} does not end")
        return _unescape(quoted[1], place), quoted.end()
    end = _end(_BARE, text, place)
    if end < len(text) and text[end] in '="':
        raise _unexpected(text, end)
    return text[place:end], end


def _unescape(quoted: str, place: int) -> str:
    def replace(escape: re.Match[str]) -> str:
        code, letter = escape.groups()
        if code is None and letter not in _ESCAPES:
            raise BadQuery(f"invalid tags: unknown escape {escape[0]!r} in the quoted value that begins at pos {place + 1}")
        return _ESCAPES[letter] if code is None else chr(int(code, 16))

    plain = _ESCAPE.sub(replace, quoted)
    # Two \\u escapes may stand for one character beyond the first plane; a half of such a pair has no meaning.
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    """Where the match of a pattern that always matches ends."""
    found = pattern.match(text, place)
    return found.end() if found else place


def _unexpected(text: str, place: int) -> BadQuery:
    return BadQuery(f"invalid tags: unexpected {text[place]!r} at pos {place + 1}")
