"""What a benchmark leaves: a table on the screen, and under `docs/benchmarks/` a JSON file with how it was made, and a plot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import heading

FOLDER = Path("docs/benchmarks")
"""Of the tree that the benchmarks are run in."""

Rows = Mapping[str, Mapping[str, float]]
"""Figures by name of the row and of the column."""


@dataclass(frozen=True)
class Report:
    """The figures of one benchmark."""

    name: str
    data: str
    rows: Rows
    plot: str
    """As SVG."""

    def leave(self, folder: Path = FOLDER) -> None:
        """Print it, and write its two files."""
        print(f"{heading(self.data)}\n\n{table(self.rows)}", flush=True)
        made = dict(line.split(maxsplit=1) for line in heading(self.data).splitlines())
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.name}.json").write_text(json.dumps({**made, "figures": self.rows}, indent=1) + "\n")
        (folder / f"{self.name}.svg").write_text(self.plot)


def table(rows: Rows) -> str:
    """Rows as lines of a Markdown table."""
    columns = list(dict.fromkeys(column for figures in rows.values() for column in figures))
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, figures in rows.items():
        shown = [f"{figures[column]:.4g}" if column in figures else "" for column in columns]
        lines.append(f"| {name.replace('|', chr(92) + '|')} | " + " | ".join(shown) + " |")
    return "\n".join(lines)
