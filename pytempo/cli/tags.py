"""`pytempo tags`: names of attributes, or the values of one."""

from __future__ import annotations

from typing import Annotated

import typer

from pytempo.cli import output
from pytempo.cli.options import AsJson, Data, End, Since, Start, Tenant, Url
from pytempo.cli.source import open_source, parameters


def tags(
    tag: Annotated[str | None, typer.Argument(help="A field, such as resource.service.name; left out: the names of all.")] = None,
    url: Url = None,
    data: Data = None,
    tenant: Tenant = None,
    query: Annotated[str | None, typer.Option("--query", "-q", help="Only of spans that match this TraceQL filter.")] = None,
    start: Start = None,
    end: End = None,
    since: Since = None,
    as_json: AsJson = False,
) -> None:
    """List the names of attributes, or the values of one."""
    given = parameters(q=query, start=start, end=end, since=since)
    with open_source(url, data, tenant) as source:
        found = source.tags(given) if tag is None else source.tag_values(tag, given)
    output.show(found, as_json, output.tag_table if tag is None else output.value_table)
