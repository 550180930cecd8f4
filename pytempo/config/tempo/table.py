"""All tables of keys put together: all that Tempo 2.10 and 3.x know, and the section `pytempo`. Adding a key is adding a row."""

from __future__ import annotations

from pytempo.config.keys import Key
from pytempo.config.tempo import live, maintenance, overrides, own, process, query, receivers, server, storage

KEYS: tuple[Key, ...] = (
    *process.KEYS,
    *server.KEYS,
    *server.INTERNAL_KEYS,
    *receivers.KEYS,
    *live.KEYS,
    *maintenance.KEYS,
    *query.KEYS,
    *overrides.KEYS,
    *storage.KEYS,
    *own.KEYS,
)
"""Every key, in the order of the reference page."""

BY_PATH = {key.path: key for key in KEYS}
"""Keys by their place."""

SECTIONS = frozenset(path.rsplit(".", levels)[0] for path in BY_PATH for levels in range(1, path.count(".") + 1))
"""Places at which there are keys below."""
