"""Pages that Tempo has about its parts' rings and its usage report: here each ring has one member, and nothing is reported."""

from __future__ import annotations

import html

from fastapi import APIRouter, Response

from pytempo.server.api.shared import TheService
from pytempo.telemetry import RING_NAMES

router = APIRouter()


@router.get("/status/usage-stats")
async def usage_stats() -> Response:
    return Response("usage-stats is not enabled", media_type="text/plain")


def _serve_ring(name: str) -> None:
    async def ring(service: TheService) -> Response:
        state = html.escape(service.not_ready() or "ACTIVE")
        table = f"<table><tr><th>member<th>state<tr><td>this process<td>{state}</table>"
        return Response(f"<!doctype html>\n<meta charset=utf-8>\n<h1>{name} ring</h1>\n{table}\n", media_type="text/html")

    router.add_api_route(f"/{name}/ring", ring, methods=["GET"])


for _name in RING_NAMES:
    _serve_ring(_name)
