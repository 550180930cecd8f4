"""`pytempo blocks`: the blocks of a store and what each is known by."""

from __future__ import annotations

from typing import Annotated

import typer

from pytempo.cli import checking, output
from pytempo.cli.options import AsJson, Data, Url
from pytempo.cli.source import open_source
from pytempo.errors import NotFound

app = typer.Typer(no_args_is_help=True, help="Look at blocks.")
app.command()(checking.verify)
app.command()(checking.repair)


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
