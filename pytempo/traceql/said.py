"""What an answer says of spansets beside their spans: numbers and groups, as columns, put into words when they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, TypeAlias

import numpy as np

from pytempo.model.arrays import Ints
from pytempo.traceql.arithmetic import Numbers
from pytempo.traceql.durations import duration_text
from pytempo.traceql.grouping import WORDS, Label
from pytempo.traceql.types import Type


@dataclass(frozen=True, slots=True)
class SaidNumbers:
    """A number of each spanset, or none; `duration` where it is one of nanoseconds."""

    numbers: Numbers
    duration: bool

    def take(self, rows: Ints) -> SaidNumbers:
        """Those of these spansets."""
        return SaidNumbers(self.numbers.take(rows), self.duration)

    def of(self, row: int) -> Any:
        """What is said of one spanset, None where there is no number."""
        if not self.numbers.valid[row]:
            return None
        number = (self.numbers.ints if self.numbers.integer[row] else self.numbers.floats)[row].item()
        return duration_text(int(number)) if self.duration and isfinite(number) else number


@dataclass(frozen=True, slots=True)
class SaidGroups:
    """The group of each spanset, by its number among the labels; `absent` is what the group without a value is called."""

    codes: Ints
    labels: tuple[Label, ...]
    absent: str | bool

    def take(self, rows: Ints) -> SaidGroups:
        """Those of these spansets."""
        return SaidGroups(self.codes[rows], self.labels, self.absent)

    def of(self, row: int) -> Any:
        """What the group of one spanset is called."""
        group = self.labels[int(self.codes[row])]
        if group.type is Type.NIL:
            return self.absent
        if group.type in WORDS:
            return WORDS[group.type][group.value]
        return duration_text(group.value) if group.type is Type.DURATION else group.value


Said: TypeAlias = SaidNumbers | SaidGroups


def joined(pieces: Sequence[Said]) -> Said:
    """What is said of spansets of several batches under one label, one batch after the other."""
    first = pieces[0]
    if isinstance(first, SaidNumbers):
        numbers = [piece.numbers for piece in pieces if isinstance(piece, SaidNumbers)]
        return SaidNumbers(
            Numbers(*(np.concatenate([getattr(each, column.name) for each in numbers]) for column in fields(Numbers))), first.duration
        )
    groups = [piece for piece in pieces if isinstance(piece, SaidGroups)]
    before = np.cumsum([0, *(len(piece.labels) for piece in groups)])
    codes = np.concatenate([piece.codes + start for piece, start in zip(groups, before, strict=False)])
    return SaidGroups(codes, tuple(label for piece in groups for label in piece.labels), first.absent)
