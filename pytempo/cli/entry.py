"""The console script: Tempo's arguments or our own sub-commands, and the way errors end, one line on stderr and no stack."""

from __future__ import annotations

import sys

from pytempo.cli import tempo
from pytempo.errors import PytempoError


def main() -> None:
    """Errors of pytempo end it with status 1, a wrong command line with 2."""
    try:
        if tempo.is_tempos(sys.argv[1:]):
            sys.exit(tempo.main(sys.argv[1:]))
        from pytempo.cli.app import app  # lazy: a server that is started as Tempo need not wait for all the other commands

        app()
    except PytempoError as error:
        print(f"pytempo: {error}", file=sys.stderr)
        sys.exit(1)
