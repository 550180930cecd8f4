"""Paths below a prefix, for servers behind a proxy that passes paths on as they are; routes are written and counted without it."""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

API = "/api/"


class Prefix:
    """Takes the prefixes off the path of a request; one that lacks them is answered with 404."""

    def __init__(self, app: ASGIApp, path_prefix: str, api_prefix: str) -> None:
        """`path_prefix` stands before every path, `api_prefix` between it and `/api` (Tempo: `http_path_prefix`, `http_api_prefix`)."""
        self._app = app
        self._all, self._api = (prefix and "/" + prefix.strip("/") for prefix in (path_prefix, api_prefix))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = self.strip(scope["path"])
        if path is None:
            where = f"{self._all}{self._api}{API}"
            await PlainTextResponse(f"404 page not found; the query API is under {where}\n", 404)(scope, receive, send)
            return
        await self._app({**scope, "path": path}, receive, send)

    def strip(self, path: str) -> str | None:
        """The path of the route, None where a prefix is missing."""
        if not path.startswith(f"{self._all}/"):
            return None
        path = path[len(self._all) :]
        if path.startswith(f"{self._api}{API}"):
            return path[len(self._api) :]
        return None if path.startswith(API) else path
