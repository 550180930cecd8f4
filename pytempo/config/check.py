"""A configuration file against the table of keys: every fault with its place, all of them at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytempo.config.environment import expand
from pytempo.config.keys import Fate, Key
from pytempo.config.nearest import nearest_key
from pytempo.config.settings import Given, Settings
from pytempo.config.tempo import BY_PATH, SECTIONS
from pytempo.config.yaml_tree import Item, Place, read_yaml
from pytempo.errors import BadConfig

LARGEST = 4 * 1024 * 1024
"""Bytes of a configuration file."""


def read_file(path: Path, *, expand_env: bool = False) -> Settings:
    """The settings of a file. Raises BadConfig where it cannot be read or holds what cannot be used: one line for each fault."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadConfig(f"configuration file {path} cannot be read: {error.strerror}") from error
    if len(raw) > LARGEST:
        raise BadConfig(f"configuration file {path} has {len(raw)} bytes; at most {LARGEST} are read")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadConfig(f"configuration file {path} is not UTF-8 at byte {error.start}") from error
    return read_text(expand(text, str(path)) if expand_env else text, str(path))


def read_text(text: str, source: str) -> Settings:
    """The settings of a file's text; `source` names it in places. Raises as `read_file`."""
    root = read_yaml(text, source)
    checked = _Checked()
    if not isinstance(root.value, dict):
        raise BadConfig(f"{root.place}: a configuration is a mapping of sections, such as server: and storage:")
    checked.section("", root)
    if checked.faults:
        raise BadConfig("\n".join(checked.faults))
    return Settings(checked.given, checked.sections)


def read_value(key: Key, value: object, place: Place) -> Any:
    """A value of a key. Raises BadConfig where it is not of the key's kind, or the key refuses it."""
    try:
        found = value if key.whole else key.kind.read(value)
    except ValueError as error:
        raise BadConfig(f"{place}: {key.path}: {error}") from error
    if key.fate is Fate.REFUSED and (key.whole or found != key.default):
        raise BadConfig(f"{place}: {key.path} is refused: {key.why}")
    return found


def _suggestions(path: str) -> list[str]:
    """Names to suggest for a wrong one: those beside it, and elsewhere the ones that are used and no other name of such."""
    section = path.rpartition(".")[0]
    elsewhere = (key.path for key in BY_PATH.values() if not key.same_as and not key.path.startswith("overrides."))
    return [*elsewhere, *(name for name in (*BY_PATH, *SECTIONS) if name.rpartition(".")[0] == section)]


class _Checked:
    """What a walk through a file has found."""

    def __init__(self) -> None:
        self.given: dict[str, Given] = {}
        self.sections: dict[str, Place] = {}
        self.faults: list[str] = []

    def section(self, path: str, item: Item) -> None:
        """Look at the keys of a section; "" is the file."""
        if path:
            self.sections[path] = item.place
        if item.value is None:
            return
        if not isinstance(item.value, dict):
            self.faults.append(f"{item.place}: {path} is a section: write its keys below it, indented")
            return
        for name, below in item.value.items():
            self._key(f"{path}.{name}".lstrip("."), below)

    def _key(self, path: str, item: Item) -> None:
        key = BY_PATH.get(path)
        if key is not None:
            self._value(key, item)
        elif path in SECTIONS:
            self.section(path, item)
        else:
            meant = nearest_key(path, _suggestions(path))
            self.faults.append(f"{item.place}: unknown key {path}" + (f"; the nearest known key is {meant}" if meant else ""))

    def _value(self, key: Key, item: Item) -> None:
        if item.value is None and not key.whole:
            return  # left empty is left out
        try:
            value = read_value(key, item.plain(), item.place)
        except BadConfig as error:
            self.faults.append(str(error))
            return
        name = key.same_as or key.path
        before = self.given.get(name)
        if before is not None and before.value != value:
            self.faults.append(f"{item.place}: {key.path} is another name of {name}, set otherwise at {before.place}; keep one")
        self.given[name] = Given(value, item.place)
