"""`pytempo blocks`: the blocks of a store, what each is known by, and merging them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pytempo.cli import checking, converting, output
from pytempo.cli.options import AsJson, CompactionMaxBlockBytes, CompactionMaxObjects, CompactionWindow, Data, Url, positive_duration
from pytempo.cli.progress import progress_bar
from pytempo.cli.source import open_source
from pytempo.config.apply import replaced
from pytempo.errors import NotFound

if TYPE_CHECKING:
    from pytempo.store import Progress as MergeProgress

_HOUR = 3600 * 1_000_000_000
_NEVER = 24 * 365 * _HOUR
"""Longer than the command runs."""

app = typer.Typer(no_args_is_help=True, help="Look at blocks, merge them, convert, check and repair them.")
app.command()(checking.verify)
app.command()(checking.repair)
app.command()(converting.convert)


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


@app.command("compact")
def compact_blocks(
    data: Annotated[Path, typer.Option(help="The data directory; no server may be running on it.")],
    compaction_window: CompactionWindow = "1h",
    compaction_max_block_bytes: CompactionMaxBlockBytes = 100 * 1024**3,
    compaction_max_objects: CompactionMaxObjects = 6_000_000,
    as_json: AsJson = False,
) -> None:
    """Merge the blocks of each window now; print the merged blocks. A running server does so by itself."""
    window = positive_duration(compaction_window)
    from pytempo.server.api import render  # lazy: the store takes longer to load than --help may take
    from pytempo.store import StoreOptions  # lazy: as above
    from pytempo.store import open as open_store  # lazy: as above

    values = {
        "compaction.disabled": True,  # in the background
        "compaction.compaction_window": window,
        "compaction.compaction_cycle": _NEVER,
        "compaction.max_block_bytes": compaction_max_block_bytes,
        "compaction.max_compaction_objects": compaction_max_objects,
        "compaction.compacted_block_retention": _HOUR,
    }
    bar = progress_bar(stays=True)
    with open_store(data, options=replaced(StoreOptions(), values), logger=logging.getLogger("pytempo")) as store, bar:
        task = bar.add_task("looking for blocks to merge", total=None)

        def report(progress: MergeProgress) -> None:
            text = f"{progress.blocks} blocks of {progress.tenant}, traces"
            bar.update(task, description=text, completed=progress.merged, total=progress.traces)

        made = [render.block(meta.to_bytes()) for meta in store.compact(report=report)]
        bar.update(task, description=f"{len(made)} merged blocks")
    output.show(made, as_json, output.block_table)
