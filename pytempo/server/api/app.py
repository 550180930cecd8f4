"""The application of the API port: its routers, and what holds for all of them (errors as text, timing)."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Scope

from pytempo.errors import BadInput
from pytempo.server.api import limits, metrics, rings, search, service, tags, traces
from pytempo.server.api.middleware import Guard, Timing
from pytempo.server.api.prefix import Prefix
from pytempo.server.service import Service
from pytempo.server.tenancy import HEADER


def api_app(shared: Service) -> FastAPI:
    """Serves every route of the API for one store."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, exception_handlers={HTTPException: no_route})
    app.state.service = shared
    routers = [group.router for group in (search, traces, tags, metrics, service, limits, rings)]
    app.state.routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    for router in routers:
        app.include_router(router)
    app.add_middleware(Guard, logger=shared.logger, left_out=lambda scope: _left_out(shared, scope))
    app.add_middleware(Timing, metrics=shared.requests)
    if shared.options.http_path_prefix or shared.options.http_api_prefix:
        app.add_middleware(Prefix, path_prefix=shared.options.http_path_prefix, api_prefix=shared.options.http_api_prefix)
    return app


def _left_out(shared: Service, scope: Scope) -> tuple[str, ...]:
    """The damaged blocks that the answer to this request lacks; those of other tenants are not named."""
    try:
        tenant = shared.tenancy.reader(Headers(scope=scope).getlist(HEADER))
    except BadInput:
        return ()
    return shared.store.left_out(tenant)


async def no_route(request: Request, error: HTTPException) -> Response:
    """A path or method that is not served, told as text."""
    wrong_path = "404 page not found; the query API is under /api, for example /api/search?q={} or /api/traces/<id>\n"
    body = wrong_path if error.status_code == 404 else f"{error.status_code} {error.detail}\n"
    return Response(body, error.status_code, media_type="text/plain", headers=error.headers)
