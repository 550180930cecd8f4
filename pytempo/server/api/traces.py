"""Trace by id: v1 answers 404 for an absent one, v2 an empty trace."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request, Response

from pytempo.errors import BadQuery, NotFound
from pytempo.otlp import encode, trace_to_json
from pytempo.query.budget import Budget
from pytempo.query.results import Inspected, Trace
from pytempo.server.api import params, render, shared, tempopb
from pytempo.server.api.negotiate import JSON, PROTOBUF, Form
from pytempo.server.api.params import Window
from pytempo.server.api.shared import ANY_METHOD, TheForm, TheService, TheTenant
from pytempo.store import Store

router = APIRouter()

MODES = ("all", "blocks", "ingesters", "external")
"""Where Tempo is told to look; all is what it means to ask for a trace."""

SHARDS = {"blockStart": "00000000-0000-0000-0000-000000000000", "blockEnd": "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"}
"""Bounds of block ids, for debugging Tempo's shards; only the widest are served."""


@router.api_route("/api/traces/{traceID}", methods=ANY_METHOD)
@router.api_route("/api/traces/{traceID}/", methods=ANY_METHOD)
async def trace_v1(traceID: str, request: Request, service: TheService, form: TheForm, tenant: TheTenant) -> Response:
    window = _question(request)
    return await shared.answer(request, service, lambda budget: answer_v1(find(service.store, traceID, window, tenant, budget), form))


@router.api_route("/api/v2/traces/{traceID}", methods=ANY_METHOD)
@router.api_route("/api/v2/traces/{traceID}/", methods=ANY_METHOD)
async def trace(traceID: str, request: Request, service: TheService, form: TheForm, tenant: TheTenant) -> Response:
    window = _question(request)
    return await shared.answer(request, service, lambda budget: answer(find(service.store, traceID, window, tenant, budget), form))


def find(store: Store, trace_id: str, window: Window, tenant: str, budget: Budget | None = None) -> Trace | None:
    """The whole trace, whatever the times of its spans; the window only spares sources that do not touch it."""
    return store.trace(trace_id, start=window.start, end=window.end, tenant=tenant, budget=budget)


def answer_v1(found: Trace | None, form: Form) -> Response:
    """The bare trace. Raises NotFound, with no text: Tempo's body is empty."""
    if found is None:
        raise NotFound("")
    if form.protobuf:
        return form.send(encode(found.batch), PROTOBUF)
    return form.send(trace_to_json(found.batch, top="batches"), JSON)


def answer(found: Trace | None, form: Form) -> Response:
    """`TraceByIDResponse`. Its trace is there even when it is empty: Grafana reads it unasked."""
    if not form.protobuf:
        return form.send(to_json(found), JSON)
    wire = b"" if found is None else encode(found.batch)  # before the metrics, which count what it reads
    metrics = tempopb.parse(render.trace_metrics(Inspected() if found is None else found.inspected), "TraceByIDMetrics")
    return form.send(tempopb.message_class("TraceByIDResponse")(trace=wire, metrics=metrics).SerializeToString(), PROTOBUF)


def to_json(found: Trace | None) -> bytes:
    """The same as JSON; for an absent trace both its parts are empty."""
    if found is None:
        return b'{"trace":{},"metrics":{}}'
    trace = trace_to_json(found.batch)  # before the metrics, which count what it reads
    metrics = json.dumps(render.trace_metrics(found.inspected), separators=(",", ":")).encode()
    return b"".join((b'{"trace":', trace, b',"metrics":', metrics, b"}"))


def _question(request: Request) -> Window:
    given = request.query_params
    mode = params.text(given, "mode") or "all"
    if mode not in MODES:
        raise BadQuery(f"invalid mode: {params.shown(mode)} is none of {', '.join(MODES)}")
    if mode != "all":
        raise BadQuery(f"not supported: mode={mode}; a trace is always looked for everywhere")
    for name, widest in SHARDS.items():
        if (params.text(given, name) or widest).upper() != widest:
            raise BadQuery(f"not supported: {name}; a trace is always looked for in every block")
    return params.bounds(given)
