"""`-config.expand-env`: variables of the environment in a configuration's text, in the forms of a shell.

    ${NAME}  ${NAME:-default}  ${NAME-default}  ${NAME:=default}  ${NAME=default}   an unset one is empty
    ${#NAME}                                        its length
    ${NAME^} ${NAME^^} ${NAME,} ${NAME,,}           capitals and small letters, of the first or of all
    ${NAME:start} ${NAME:start:length}              a part, counted from 0
    ${NAME/old/new} ${NAME//old/new}                the first or every occurrence replaced
    ${NAME#start} ${NAME%end}                       without a beginning or an end
    $$                                              one dollar sign

A default may hold variables itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

from pytempo.errors import BadConfig

_OPEN = re.compile(r"\$\$|\$\{")
_FORM = re.compile(r"(#?)([A-Za-z_][A-Za-z0-9_]*)(.*)", re.DOTALL)
_PART = re.compile(r":\s*(-?\d{1,9})(?::(\d{1,9}))?")
_DEEPEST = 20


def expand(text: str, source: str, environment: Mapping[str, str] = os.environ) -> str:
    """The text with its variables replaced. Raises BadConfig, with file and line, for a form that is not known."""
    return _Expansion(text, source, environment).run()


class _Expansion:
    def __init__(self, text: str, source: str, environment: Mapping[str, str], line: int = 1, depth: int = 0) -> None:
        self._text, self._source, self._environment, self._line, self._depth = text, source, environment, line, depth

    def run(self) -> str:
        done: list[str] = []
        at = 0
        while (found := _OPEN.search(self._text, at)) is not None:
            done.append(self._text[at : found.start()])
            if found[0] == "$$":
                done.append("$")
                at = found.end()
                continue
            end = self._closing(found.end(), found.start())
            done.append(self._form(self._text[found.end() : end], found.start()))
            at = end + 1
        return "".join((*done, self._text[at:]))

    def _closing(self, start: int, opened: int) -> int:
        """Where the brace that is open before `start` closes."""
        open_braces = 1
        for at in range(start, len(self._text)):
            if self._text.startswith("${", at):
                open_braces += 1
            elif self._text[at] == "}":
                open_braces -= 1
                if not open_braces:
                    return at
        raise BadConfig(f"{self._where(opened)}: ${{ is not closed; write $$ for a dollar sign")

    def _form(self, form: str, at: int) -> str:
        found = _FORM.fullmatch(form)
        if found is None:
            raise BadConfig(f"{self._where(at)}: ${{{form[:40]}}} names no variable; write $$ for a dollar sign")
        length, name, rest = found.groups()
        value = self._environment.get(name, "")
        if length:
            if rest:
                raise BadConfig(f"{self._where(at)}: ${{{form[:40]}}} is not read here; ${{#NAME}} is a length")
            return str(len(value))
        return self._changed(value, rest, form, at)

    def _changed(self, value: str, rest: str, form: str, at: int) -> str:
        if not rest:
            return value
        for sign in (":-", ":=", "-", "="):
            if rest.startswith(sign):
                return value or self._inner(rest[len(sign) :], at)
        if rest in _CASES:
            return _CASES[rest](value)
        if (part := _PART.fullmatch(rest)) is not None:
            start = int(part[1]) if int(part[1]) >= 0 else max(0, len(value) + int(part[1]))
            return value[start : None if part[2] is None else start + int(part[2])]
        if rest.startswith("/"):
            every = rest.startswith("//")
            old, _, new = rest[2 if every else 1 :].partition("/")
            return value.replace(old, new, -1 if every else 1) if old else value
        if rest[0] in "#%":
            affix = rest.lstrip(rest[0])
            return value.removeprefix(affix) if rest[0] == "#" else value.removesuffix(affix)
        raise BadConfig(f"{self._where(at)}: ${{{form[:40]}}} is not a form that is read here, such as ${{NAME:-default}}")

    def _inner(self, text: str, at: int) -> str:
        if self._depth >= _DEEPEST:
            raise BadConfig(f"{self._where(at)}: variables are nested more than {_DEEPEST} deep")
        return _Expansion(text, self._source, self._environment, self._line_of(at), self._depth + 1).run()

    def _line_of(self, at: int) -> int:
        return self._line + self._text.count("\n", 0, at)

    def _where(self, at: int) -> str:
        return f"{self._source}:{self._line_of(at)}"


_CASES: dict[str, Callable[[str], str]] = {
    "^": lambda value: value[:1].upper() + value[1:],
    "^^": str.upper,
    ",": lambda value: value[:1].lower() + value[1:],
    ",,": str.lower,
}
