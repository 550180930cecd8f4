"""`pytempo -config.file=...`: without a sub-command, the arguments are those of Tempo, so that one can be started in its place."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pytempo.cli.logs import start_logging
from pytempo.cli.run import options_of, prepare, run, say
from pytempo.config.check import read_file
from pytempo.config.flags import FLAGS, BadFlag, CommandLine, read_flags
from pytempo.config.settings import Settings

OURS = ("--help", "--version", "-h")
"""Options of our own that stand where a sub-command does."""

HEALTH_SECONDS = 5.0


def is_tempos(arguments: Sequence[str]) -> bool:
    """Whether these arguments are Tempo's."""
    return bool(arguments) and arguments[0].startswith("-") and arguments[0] not in OURS


def main(arguments: Sequence[str]) -> int:
    """The exit status: 2 for a wrong command line, else 0; BadConfig is raised for a wrong configuration."""
    try:
        line = read_flags(arguments)
    except BadFlag as error:
        print(f"pytempo: {error}\n{usage()}", file=sys.stderr)
        return 2
    if line["help"]:
        print(usage())
        return 0
    if line["version"]:
        return _version()
    if line["health"]:
        return _health(line["health.url"])
    settings = read_settings(line)
    if line["config.verify"]:
        return _verify(settings)
    logger = start_logging(settings["server.log_level"], settings["server.log_format"])
    say(settings, logger)
    prepare(settings)
    run(replace(options_of(settings), overrides_expand_env=line["config.expand-env"]), logger)
    return 0


def read_settings(line: CommandLine) -> Settings:
    """What file and flags say; flags win. Raises BadConfig."""
    if not line["config.file"]:
        return line.settings
    return line.settings.over(read_file(Path(line["config.file"]), expand_env=line["config.expand-env"]))


def _verify(settings: Settings) -> int:
    """Print what is to be said about a configuration; 1 where something of it is a warning."""
    options_of(settings)
    for line in (*settings.warnings(), *settings.notes()):
        print(line)
    return 1 if settings.warnings() else 0


def _version() -> int:
    from pytempo.server.api.service import TEMPO_VERSION  # lazy: the server takes long to load
    from pytempo.telemetry import own_version  # lazy: as above

    print(f"tempo, version {TEMPO_VERSION} (branch: main, revision: pytempo-{own_version()})")
    return 0


def _health(url: str) -> int:
    """0 where a running server says that it is ready."""
    try:
        with urllib.request.urlopen(url, timeout=HEALTH_SECONDS) as answer:
            answer.read()
    except (urllib.error.URLError, OSError, ValueError) as error:
        print(f"pytempo: {url}: {error}", file=sys.stderr)
        return 1
    return 0


def usage() -> str:
    """The flags, for people."""
    own = "\n".join(f"  -{flag.name:<28}{flag.help}" for flag in FLAGS)
    keys = f"  {'-<key>=<value>':<29}Any key of the configuration, such as -server.http-listen-port=3200."
    return f"usage: pytempo -config.file=FILE [-flag=value ...], as Tempo, or: pytempo COMMAND --help\n\n{own}\n{keys}"
