"""`pytempo blocks verify` and `pytempo blocks repair`: whether what lies on the disk is sound, and making it so."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import DownloadColumn, Progress

from pytempo.cli.options import AsJson
from pytempo.cli.progress import progress_bar

Directory = Annotated[Path, typer.Option("--data", help="The data directory.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def verify(data: Directory, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Read every page of every block and the log, compare checksums and counts; changes nothing. Status 1 where anything is damaged."""
    from pytempo.blocklist import BlockList  # lazy: it loads pyarrow, which takes longer than --help may take
    from pytempo.directory import DataDirectory  # lazy: as above
    from pytempo.maintenance.verify import Report, work_of  # lazy: as above
    from pytempo.maintenance.verify import verify as look_at_all  # lazy: as above
    from pytempo.wal import WalView  # lazy: as above

    logger, report = logging.getLogger("pytempo"), Report()
    with DataDirectory(data, read_only=True) as directory:
        blocks = BlockList.open(directory.blocks, directory.damaged, logger, read_only=True)
        with _progress("verify", work_of(blocks), quiet) as progress:
            for size in look_at_all(blocks, WalView(directory.wal, logger=logger), report):
                progress.advance(progress.task_ids[0], size)
    if as_json:
        print(json.dumps(dataclasses.asdict(report), indent=2))
    else:
        for finding in report.findings:
            print(f"{finding.kind:12} {finding.what}  {finding.cause}")
        print(f"{report.blocks} blocks ({report.bytes} bytes) and {report.segments} WAL segments read, {len(report.findings)} findings")
    if not report.is_sound:
        raise typer.Exit(1)


def repair(data: Directory, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Make filters and checksums anew, and save the sound rows of damaged blocks into new ones. No server may run on the directory.

    Damaged files are kept below damaged/. Status 1 where something could not be saved.
    """
    from pytempo.block.writer import BlockOptions  # lazy: it loads pyarrow, which takes longer than --help may take
    from pytempo.blocklist import BlockList  # lazy: as above
    from pytempo.directory import DataDirectory  # lazy: as above
    from pytempo.maintenance.repair import repair as repair_all  # lazy: as above
    from pytempo.maintenance.verify import work_of  # lazy: as above

    done = []
    with DataDirectory(data, read_only=False) as directory:
        blocks = BlockList.open(directory.blocks, directory.damaged, logging.getLogger("pytempo"))
        with _progress("repair", work_of(blocks), quiet) as progress:
            for step in repair_all(blocks, BlockOptions()):
                progress.advance(progress.task_ids[0], step.bytes)
                if step.step != "read":
                    done.append(step)
                    if not as_json:
                        print(f"{step.step:10} {step.block_id}  {step.detail}")
    if as_json:
        print(json.dumps([{"block": step.block_id, "step": step.step, "detail": step.detail} for step in done], indent=2))
    elif not done:
        print("nothing to repair")
    if any(step.step == "lost" for step in done):
        raise typer.Exit(1)


@contextmanager
def _progress(name: str, total: int, quiet: bool) -> Iterator[Progress]:
    """A bar on stderr, in bytes of rows gone through."""
    with progress_bar(quiet=quiet, amount=DownloadColumn()) as progress:
        progress.add_task(name, total=total)
        yield progress
