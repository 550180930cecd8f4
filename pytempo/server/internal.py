"""The server for probes: `GET /ready` in plain HTTP on a port of its own, and nothing else.

The Operator's readiness probe asks here, also where the API is served with mutual TLS.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from pytempo.server.service import Service

NOSNIFF = {"X-Content-Type-Options": "nosniff"}


def internal_app(service: Service) -> Starlette:
    """200 `ready` or 503 with the reason, as on the API port."""

    async def ready(request: Request) -> PlainTextResponse:
        reason = service.not_ready()
        return PlainTextResponse(f"{reason or 'ready'}\n", 200 if reason is None else 503, headers=NOSNIFF)

    return Starlette(routes=[Route("/ready", ready, methods=["GET"])])
