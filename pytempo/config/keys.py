"""What one key of Tempo's configuration is, and what becomes of it here. The tables of keys are in `pytempo.config.tempo`."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from pytempo.config.kinds import ANYTHING, Kind


class Fate(enum.Enum):
    """What becomes of a key that is set."""

    USED = "used"
    NO_EFFECT = "without effect"
    """Nothing is lost by that: it tunes machinery that is not there. Setting it is noted."""
    MISSING = "missing"
    """It asks for something that pytempo does not do. Setting it is a warning, unless to its default."""
    REFUSED = "refused"
    """It asks for something whose absence would lose data or mislead: anything but its default stops the start."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key, or with `whole` a section whose keys share their fate and are not looked at one by one."""

    path: str
    """Its place in the file, with dots."""
    fate: Fate
    why: str
    """Of a key that is used, what it sets; of others, why they are not."""
    kind: Kind = ANYTHING
    default: Any = None
    option: str = ""
    """The field of `ServeOptions` that it sets, with dots, where it is that simple."""
    flag: str = ""
    """Its flag, where it is not the path with dashes for underscores."""
    same_as: str = ""
    """The key of another version that means the same."""
    whole: bool = False

    @property
    def section(self) -> str:
        """The first part of the path."""
        return self.path.split(".", 1)[0]

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags that set it, without dashes before them."""
        dashed = self.path.replace("_", "-")
        return (self.flag,) if self.flag else tuple(dict.fromkeys((dashed, self.path)))


def used(path: str, kind: Kind, default: Any, why: str, *, option: str = "", flag: str = "") -> Key:
    """A key that does what Tempo's does."""
    return Key(path, Fate.USED, why, kind, default, option, flag)


def same(path: str, as_: Key, *, flag: str = "") -> Key:
    """Another name of a key that is used."""
    return Key(path, Fate.USED, f"The same as `{as_.path}`.", as_.kind, as_.default, flag=flag, same_as=as_.path)


def no_effect(section: str, why: str, /, **kinds: Kind) -> tuple[Key, ...]:
    """Keys of a section ("" for the top) that are accepted and change nothing, all for one reason."""
    return tuple(Key(f"{section}.{name}".lstrip("."), Fate.NO_EFFECT, why, kind) for name, kind in kinds.items())


def whole_sections(why: str, /, *paths: str) -> tuple[Key, ...]:
    """Sections that are accepted with all that they hold, and change nothing."""
    return tuple(Key(path, Fate.NO_EFFECT, why, whole=True) for path in paths)


def missing(path: str, kind: Kind, default: Any, why: str, *, flag: str = "", whole: bool = False) -> Key:
    """A key that asks for something pytempo does not do."""
    return Key(path, Fate.MISSING, why, kind, default, flag=flag, whole=whole)


def refused(path: str, kind: Kind, default: Any, why: str, *, whole: bool = False) -> Key:
    """A key that stops the start where it asks for more than its default."""
    return Key(path, Fate.REFUSED, why, kind, default, whole=whole)
