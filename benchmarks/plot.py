"""Plots as SVG: panels of lines over one axis, each with its own scale that begins at zero; and bars beside their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, TOP, GAP = 860, 130, 70, 46, 52
NAMES, ROW = 430, 22
INK, FAINT = "#333", "#ddd"
COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b")


@dataclass(frozen=True)
class Panel:
    """Lines of one unit, by name, and a level that is drawn dashed."""

    title: str
    lines: Mapping[str, Sequence[float]]
    level: float | None = None
    level_name: str = ""


def over_time(title: str, minutes: Sequence[float], panels: Sequence[Panel]) -> str:
    """Panels over minutes."""
    end = max(minutes, default=0) or 1
    step = nice(end / 6, 0)
    marks = [step * number for number in range(int(end / step) + 1)]
    return _panels(title, [minute / end for minute in minutes], {mark / end: f"{mark:g} min" for mark in marks}, panels)


def over_steps(title: str, steps: Sequence[str], panels: Sequence[Panel]) -> str:
    """Panels over a few steps, such as sizes that grow tenfold, at equal distances."""
    places = [(number + 0.5) / len(steps) for number in range(len(steps))]
    return _panels(title, places, dict(zip(places, steps, strict=True)), panels)


def bars(title: str, columns: Mapping[str, Mapping[str, float]], unit: str) -> str:
    """One bar beside each name, in as many columns as there are; without a unit, the columns' names have theirs."""
    names = list(dict.fromkeys(name for values in columns.values() for name in values))
    width = (WIDTH - NAMES) / len(columns)
    parts = _begin(title, TOP + ROW * len(names) + 30)
    for row, name in enumerate(names):
        parts.append(f'<text x="{NAMES - 8}" y="{TOP + ROW * row + 24}" text-anchor="end" fill="{INK}">{escape(name)}</text>')
    for number, (column, values) in enumerate(columns.items()):
        left, most = NAMES + number * width, nice(*values.values())
        parts.append(f'<text x="{left}" y="{TOP}" fill="{COLOURS[number]}">{escape(f"{column}, {unit}" if unit else column)}</text>')
        for row, name in enumerate(names):
            length, y = (width - 60) * values.get(name, 0) / most, TOP + ROW * row + 12
            parts.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{ROW - 6}" fill="{COLOURS[number]}"/>')
            parts.append(f'<text x="{left + length + 4:.1f}" y="{y + 12}" fill="{INK}">{values.get(name, 0):.3g}</text>')
    return "\n".join((*parts, "</svg>", ""))


def _panels(title: str, places: Sequence[float], ticks: Mapping[float, str], panels: Sequence[Panel]) -> str:
    """Panels below each other; places and ticks are shares of the width."""
    parts = _begin(title, TOP + len(panels) * (HEIGHT + GAP) + 10)
    for number, panel in enumerate(panels):
        top = TOP + number * (HEIGHT + GAP) + 16
        parts += _panel(panel, top, [LEFT + WIDTH * place for place in places])
        for place, text in ticks.items():
            x, y = LEFT + WIDTH * place, top + HEIGHT + 15
            parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" fill="{INK}">{escape(text)}</text>')
    return "\n".join((*parts, "</svg>", ""))


def _begin(title: str, height: float) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 20} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="100%" height="100%" fill="white"/><text x="{LEFT}" y="22" font-size="15" fill="{INK}">{escape(title)}</text>',
    ]


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
        left = LEFT + 300 + (WIDTH - 300) * number // len(panel.lines)
        parts.append(f'<text x="{left}" y="{top - 6}" fill="{colour}">{escape(name)}</text>')
    return parts


def nice(*values: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, … (and 0.1, 0.2, …) that is at least as large as every value."""
    most, unit = max(*values, 1e-6), 1e-6
    while True:
        for factor in (1, 2, 5):
            if unit * factor >= most * (1 - 1e-9):
                return round(unit * factor, 6)
        unit *= 10
