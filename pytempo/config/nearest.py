"""What was probably meant by a name that nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like this one, None where none is."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def nearest_key(path: str, known: Iterable[str]) -> str | None:
    """The key that was probably meant: misspelt in its place, in another place, or both."""
    known = sorted(known)
    section, _, name = path.rpartition(".")
    siblings = {key.rpartition(".")[2]: key for key in known if key.rpartition(".")[0] == section}
    elsewhere: dict[str, list[str]] = {}
    for key in known:
        elsewhere.setdefault(key.rpartition(".")[2], []).append(key)
    if name not in elsewhere and (beside := nearest(name, siblings)) is not None:
        return siblings[beside]
    if (like := nearest(name, elsewhere)) is not None:
        return nearest(path, elsewhere[like]) or min(elsewhere[like], key=len)
    return nearest(path, known)
