"""Pages about limits: which tenants have their own, and what holds for one. HTML for people, JSON for who asks for it."""

from __future__ import annotations

import html
import json
from typing import Any

import yaml
from fastapi import APIRouter, Request, Response

from pytempo.config.overrides import show_limits
from pytempo.limits import EVERYBODY, Limits
from pytempo.model.tenant import check_tenant
from pytempo.server.api.shared import TheService

router = APIRouter()


@router.get("/status/overrides")
async def overrides(request: Request, service: TheService) -> Response:
    """The tenants that have limits of their own."""
    tenants = sorted(service.store.limits.overrides)
    rows = "".join(f'<li><a href="/status/overrides/{html.escape(tenant)}">{html.escape(tenant)}</a></li>\n' for tenant in tenants)
    return _either(request, {"tenants": tenants}, f"<h1>Tenants with limits of their own</h1>\n<ul>\n{rows}</ul>\n")


@router.get("/status/overrides/{tenant}")
async def overrides_of(tenant: str, request: Request, service: TheService) -> Response:
    """What holds for one tenant, and where it comes from."""
    limits = service.store.limits
    name = tenant if tenant == EVERYBODY else check_tenant(tenant)
    document = {"tenant": name, "from": origin(limits, name), "limits": show_limits(limits.of(name), every=True)}
    text = yaml.safe_dump(document["limits"], sort_keys=False)
    return _either(request, document, f"<h1>Limits of {html.escape(name)}, from {document['from']}</h1>\n<pre>{html.escape(text)}</pre>\n")


@router.get("/status/runtime_config")
async def runtime_config(service: TheService) -> Response:
    """The overrides in force as YAML; `mode=diff` is the same, for only what was set is shown."""
    return Response(runtime_config_page(service.store.limits), media_type="text/plain")


def runtime_config_page(limits: Limits) -> str:
    """The overrides in the form of their file."""
    tenants = {tenant: show_limits(own) for tenant, own in sorted(limits.overrides.items())}
    return "---\n" + yaml.safe_dump({"overrides": tenants}, sort_keys=False)


def origin(limits: Limits, tenant: str) -> str:
    """Whose entry holds for a tenant."""
    if tenant in limits.overrides:
        return "its own entry"
    return "the entry of *" if EVERYBODY in limits.overrides else "the defaults"


def _either(request: Request, document: dict[str, Any], page: str) -> Response:
    if "application/json" in request.headers.get("accept", ""):
        return Response(json.dumps(document), media_type="application/json")
    return Response(f"<!doctype html>\n<meta charset=utf-8>\n{page}", media_type="text/html")
