"""`pytempo config`: what a configuration means, whether it can be used, and every key that there is."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

import typer

from pytempo.cli.options import Url
from pytempo.cli.run import options_of
from pytempo.config.check import read_file
from pytempo.config.reference import reference_page
from pytempo.config.settings import Settings
from pytempo.errors import BadConfig

app = typer.Typer(no_args_is_help=True, help="What a configuration means.")

File = Annotated[Path, typer.Argument(help="A configuration in Tempo's form.")]
ExpandEnv = Annotated[bool, typer.Option("--config-expand-env", help="Replace ${VARIABLES} in the file.")]
Mode = Annotated[str, typer.Option(help="defaults, or diff: only what differs from them.")]

SECONDS = 30.0


@app.command()
def show(
    config_file: Annotated[Path | None, typer.Option(help="A configuration in Tempo's form.", show_default=False)] = None,
    config_expand_env: ExpandEnv = False,
    url: Url = None,
    mode: Mode = "",
) -> None:
    """Print the configuration that holds: that of a server (--url), that of a file, or the defaults."""
    if url is not None:
        print(_ask(f"{url.rstrip('/')}/status/config?{urlencode({'mode': mode} if mode else {})}"), end="")
        return
    from pytempo.config.effective import effective_yaml  # lazy: other commands need no options of the server

    settings = read_file(config_file, expand_env=config_expand_env) if config_file else Settings()
    print(effective_yaml(options_of(settings), settings, mode), end="")


@app.command()
def check(file: File, config_expand_env: ExpandEnv = False) -> None:
    """Say what a configuration asks for that has no effect; status 1 where it cannot be used."""
    settings = read_file(file, expand_env=config_expand_env)
    options_of(settings)
    for line in (*settings.warnings(), *settings.notes()):
        print(line)


@app.command()
def reference() -> None:
    """Print every key, in Markdown: the page docs/configuration.md."""
    print(reference_page(), end="")


def _ask(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise BadConfig(f"{url} cannot be asked: {error}") from error
