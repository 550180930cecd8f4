"""`pytempo blocks`: the blocks of a store, what each is known by, and rewriting those of other formats."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from pytempo.cli import output
from pytempo.cli.generate import progress_bar
from pytempo.cli.options import AsJson, Data, Url
from pytempo.cli.source import open_source
from pytempo.errors import NotFound

app = typer.Typer(no_args_is_help=True, help="Look at blocks, and convert them.")


@app.command("list")
def list_blocks(url: Url = None, data: Data = None, as_json: AsJson = False) -> None:
    """List all blocks, the latest end first."""
    with open_source(url, data) as source:
        found = source.blocks()
    output.show(found, as_json, output.block_table)


@app.command("show")
def show_block(
    block_id: Annotated[str, typer.Argument(metavar="ID", help="The block's UUID, or its first digits.")],
    url: Url = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show the metadata of one block."""
    with open_source(url, data) as source:
        found = [block for block in source.blocks() if block["blockID"].startswith(block_id.lower())]
    if len(found) != 1:
        raise NotFound(f"{'no block has' if not found else f'{len(found)} blocks have'} an id that begins with {block_id}")
    output.show(found[0], as_json, output.fields)


@app.command("convert")
def convert_blocks(
    data: Annotated[Path, typer.Option(help="The data directory; no server may be running on it.")],
    as_json: AsJson = False,
) -> None:
    """Rewrite the blocks of other formats (vParquet3, vParquet5) as vParquet4.

    The old blocks stay where they are, out of use: meta.json becomes meta.compacted.json. Stopped at any moment, nothing is lost, and the
    command goes on where it was.
    """
    from pytempo.store import open as open_store  # lazy: the store takes longer to load than --help may take

    with open_store(data, logger=logging.getLogger("pytempo")) as store:
        todo = store.outdated_blocks()
        with progress_bar(quiet=as_json) as progress:
            task = progress.add_task("converting blocks", total=len(todo))
            done = []
            for conversion in store.convert():
                done.append({"from": conversion.old.block_id, "format": conversion.old.format, "to": conversion.new.block_id})
                progress.advance(task)
    output.show({"converted": done}, as_json, lambda found: f"{len(found['converted'])} blocks converted")
