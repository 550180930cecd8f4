"""A server behind a proxy that passes paths on as they are."""

from __future__ import annotations

import pytest
from starlette.types import Receive, Scope, Send

from pytempo.server.api.prefix import Prefix


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("only paths are looked at here")


@pytest.mark.parametrize(
    ("path_prefix", "api_prefix", "path", "route"),
    [
        ("", "", "/api/search", "/api/search"),
        ("/tempo", "", "/tempo/api/search", "/api/search"),
        ("/tempo", "", "/tempo/ready", "/ready"),
        ("/tempo", "", "/api/search", None),
        ("/tempo", "", "/tempora/api/search", None),
        ("", "/traces", "/traces/api/search", "/api/search"),
        ("", "/traces", "/api/search", None),
        ("", "/traces", "/ready", "/ready"),
        ("tempo/", "traces", "/tempo/traces/api/echo", "/api/echo"),
        ("/tempo", "/traces", "/tempo/api/echo", None),
    ],
)
def test_routes_are_found_below_their_prefix_only(path_prefix: str, api_prefix: str, path: str, route: str | None) -> None:
    assert Prefix(nothing, path_prefix, api_prefix).strip(path) == route
