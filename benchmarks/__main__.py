"""The command line of the benchmarks: each prints a table and leaves it, with a plot, in docs/benchmarks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import compaction, growth, ingest, overload, query, report, soak, starting, storage

SIZES = (1, 16, 64, 512, 8192)
MIXES = ("plain", "wide")


def main() -> None:
    """Run the benchmark that the command line names."""
    chosen = _parser().parse_args()
    if chosen.command in ("ingest", "all"):
        ingest.run(chosen.spans, chosen.requests, chosen.clients, chosen.mix).leave(chosen.folder)
    if chosen.command in ("query", "all"):
        query.run(chosen.spans).leave(chosen.folder)
    if chosen.command in ("storage", "all"):
        storage.run(chosen.spans, chosen.mix).leave(chosen.folder)
    if chosen.command in ("growth", "all"):
        growth.run(chosen.sizes).leave(chosen.folder)
    if chosen.command in ("compaction", "all"):
        compaction.run(chosen.blocks, chosen.block_spans).leave(chosen.folder)
    if chosen.command == "soak":
        findings = soak.run(soak.Settings(60 * chosen.minutes, chosen.rate), chosen.folder)
        sys.exit(any(finding.holds is False for finding in findings))
    if chosen.command == "overload":
        overload.run(chosen.folder / "overload.json")
    if chosen.command == "start":
        starting.run(chosen.blocks, chosen.wal_mib, chosen.data)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, help: str, *options: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=help)
        made.add_argument("--folder", type=Path, default=report.FOLDER, help="where the figures and plots are written")
        for option in options:
            made.add_argument(f"--{option}", **OPTIONS[option])
        return made

    command("ingest", "CPU a span from receive to block, memory, disk, by size of requests", "spans", "requests", "clients", "mix")
    command("query", "ms of CPU of each kind of question, on live spans and on a block", "spans")
    command("storage", "bytes a span in the log, in blocks, merged, and by column", "spans", "mix")
    command("growth", "questions and memory as the store grows", "sizes")
    command("compaction", "CPU a span of merging blocks, memory, and queries beside it", "blocks", "block-spans")
    every = command("all", "these, one after the other", "spans", "requests", "clients", "mix", "sizes", "blocks", "block-spans")
    every.set_defaults(sizes=[100_000, 1_000_000])
    start = command("start", "seconds and memory of a start over many blocks and over a long log, and of the stop", "wal-mib")
    start.add_argument("--blocks", type=int, default=2000)
    start.add_argument("--data", type=Path, help="where the data is made, and kept for another time")
    command("soak", "everything at once for long: memory, disk, errors, and whether all is there at the end", "minutes", "rate")
    command("overload", "too many clients, too large requests, slow ones, bombs: memory, answers, what is kept")
    return parser


OPTIONS = {
    "spans": {"type": int, "default": 200_000},
    "requests": {"type": int, "nargs": "+", "default": SIZES, "help": "spans of a request"},
    "clients": {"type": int, "default": 4},
    "mix": {"choices": MIXES, "default": "plain", "help": "of benchmarks/data.py"},
    "sizes": {"type": int, "nargs": "+", "default": (100_000, 1_000_000), "help": "spans of each store"},
    "blocks": {"type": int, "default": 8},
    "block-spans": {"type": int, "default": 50_000, "help": "spans of a block"},
    "wal-mib": {"type": int, "default": 1024},
    "minutes": {"type": float, "default": 30},
    "rate": {"type": float, "default": 1500, "help": "spans a second"},
}


if __name__ == "__main__":
    main()
