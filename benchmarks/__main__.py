"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import compaction, ingest, overload, query, soak, starting


def main() -> None:
    """Run the benchmark that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("ingest", help="CPU a span from receive to block, memory, disk, trace by id, needle")
    one.add_argument("--spans", type=int, default=200_000)
    one.add_argument("--request", type=int, default=512, help="spans of a request")
    one.add_argument("--clients", type=int, default=4)
    one.add_argument("--json", action="store_true")
    two = commands.add_parser("compaction", help="CPU a span of merging blocks, memory, and queries beside it")
    two.add_argument("--blocks", type=int, default=8)
    two.add_argument("--spans", type=int, default=50_000, help="spans of a block")
    two.add_argument("--json", action="store_true")
    three = commands.add_parser("start", help="seconds and memory of a start over many blocks and over a long log, and of the stop")
    three.add_argument("--blocks", type=int, default=2000)
    three.add_argument("--wal-mib", type=int, default=1024)
    three.add_argument("--folder", type=Path, help="where the data is made, and kept for another time")
    four = commands.add_parser("query", help="ms of CPU of each kind of question, on live spans and on a block")
    four.add_argument("--spans", type=int, default=200_000)
    four.add_argument("--json", action="store_true")
    five = commands.add_parser("soak", help="everything at once for long: memory, disk, errors, and whether all is there at the end")
    five.add_argument("--minutes", type=float, default=30)
    five.add_argument("--rate", type=float, default=1500, help="spans a second")
    five.add_argument("--folder", type=Path, default=Path("docs/benchmarks"), help="where soak.json and soak.svg are written")
    six = commands.add_parser("overload", help="too many clients, too large requests, slow ones, bombs: memory, answers, what is kept")
    six.add_argument("--json", type=Path, default=Path("docs/benchmarks/overload.json"), help="where the figures are written")
    chosen = parser.parse_args()
    if chosen.command == "ingest":
        ingest.show(ingest.measure(chosen.spans, chosen.request, chosen.clients), chosen.json)
    elif chosen.command == "compaction":
        ingest.show(compaction.measure(chosen.blocks, chosen.spans), chosen.json)
    elif chosen.command == "query":
        query.show(chosen.spans, query.measure(chosen.spans), chosen.json)
    elif chosen.command == "soak":
        findings = soak.run(soak.Settings(60 * chosen.minutes, chosen.rate), chosen.folder)
        sys.exit(any(finding.holds is False for finding in findings))
    elif chosen.command == "overload":
        overload.run(chosen.json)
    else:
        starting.run(chosen.blocks, chosen.wal_mib, chosen.folder)


if __name__ == "__main__":
    main()
