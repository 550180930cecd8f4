"""Reads the case files beside it: one case a line; lines that begin with `# ` say what the next ones are about."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

CASES = Path(__file__).parent / "cases"


class Refusal(NamedTuple):
    text: str
    line: int
    column: int
    words: str


def lines(name: str) -> list[str]:
    """The cases of one file."""
    texts = (CASES / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [text for text in texts if text.strip() and not text.startswith("# ")]


def pairs(name: str, mark: str = " => ") -> list[tuple[str, str]]:
    """Cases of two halves."""
    halves = [line.split(mark) for line in lines(name)]
    assert all(len(parts) == 2 for parts in halves), f"a line of {name} has not exactly one{mark}"
    return [(left.strip(), right) for left, right in halves]


def refusals(name: str) -> list[Refusal]:
    """Cases of the form `query => line:column words of the message`."""
    found = []
    for text, right in pairs(name):
        place = re.fullmatch(r"(\d+):(\d+) (.+)", right)
        assert place is not None, f"{right!r} is not of the form line:column words"
        found.append(Refusal(text, int(place[1]), int(place[2]), place[3]))
    return found


ACCEPTED = [line for path in sorted(CASES.glob("accepted_*.txt")) for line in lines(path.stem)]
"""Every query of the case files that is sound."""
