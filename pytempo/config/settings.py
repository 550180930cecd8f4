"""What a file and flags have set, by key, with the place of each; everything else is at its default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytempo.config.keys import Fate, Key
from pytempo.config.tempo import BY_PATH, KEYS
from pytempo.config.yaml_tree import Place


@dataclass(frozen=True, slots=True)
class Given:
    """A value, and where it was set."""

    value: Any
    place: Place


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one start. `settings["server.http_listen_port"]` is the value that holds."""

    given: Mapping[str, Given] = field(default_factory=dict)
    """Of keys that are used, under the name that `Key.same_as` gives; of others, under their own."""
    sections: Mapping[str, Place] = field(default_factory=dict)
    """Sections that the file has, though they may be empty."""

    def __getitem__(self, path: str) -> Any:
        return self.given[path].value if path in self.given else BY_PATH[path].default

    def __contains__(self, path: str) -> bool:
        """Whether a key is set, or a section is there."""
        return path in self.given or path in self.sections

    def place(self, path: str) -> Place:
        """Where a key or section was set; its name where it was not."""
        found = self.given.get(path)
        return found.place if found else self.sections.get(path, Place(path))

    def over(self, below: Settings) -> Settings:
        """These settings, and those of `below` where these have none."""
        return Settings({**below.given, **self.given}, {**below.sections, **self.sections})

    def by_option(self) -> dict[str, Any]:
        """The values of the keys that set one field of `ServeOptions` each, by that field."""
        return {key.option: self[key.path] for key in KEYS if key.option}

    def without_effect(self) -> Iterator[tuple[Key, Given]]:
        """What was set and changes nothing, in the order of the table."""
        for key in KEYS:
            if key.fate in (Fate.NO_EFFECT, Fate.MISSING) and key.path in self.given:
                yield key, self.given[key.path]

    def notes(self) -> list[str]:
        """Keys that tune what is not there: a line each."""
        return [f"{given.place}: {key.path} has no effect: {key.why}" for key, given in self.without_effect() if not _is_missed(key, given)]

    def warnings(self) -> list[str]:
        """Keys that ask for what is not done: a line each."""
        return [f"{given.place}: {key.path} is not supported: {key.why}" for key, given in self.without_effect() if _is_missed(key, given)]


def _is_missed(key: Key, given: Given) -> bool:
    return key.fate is Fate.MISSING and given.value != key.default
