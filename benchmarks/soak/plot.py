"""A plot as SVG: panels of lines over one axis of time, each with its own scale that begins at zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, TOP, GAP = 860, 130, 70, 46, 52
INK, FAINT = "#333", "#ddd"
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c")


@dataclass(frozen=True)
class Panel:
    """Lines of one unit, by name, and a level that is drawn dashed."""

    title: str
    lines: dict[str, Sequence[float]]
    level: float | None = None
    level_name: str = ""


def svg(title: str, minutes: Sequence[float], panels: Sequence[Panel]) -> str:
    """The document."""
    height = TOP + len(panels) * (HEIGHT + GAP) + 10
    end = max(minutes, default=0) or 1
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 20} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="100%" height="100%" fill="white"/><text x="{LEFT}" y="22" font-size="15" fill="{INK}">{escape(title)}</text>',
    ]
    for place, panel in enumerate(panels):
        parts += _panel(panel, TOP + place * (HEIGHT + GAP) + 16, [LEFT + WIDTH * minute / end for minute in minutes])
        parts += _ticks(TOP + place * (HEIGHT + GAP) + 16 + HEIGHT, end)
    return "\n".join((*parts, "</svg>", ""))


def _panel(panel: Panel, top: float, places: Sequence[float]) -> list[str]:
    most = nice(max((max(values, default=0) for values in panel.lines.values()), default=0), panel.level or 0)
    parts = [f'<text x="{LEFT}" y="{top - 6}" fill="{INK}">{escape(panel.title)}</text>']
    for share in (0, 0.5, 1):
        y = top + HEIGHT * (1 - share)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + WIDTH}" y2="{y:.1f}" stroke="{FAINT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="{INK}">{most * share:g}</text>')
    if panel.level is not None:
        y = top + HEIGHT * (1 - panel.level / most)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + WIDTH}" y2="{y:.1f}" stroke="#c00" stroke-dasharray="5 4"/>')
        parts.append(f'<text x="{LEFT + WIDTH}" y="{y - 4:.1f}" text-anchor="end" fill="#c00">{escape(panel.level_name)}</text>')
    for number, (name, values) in enumerate(panel.lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(f"{x:.1f},{top + HEIGHT * (1 - value / most):.1f}" for x, value in zip(places, values, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.3"/>')
        parts.append(f'<text x="{LEFT + 330 + 180 * number}" y="{top - 6}" fill="{colour}">{escape(name)}</text>')
    return parts


def _ticks(y: float, end: float) -> list[str]:
    step = nice(end / 6, 0)
    marks = [step * number for number in range(int(end / step) + 1)]
    return [
        f'<text x="{LEFT + WIDTH * mark / end:.1f}" y="{y + 15:.1f}" text-anchor="middle" fill="{INK}">{mark:g} min</text>'
        for mark in marks
    ]


def nice(*values: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, … (and 0.1, 0.2, …) that is at least as large as every value."""
    most, unit = max(*values, 1e-6), 1e-6
    while True:
        for factor in (1, 2, 5):
            if unit * factor >= most * (1 - 1e-9):
                return round(unit * factor, 6)
        unit *= 10
