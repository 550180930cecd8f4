"""TraceQL metrics: the parameters are read, the answer is still to come and says so."""

from __future__ import annotations

from fastapi import APIRouter, Request

from pytempo.errors import BadQuery
from pytempo.server.api import params
from pytempo.server.api.shared import ANY_METHOD, TheService

router = APIRouter()


@router.api_route("/api/metrics/query_range", methods=ANY_METHOD)
@router.api_route("/api/metrics/query", methods=ANY_METHOD)
async def query(request: Request, service: TheService) -> None:
    if params.query(request.query_params, "q", "query") is None:
        raise BadQuery("q is missing; give a TraceQL metrics query")
    params.window(request.query_params, service.clock(), longest=0)
    raise BadQuery(f"not supported yet: TraceQL metrics ({request.url.path})")
