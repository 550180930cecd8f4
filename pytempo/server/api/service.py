"""Routes about the process itself: readiness, version, metrics, flush and shutdown, and pages of status for people."""

from __future__ import annotations

import platform
from collections.abc import Callable
from concurrent.futures import CancelledError, Future

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from pytempo.config.effective import effective_yaml
from pytempo.errors import Unavailable
from pytempo.server.api import render
from pytempo.server.api.shared import ANY_METHOD, TheService
from pytempo.server.service import Service
from pytempo.telemetry import EXPOSITION_TYPE, own_version

router = APIRouter()

TEMPO_VERSION = "2.10.8"
"""The version of Tempo whose API this is. Clients compare it (Grafana: 2.7 and later have everything); pytempo's own is the revision."""


def line(text: str, status: int = 200) -> Response:
    """A short fixed answer, as Go's servers write them."""
    return Response(text + "\n", status, media_type="text/plain", headers={"X-Content-Type-Options": "nosniff"})


@router.api_route("/ready", methods=ANY_METHOD)
async def ready(service: TheService) -> Response:
    reason = service.not_ready()
    if reason is not None:
        raise Unavailable(f"{reason}\n")
    return line("ready")


@router.api_route("/api/echo", methods=ANY_METHOD)
async def echo() -> Response:
    return line("echo")


@router.get("/api/status/buildinfo")
async def build_info() -> dict[str, str]:
    return {
        "version": TEMPO_VERSION,
        "revision": f"pytempo-{own_version()}",
        "branch": "main",
        "buildUser": "",
        "buildDate": "",
        "goVersion": f"python{platform.python_version()}",
    }


@router.api_route("/metrics", methods=ANY_METHOD)
async def metrics(service: TheService) -> Response:
    return Response(await service.exposition.text(), media_type=EXPOSITION_TYPE)


@router.api_route("/flush", methods=ANY_METHOD)
async def flush(request: Request, service: TheService) -> Response:
    """Answers when the blocks are published (Tempo: at once)."""
    tenant = request.query_params.get("tenant") or None
    await service.bridge.admin.run(lambda: service.store.flush(tenant))
    return Response(status_code=204)


@router.api_route("/shutdown", methods=ANY_METHOD)
async def shutdown(service: TheService) -> Response:
    """No more spans are taken and everything is cut into blocks; questions are answered until the process is ended from outside."""
    service.stopping()
    service.store.stop_writes()
    service.bridge.admin.submit(service.store.flush).add_done_callback(lambda done: _tell(service, done))
    return line("shutdown job acknowledged")


def _tell(service: Service, flushed: Future[None]) -> None:
    error = CancelledError() if flushed.cancelled() else flushed.exception()
    if error is None:
        service.logger.info("shutdown asked for over HTTP: everything is in blocks, no more spans are taken")
    else:
        service.logger.error("shutdown asked for over HTTP: not everything could be flushed, the rest stays in the log", exc_info=error)


@router.get("/status")
async def status(request: Request, service: TheService) -> Response:
    pages = (("version", version_page), ("services", services_page), ("endpoints", endpoints_page), ("config", config_page))
    return _page("\n".join(f"GET /status/{name}\n{page(request, service)}" for name, page in pages))


def version_page(request: Request, service: Service) -> str:
    return (
        f"tempo, version {TEMPO_VERSION} (branch: main, revision: pytempo-{own_version()})\n  python version: {platform.python_version()}\n"
    )


def services_page(request: Request, service: Service) -> str:
    state = service.not_ready() or "Running"
    return "".join(f"{name:<20}{state}\n" for name in ("otlp-grpc", "otlp-http", "store", "query-api"))


def endpoints_page(request: Request, service: Service) -> str:
    routes = sorted((route.path, ", ".join(sorted(route.methods or ()))) for route in request.app.state.routes)
    return "".join(f"{path:<50}{methods}\n" for path, methods in routes)


def config_page(request: Request, service: Service) -> str:
    """`?mode=defaults` or `diff`; raises BadConfig for any other."""
    return effective_yaml(service.options, service.options.settings, request.query_params.get("mode", ""))


@router.get("/status/blocks")
async def blocks(service: TheService) -> Response:
    """Not Tempo's: what `pytempo blocks` asks."""
    store = service.store
    found = [render.block(meta.to_bytes()) for tenant in store.tenants() for meta in store.blocks(tenant)]
    return JSONResponse({"blocks": found})


def _page(text: str) -> Response:
    return Response(text, media_type="text/plain")


def _serve_page(path: str, page: Callable[[Request, Service], str]) -> None:
    async def serve_page(request: Request, service: TheService) -> Response:
        return _page(page(request, service))

    router.add_api_route(path, serve_page, methods=["GET"])


_serve_page("/status/version", version_page)
_serve_page("/status/services", services_page)
_serve_page("/status/endpoints", endpoints_page)
_serve_page("/status/config", config_page)
