"""`pytempo blocks convert`: rewriting the blocks of other formats."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from pytempo.cli import output
from pytempo.cli.options import AsJson
from pytempo.cli.progress import progress_bar


def convert(
    data: Annotated[Path, typer.Option(help="The data directory; no server may be running on it.")],
    as_json: AsJson = False,
) -> None:
    """Rewrite the blocks of other formats (vParquet3, vParquet5) as vParquet4.

    The old blocks go as merged ones do: meta.json becomes meta.compacted.json, and a server deletes the folder later. Stopped at any
    moment, nothing is lost, and the command goes on where it was.
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
