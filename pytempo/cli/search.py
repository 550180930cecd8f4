"""`pytempo search`: traces that match a TraceQL query."""

from __future__ import annotations

from typing import Annotated

import typer

from pytempo.cli import output
from pytempo.cli.options import AsJson, Data, End, Since, Start, Tenant, Url
from pytempo.cli.source import open_source, parameters


def search(
    query: Annotated[str, typer.Argument(help="TraceQL, such as '{ status = error && duration > 1s }'.")] = "{}",
    url: Url = None,
    data: Data = None,
    tenant: Tenant = None,
    limit: Annotated[int, typer.Option(help="The most traces, the newest first.")] = 20,
    spss: Annotated[int, typer.Option(help="The most spans shown of each trace's spanset.")] = 3,
    start: Start = None,
    end: End = None,
    since: Since = None,
    as_json: AsJson = False,
) -> None:
    """Find traces by TraceQL."""
    with open_source(url, data, tenant) as source:
        found = source.search(parameters(q=query, limit=limit, spss=spss, start=start, end=end, since=since))
    output.show(found, as_json, output.search_table)
