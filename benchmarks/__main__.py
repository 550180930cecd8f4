"""The command line of the benchmarks: each prints a table and leaves it, with a plot, in docs/benchmarks."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import beside, compaction, growth, ingest, overload, query, report, soak, starting, storage
from benchmarks.peers import run as peers
from benchmarks.report import Report

SIZES = (1, 16, 64, 512, 8192)
MIXES = ("plain", "wide")

REPORTS: dict[str, Callable[[argparse.Namespace], Report]] = {
    "ingest": lambda chosen: ingest.run(chosen.spans, chosen.requests, chosen.clients, chosen.mix),
    "query": lambda chosen: query.run(chosen.spans),
    "storage": lambda chosen: storage.run(chosen.spans, chosen.mix),
    "growth": lambda chosen: growth.run(chosen.sizes),
    "compaction": lambda chosen: compaction.run(chosen.blocks, chosen.block_spans),
    "peers": lambda chosen: peers.run(chosen.spans, chosen.request, chosen.clients, chosen.mix),
    "beside": lambda chosen: beside.run(chosen.spans, chosen.load, chosen.seconds),
    "start": lambda chosen: starting.run(chosen.start_blocks, chosen.wal_mib, chosen.start_spans, chosen.data),
}
"""The benchmarks that make a report, by the command of each; in the order in which `all` runs them."""


def main() -> None:
    """Run the benchmark that the command line names."""
    chosen = _parser().parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for name, run in REPORTS.items():
        if chosen.command in (name, "all"):
            run(chosen).leave(chosen.folder)
    if chosen.command in ("overload", "all"):
        overload.run(chosen.folder / "overload.json")
    if chosen.command == "soak":
        findings = soak.run(soak.Settings(60 * chosen.minutes, chosen.rate), chosen.folder)
        sys.exit(any(finding.holds is False for finding in findings))


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
    command("query", "ms of CPU of each kind of question, on live spans and on blocks", "spans")
    command("storage", "bytes a span in the log, in blocks, merged, and by column", "spans", "mix")
    command("growth", "questions and memory as the store grows", "sizes")
    command("compaction", "CPU a span of merging blocks, memory, and queries beside it", "blocks", "block-spans")
    command("peers", "pytempo and other stores with the same data, by the same client", "spans", "request", "clients", "mix")
    command("beside", "the mix of questions while spans come in, against idle", "spans", "load", "seconds")
    start = command(
        "start", "seconds and memory of a start over many blocks, a long log and many spans, and of the stop", "wal-mib", "data"
    )
    start.add_argument("--blocks", **OPTIONS["start-blocks"], dest="start_blocks")
    start.add_argument("--spans", **OPTIONS["start-spans"], dest="start_spans")
    command("soak", "everything at once for long: memory, disk, errors, and whether all is there at the end", "minutes", "rate")
    command("overload", "too many clients, too large requests, slow ones, bombs: memory, answers, what is kept")
    shared = [option for option in OPTIONS if option not in ("minutes", "rate")]
    command("all", "these, one after the other, without the soak", *shared)
    return parser


OPTIONS = {
    "spans": {"type": int, "default": 200_000},
    "requests": {"type": int, "nargs": "+", "default": SIZES, "help": "spans of a request"},
    "request": {"type": int, "default": 512, "help": "spans of a request"},
    "clients": {"type": int, "default": 4},
    "mix": {"choices": MIXES, "default": "plain", "help": "of benchmarks/data.py"},
    "sizes": {"type": int, "nargs": "+", "default": (100_000, 1_000_000), "help": "spans of each store"},
    "blocks": {"type": int, "default": 8},
    "block-spans": {"type": int, "default": 50_000, "help": "spans of a block"},
    "start-blocks": {"type": int, "default": 2000, "help": "blocks of 8 traces; none: not measured"},
    "wal-mib": {"type": int, "default": 1024, "help": "MiB of OTLP in the log; none: not measured"},
    "start-spans": {"type": int, "default": 0, "help": "spans in blocks; none: not measured"},
    "data": {"type": Path, "help": "where the data of starts is made, and kept for another time"},
    "load": {"type": float, "default": 50_000, "help": "spans a second that come in"},
    "seconds": {"type": float, "default": 30, "help": "of questions, idle and beside"},
    "minutes": {"type": float, "default": 30},
    "rate": {"type": float, "default": 1500, "help": "spans a second"},
}


if __name__ == "__main__":
    main()
