"""Flags as Go programs take them: `-name=value`, `-name value`, `--name=value`, and for what is true or false `-name` alone.

Every key of the tables has its flag: its path, with dashes or underscores, or the name that the table gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pytempo.config.check import read_value
from pytempo.config.keys import Key
from pytempo.config.kinds import BOOLEAN, COUNT, TEXT, Kind
from pytempo.config.nearest import nearest
from pytempo.config.settings import Given, Settings
from pytempo.config.tempo import KEYS
from pytempo.config.yaml_tree import Place
from pytempo.errors import BadConfig


class BadFlag(BadConfig):
    """A flag that there is not, or without its value: a wrong command line."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag that is no key of the file."""

    name: str
    kind: Kind
    default: Any
    help: str


FLAGS = (
    Flag("config.file", TEXT, "", "The configuration, in YAML."),
    Flag("config.expand-env", BOOLEAN, False, "Whether ${VARIABLES} in it are replaced."),
    Flag("config.verify", BOOLEAN, False, "Look at the configuration, print what is to be said about it, and exit: 1 with warnings."),
    Flag("help", BOOLEAN, False, "Print the flags and exit."),
    Flag("version", BOOLEAN, False, "Print the version and exit."),
    Flag("health", BOOLEAN, False, "Ask a running server whether it is ready, and exit: 1 where it is not."),
    Flag("health.url", TEXT, "http://localhost:3200/ready", "Where -health asks."),
    Flag("mem-ballast-size-mbs", COUNT, 0, "Without effect: there is no Go runtime."),
    Flag("mutex-profile-fraction", COUNT, 0, "Without effect: there is no Go runtime."),
    Flag("block-profile-threshold", COUNT, 0, "Without effect: there is no Go runtime."),
)
"""The flags that are not in the tables of keys."""

_OWN = {flag.name: flag for flag in FLAGS}
_KEYS = {name: key for key in KEYS for name in key.flags}


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What a command line says: keys, and the flags of `FLAGS`."""

    settings: Settings
    own: dict[str, Any]

    def __getitem__(self, flag: str) -> Any:
        """The value of a flag of `FLAGS`."""
        return self.own.get(flag, _OWN[flag].default)


def read_flags(arguments: Sequence[str]) -> CommandLine:
    """Raises BadFlag for an unknown flag or a missing value, BadConfig for a value that cannot be used."""
    given: dict[str, Given] = {}
    own: dict[str, Any] = {}
    for name, text, written in _pairs(arguments):
        place = Place(written)
        if name in _OWN:
            own[name] = _value(_OWN[name], text, written)
            continue
        key = _key(name)
        assert key is not None
        given[key.same_as or key.path] = Given(read_value(key, text, place), place)
    return CommandLine(Settings(given), own)


def _value(flag: Flag, text: str, written: str) -> Any:
    try:
        return flag.kind.read(text)
    except ValueError as error:
        raise BadFlag(f"{written}: {error}") from error


def _key(name: str) -> Key | None:
    """The key of a flag; of a section that is taken whole, the section."""
    if name in _KEYS:
        return _KEYS[name]
    parts = name.replace("-", "_").split(".")
    above = [_KEYS.get(".".join(parts[:length])) for length in range(len(parts) - 1, 0, -1)]
    return next((key for key in above if key is not None and key.whole), None)


def _pairs(arguments: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """(name, value, the flag as it was written)."""
    left = list(arguments)
    while left:
        word = left.pop(0)
        if not word.startswith("-") or word in ("-", "--"):
            raise BadFlag(f"{word!r} is no flag; what is true or false is written with an equals sign, such as -config.verify=true")
        name, equals, value = word.removeprefix("-").removeprefix("-").partition("=")
        kind = _kind(name, word)
        if not equals and kind is BOOLEAN:
            value = "true"
        elif not equals:
            if not left:
                raise BadFlag(f"flag {word} needs a value")
            value = left.pop(0)
        yield name, value, word.partition("=")[0]


def _kind(name: str, word: str) -> Kind:
    if name in _OWN:
        return _OWN[name].kind
    key = _key(name)
    if key is None:
        meant = nearest(name, [*_OWN, *_KEYS])
        raise BadFlag(f"there is no flag {word.partition('=')[0]}" + (f"; the nearest one is -{meant}" if meant else ""))
    return key.kind
