"""Around every request of the API: its duration is counted, and what it raises becomes a refusal in plain text."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Callable

from fastapi import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pytempo.server.status import Refusal, refusal_of
from pytempo.telemetry import RequestMetrics


class Guard:
    """Turns errors into refusals, by the one table of status.py."""

    def __init__(self, app: ASGIApp, logger: logging.Logger, left_out: Callable[[Scope], tuple[str, ...]]) -> None:
        """`left_out` gives the damaged blocks that the answer to a request lacks; they are named in the header `X-Pytempo-Left-Out`."""
        self._app, self._logger, self._left_out = app, logger, left_out

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] == "http.response.start" and scope["path"].startswith("/api/") and (blocks := self._left_out(scope)):
                message["headers"] = [*message["headers"], (b"x-pytempo-left-out", ", ".join(blocks).encode())]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            refusal = refusal_of(error, self._logger, f"{scope['method']} {scope['path']}")
            await plain(refusal)(scope, receive, send)


def plain(refusal: Refusal) -> Response:
    """A refusal as Tempo writes errors of queries: the bare message."""
    headers = {} if refusal.retry_after is None else {"Retry-After": str(math.ceil(refusal.retry_after))}
    return Response(refusal.text, refusal.http, media_type="text/plain", headers=headers)


class Timing:
    """Counts every request, its time and its bytes under its route."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, start, received, sent = 500, time.perf_counter(), 0, 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def watched(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            sent += len(message.get("body", b""))
            await send(message)

        try:
            with self._metrics.in_flight(lambda: (scope["method"], route_name(scope))):
                await self._app(scope, counted, watched)
        finally:
            route = route_name(scope)
            self._metrics.observe(scope["method"], route, status, time.perf_counter() - start)
            self._metrics.sizes(scope["method"], route, received, sent)


def route_name(scope: Scope) -> str:
    """The route in Tempo's spelling: `/api/traces/{traceID}` is `api_traces_traceid`, what has no route is `other`."""
    route = scope.get("route")
    if route is None:
        return "other"
    template = re.sub(r":\w+}", "}", route.path)
    return re.sub(r"\W+", "_", template.lower()).strip("_")
