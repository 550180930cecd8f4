"""`pytempo trace`: one trace by id."""

from __future__ import annotations

from typing import Annotated

import typer

from pytempo.cli import output
from pytempo.cli.options import AsJson, Data, Tenant, Url
from pytempo.cli.source import open_source


def trace(
    trace_id: Annotated[str, typer.Argument(metavar="ID", help="1 to 32 hex digits; zeros in front may be left out.")],
    url: Url = None,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Show one trace as a tree of its spans."""
    with open_source(url, data, tenant) as source:
        found = source.trace(trace_id)
    output.show(found, as_json, output.trace_tree)
