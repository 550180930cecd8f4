"""`pytempo explain`: what a query would read, and what it would leave out and why."""

from __future__ import annotations

import dataclasses
import logging
from typing import Annotated, Any

import typer
from rich.text import Text

from pytempo.cli import output
from pytempo.cli.options import AsJson, Data, End, Since, Start, Tenant
from pytempo.cli.source import now, parameters


def explain(
    query: Annotated[str, typer.Argument(help="TraceQL, such as '{ status = error && duration > 1s }'.")],
    data: Data = None,
    tenant: Tenant = None,
    start: Start = None,
    end: End = None,
    since: Since = None,
    as_json: AsJson = False,
) -> None:
    """Show how a query is read: columns, conditions, and with --data the blocks and row groups that are skipped."""
    from pytempo.model.tenant import DEFAULT_TENANT  # lazy: it loads pyarrow, which takes longer than --help may take
    from pytempo.query.explain import explain as plan_of  # lazy: as above
    from pytempo.server.api.params import MAX_SEARCH_RANGE, window  # lazy: as above
    from pytempo.store import open as open_store  # lazy: as above

    times = window(parameters(start=start, end=end, since=since), now(), MAX_SEARCH_RANGE)
    if data is None:
        plan = plan_of(query)
    else:
        with open_store(data, read_only=True, logger=logging.getLogger("pytempo")) as store:
            plan = store.explain(query, start=times.start, end=times.end, tenant=tenant or DEFAULT_TENANT)
    document: dict[str, Any] = dataclasses.asdict(plan)
    output.show(document, as_json, lambda _: Text(str(plan)))
