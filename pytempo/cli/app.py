"""The root command: our own sub-commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from pytempo.cli import blocks, config, explain, generate, search, serve, tags, trace

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="A trace store that speaks Grafana Tempo."
)
app.command()(serve.serve)
app.command()(search.search)
app.command()(trace.trace)
app.command()(tags.tags)
app.command()(explain.explain)
app.add_typer(blocks.app, name="blocks")
app.add_typer(config.app, name="config")
app.command()(generate.generate)


def _print_version(asked: bool) -> None:
    if asked:
        from pytempo.telemetry import own_version  # lazy: the metrics' library takes longer to load than --help may take

        print(f"pytempo {own_version()}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """A trace store that speaks Grafana Tempo."""
