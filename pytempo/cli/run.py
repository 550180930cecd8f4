"""From options to a running server, and out of it; every way to start one ends here."""

from __future__ import annotations

import gc
import logging
import os
import sys
from typing import TYPE_CHECKING

from pytempo.config.apply import data_directory, folders
from pytempo.config.settings import Settings
from pytempo.directory import DataDirectory, link_folders

if TYPE_CHECKING:
    from pytempo.server import ServeOptions


def options_of(settings: Settings) -> ServeOptions:
    """What `serve` is told by a configuration. Raises BadConfig for settings that do not go together."""
    from pytempo.server.configured import serve_options  # lazy: the server takes longer to load than a wrong file may take to be told

    return serve_options(settings)


def prepare(settings: Settings) -> None:
    """Make the data directory of a configuration what `run` expects. Raises BadConfig where it cannot be used."""
    data = data_directory(settings)
    DataDirectory(data, read_only=False).close()
    link_folders(*folders(settings))


def say(settings: Settings, logger: logging.Logger) -> None:
    """Log what was set and has no effect."""
    for warning in settings.warnings():
        logger.warning("%s", warning)
    for note in settings.notes():
        logger.info("%s", note)


def run(options: ServeOptions, logger: logging.Logger) -> None:
    """Serve until a signal. Raises what `server.serve` raises."""
    from pytempo.server import serve  # lazy: as above

    gc.freeze()  # what was loaded stays to the end: looking through it for garbage would take 0.4 s of every stop
    if not serve(options, logger=logger):
        # Python would wait for the threads that are still at work, however long they take.
        sys.stdout.flush()
        os._exit(0)
