"""The reference page of the configuration, docs/configuration.md, from the tables of keys."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from pytempo.config.flags import FLAGS
from pytempo.config.keys import Fate, Key
from pytempo.config.tempo import KEYS

HEAD = """\
# Configuration

<!-- Generated: pytempo config reference > docs/configuration.md -->

`pytempo -config.file=tempo.yaml` reads the configuration of Grafana Tempo, 2.10 and 3.x alike, and takes Tempo's flags, so that it can be
started where Tempo was. `pytempo serve --config-file tempo.yaml` reads the same file beside the options of `pytempo serve --help`, which go
before it.

- A key that is neither below nor known to Tempo stops the start, with its file, line and the nearest key that there is.
- A key that is **used** does what it does in Tempo. Defaults that differ from Tempo's say so.
- A key **without effect** tunes machinery that pytempo does not have. It is accepted, and named in the log.
- A key that **asks for what is not there** is accepted with a warning.
- A key that is **refused** stops the start, for without what it asks for data would be lost or answers would mislead.

`pytempo config check FILE` tells which of a file's keys are which, `pytempo config show --config-file FILE` what it comes to;
`/status/config` (also `?mode=diff` and `?mode=defaults`) is what a running server goes by.

Durations are written as in Go (`30s`, `5m0s`, `1h30m`), or in days, weeks and years (`1d`, `2w`, `1y`). Sizes are whole numbers of bytes.

## Flags

`-name=value`, `-name value` and `--name=value` are one; what is true or false needs no value. Flags go before the file. Every key has a
flag: its path, with dashes or underscores, such as `-server.http-listen-port=3200`; some have another, named below.

"""


def reference_page() -> str:
    """The whole page, in Markdown."""
    return "".join((HEAD, *_flags(), *_used(), *_others()))


def _flags() -> Iterator[str]:
    yield "| flag | default | |\n|---|---|---|\n"
    for flag in FLAGS:
        yield f"| `-{flag.name}` | {_value(flag.default)} | {flag.help} |\n"


def _used() -> Iterator[str]:
    yield "\n## Keys that are used\n"
    keys = [key for key in KEYS if key.fate is Fate.USED]
    for section in dict.fromkeys(_section(key) for key in keys):
        yield f"\n### {section or 'Top level'}\n\n| key | value | default | |\n|---|---|---|---|\n"
        for key in keys:
            if _section(key) == section:
                flag = f" Flag: `-{key.flag}`." if key.flag else ""
                yield f"| `{key.path}` | {key.kind.name} | {_value(key.kind.write(key.default))} | {key.why}{flag} |\n"


def _others() -> Iterator[str]:
    yield "\n## Keys without effect\n\n" + _table(Fate.NO_EFFECT)
    yield "\n## Keys that ask for what is not there\n\n" + _table(Fate.MISSING)
    yield "\n## Keys that are refused\n\nUnless they are left at their default.\n\n" + _table(Fate.REFUSED)


def _table(fate: Fate) -> str:
    reasons: dict[str, list[Key]] = {}
    for key in KEYS:
        if key.fate is fate:
            reasons.setdefault(key.why, []).append(key)
    rows = (f"| {_names(keys)} | {why} |\n" for why, keys in reasons.items())
    return "| keys | why |\n|---|---|\n" + "".join(rows)


def _names(keys: Iterable[Key]) -> str:
    """Keys of one section are named after it, once: `server`: `a`, `b`."""
    sections: dict[str, list[str]] = {}
    for key in keys:
        section, _, name = key.path.rpartition(".")
        sections.setdefault(section, []).append(f"`{name}.*`" if key.whole else f"`{name}`")
    return "; ".join(f"`{section}`: {', '.join(names)}" if section else ", ".join(names) for section, names in sections.items())


def _section(key: Key) -> str:
    return key.section if "." in key.path else ""


def _value(value: object) -> str:
    """A default; an empty one is an empty cell."""
    if value in ("", None, [], ()):
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"
