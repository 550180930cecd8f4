"""How far a command is: a bar on stderr."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn


def progress_bar(*, quiet: bool = False, amount: ProgressColumn | None = None, stays: bool = False) -> Progress:
    """A bar that goes away at the end unless it `stays`; none at all when `quiet`. `amount` is how it counts: pieces, or what is given."""
    columns = (TextColumn("{task.description}"), BarColumn(), amount or MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=quiet, transient=not stays)
