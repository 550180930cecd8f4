"""Options that several commands share, and values that the command line spells in its own way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from pytempo.config import parse_duration

DEFAULT_URL = "http://localhost:3200"

Url: TypeAlias = Annotated[
    str | None, typer.Option("--url", help=f"Ask the server at this URL (default: {DEFAULT_URL}).", show_default=False)
]
Data: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Read this data directory instead, without changing it; a server may be running on it.", show_default=False
    ),
]
Tenant: TypeAlias = Annotated[
    str | None, typer.Option("--tenant", help="Whose spans; for several tenants a|b. Needed where there are several.", show_default=False)
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Start: TypeAlias = Annotated[str | None, typer.Option(help="From this time on: unix seconds or RFC 3339.", show_default=False)]
End: TypeAlias = Annotated[str | None, typer.Option(help="Up to this time.", show_default=False)]
Since: TypeAlias = Annotated[str | None, typer.Option(help="The last 30m, 2h, 7d and so on.", show_default=False)]
CompactionWindow: TypeAlias = Annotated[str, typer.Option(help="Blocks are merged whose ends lie in the same window.")]
CompactionMaxBlockBytes: TypeAlias = Annotated[int, typer.Option(min=1, help="Bytes that the blocks of one merge may have together.")]
CompactionMaxObjects: TypeAlias = Annotated[int, typer.Option(min=1, help="Traces that the blocks of one merge may have together.")]


def duration(text: str) -> int:
    """Nanoseconds of an option's duration, which must not be negative."""
    try:
        nanoseconds = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if nanoseconds < 0:
        raise typer.BadParameter(f"{text!r} is negative")
    return nanoseconds


def positive_duration(text: str) -> int:
    """Nanoseconds of an option's duration, which must be longer than nothing."""
    nanoseconds = duration(text)
    if not nanoseconds:
        raise typer.BadParameter(f"{text!r} must be longer than nothing")
    return nanoseconds
